"""Alert channels: an Apprise address each, with a bounded queue, tries, and somebody else when it takes nothing."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, Clock, Secret
from firmquote.model.alerts import Severity
from firmquote.model.redaction import REDACTOR
from firmquote.publish.alerting import ChannelPolicy, Message, body, title

QUEUED_MAX = 64
"""Messages that wait for one channel; above it the oldest is given up, and counted."""
PAUSES_S = (1, 3)
"""Between one try and the next."""
TIMEOUT_S = 4
_log = structlog.get_logger("firmquote")


class Sender:
    """One Apprise address. `send` blocks, so it runs in a thread; Apprise is imported by whoever has a channel."""

    def __init__(self, name: str, address: Secret) -> None:
        import apprise  # noqa: PLC0415 - half a second that a gateway without channels need not spend

        self._apprise = apprise.Apprise()
        plain = address.reveal()
        joiner = "&" if "?" in plain else "?"
        if not self._apprise.add(f"{plain}{joiner}cto={TIMEOUT_S}&rto={TIMEOUT_S}"):
            raise ConfigError(
                f"alerts.channels.{name}: its address is none that Apprise knows. "
                "See https://github.com/caronc/apprise/wiki, and keep it in the environment or a file."
            )
        for server in self._apprise:
            server.request_rate_per_sec = 0  # it would sleep for seconds; the desk has its own limit
        self._kinds = {Severity.WARNING: apprise.NotifyType.WARNING, Severity.CRITICAL: apprise.NotifyType.FAILURE}
        self._good = apprise.NotifyType.SUCCESS

    def send(self, message: Message) -> bool:
        """Send, and say whether it was taken."""
        kind = self._kinds[message.severity] if message.firing else self._good
        return bool(self._apprise.notify(title=title(message), body=body(message), notify_type=kind))

    def beat(self, words: str) -> bool:
        """Send the heartbeat."""
        return bool(self._apprise.notify(title="[firmquote] alive", body=words, notify_type=self._good))


class Channel:
    """Delivers one message after the other, in order."""

    def __init__(
        self,
        name: str,
        policy: ChannelPolicy,
        sender: Sender,
        clock: Clock,
        probe_every_s: float,
        give_up: Callable[[Message, frozenset[str]], None],
        on_delivered: Callable[[Message], None],
    ) -> None:
        self.name = name
        self.policy = policy
        self.failing: str | None = None
        self.delivered = 0
        self.dropped = 0
        self._sender = sender
        self._clock = clock
        self._probe_every_s = probe_every_s
        self._give_up = give_up
        self._on_delivered = on_delivered
        self._queue: asyncio.Queue[tuple[Message, frozenset[str]]] = asyncio.Queue(QUEUED_MAX)

    def put(self, message: Message, tried: frozenset[str] = frozenset()) -> None:
        """Queue a message; `tried` are the channels that did not take it."""
        if self._queue.full():
            self._queue.get_nowait()
            self.dropped += 1
        self._queue.put_nowait((message, tried))

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            message, tried = await self._queue.get()
            if await self._deliver(message):
                continue
            self.failing = f"it took no message in {1 + len(PAUSES_S)} tries"
            _log.error("alert_channel", channel=self.name, failing=self.failing)
            self._give_up(message, tried | {self.name})
            while not await self._try(message):
                await self._pause(self._probe_every_s)
            self.failing = None
            _log.info("alert_channel", channel=self.name, failing=None)

    async def _deliver(self, message: Message) -> bool:
        for pause_s in PAUSES_S:
            if await self._try(message):
                return True
            await self._pause(pause_s)
        return await self._try(message)

    async def _try(self, message: Message) -> bool:
        taken = await asyncio.to_thread(self._sender.send, message)
        if taken:
            self.delivered += 1
            self._on_delivered(message)
        return taken

    async def _pause(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.monotonic_ns() + int(seconds * NS_PER_S))


def read_address(where: str, *, env: str | None, file: str | None, environ: Mapping[str, str]) -> Secret:
    """Return the Apprise address that the configuration names.

    Raises:
        ConfigError: it is not there.
    """
    if env is not None:
        text = environ.get(env, "").strip()
        missing = f"the environment variable {env} is not set"
    else:
        path = Path(file or "").expanduser()
        text = path.read_text().strip() if path.is_file() else ""
        missing = f"{path} is not there, or is empty"
    if not text:
        raise ConfigError(f"{where}: {missing}. Put the channel's Apprise address there, or take the channel out.")
    return REDACTOR.learn(Secret(text))
