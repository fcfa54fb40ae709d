"""Hands a gateway over to a process that has warmed up, over a socket that only their owner can reach.

    new → old   hello      "I would serve this address"
    old → new   offer      the listening socket, the operator's token, and whose connections show nothing now
    new → old   release    "give me those connections": it opens them, and takes their quotes
    new → old   warm       every connection that it can have is open
    old → new   yours      nothing is decided, written or answered here any more; what lived in memory only
    new → old   serving    the old process ends

Until `warm` the old process goes on as if nothing were, so a new one that fails costs nothing. Books, switches, stage
and audit trail are locked files: whatever goes wrong, two processes never trade.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog
from msgspec import Struct

from firmquote.errors import ConfigError, NotRunningError, RefusedError
from firmquote.model import NS_PER_MS, NS_PER_S, Clock, Secret
from firmquote.publish import preload
from firmquote.runtime.config import ServeSection
from firmquote.runtime.front import Place, expand, gateway_dir
from firmquote.runtime.gateway import HELD, READY, Gateway
from firmquote.runtime.heritage import Heritage, bequeath, take_up

SOCKET = "handover"
ANSWER_S = 30.0
"""How long either waits for the other's next word."""
WARM_S = 10.0
"""How long a connection may take to open; then the new process goes on without it."""
QUOTED_S = 2.0
"""How long the open ones are given to bring every symbol; what stays quiet is in what the old process leaves."""
LOOK_NS = 20 * NS_PER_MS
MESSAGE_BYTES_MAX = 256 * 1024 * 1024
S = TypeVar("S", bound=Struct)
_log = structlog.get_logger("firmquote")


class Hello(Struct, frozen=True):
    """Who comes, and what it is configured to serve."""

    pid: int
    host: str


class Offer(Struct, frozen=True):
    """What the new process needs to warm up; the listening socket comes before it."""

    token: str
    idle: tuple[str, ...]
    """Providers whose connections show nothing now."""


class Release(Struct, frozen=True):
    """Close these providers' connections."""

    providers: tuple[str, ...]


class Warm(Struct, frozen=True):
    """The new process is ready to go on. `whole`: whose streams it has, and the old one too."""

    whole: tuple[str, ...]


class Serving(Struct, frozen=True):
    """The new process answers."""


class _Channel:
    """Sends and receives structs; the other's end is a RefusedError."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        line.setblocking(False)  # noqa: FBT003 - the library's own

    async def send(self, message: Struct) -> None:
        data = msgspec.json.encode(message)
        with _ended():
            await asyncio.get_running_loop().sock_sendall(self.line, len(data).to_bytes(4) + data)

    async def receive(self, kind: type[S], *, within_s: float = ANSWER_S) -> S:
        with _ended():
            async with asyncio.timeout(within_s):
                size = int.from_bytes(await self._read(4))
                if size > MESSAGE_BYTES_MAX:
                    raise RefusedError(f"the other process sends {size} bytes at once: it is no gateway.")
                return msgspec.json.decode(await self._read(size), type=kind)

    async def _read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            part = await asyncio.get_running_loop().sock_recv(self.line, size - len(found))
            if not part:
                raise ConnectionResetError
            found += part
        return bytes(found)


@contextlib.contextmanager
def _ended() -> Iterator[None]:
    try:
        yield
    except (OSError, TimeoutError) as error:
        raise RefusedError("the other process ended, or does not answer any more.") from error


class Handover:
    """The old process's side."""

    def __init__(self, gateway: Gateway, place: Place, server: socket.socket) -> None:
        self.warm = asyncio.Event()
        """Set when a process is ready to go on; then everything here is to be closed, and `give` called."""
        self._gateway = gateway
        self._place = place
        self._server = server
        self.pid = 0
        """Of the new process."""
        self._channel: _Channel | None = None

    async def run(self) -> None:
        """Let one process after the other warm up, until one is warm."""
        while not self.warm.is_set():
            line, _ = await asyncio.get_running_loop().sock_accept(self._server)
            channel = _Channel(line)
            try:
                await self._let_warm_up(channel)
            except (RefusedError, msgspec.MsgspecError) as error:
                _log.error("handover", trouble=f"nothing is handed over: {error}")
                line.close()
                self._gateway.reopen_lines()
            else:
                self._channel = channel
                self.warm.set()

    async def give(self) -> None:
        """Leave everything to the new process, and return once it answers.

        Raises:
            RefusedError: it failed after it was given everything.
        """
        assert self._channel is not None
        try:
            await self._channel.send(bequeath(self._gateway))
            await self._channel.receive(Serving)
        except RefusedError as error:
            raise RefusedError("the new process failed after it was given everything. Start a gateway anew.") from error
        _log.info("handover", after="given")

    async def _let_warm_up(self, channel: _Channel) -> None:
        gateway = self._gateway
        hello = await channel.receive(Hello)
        if hello.host != gateway.config.serve.host:
            raise RefusedError(f"process {hello.pid} would listen on {hello.host}: that takes a stop and a start.")
        self.pid = hello.pid
        _log.info("handover", after="warming up", pid=hello.pid)
        with _ended():
            socket.send_fds(channel.line, [b"L"], [self._place.listening.fileno()])
        await channel.send(Offer(token=self._place.own.reveal(), idle=tuple(gateway.idle_lines())))
        for name in (await channel.receive(Release)).providers:
            gateway.close_line(name)
        await channel.receive(Warm, within_s=ANSWER_S + WARM_S)


@asynccontextmanager
async def handing_over(gateway: Gateway, place: Place) -> AsyncIterator[Handover]:
    """Let a new process come while the block runs."""
    directory = gateway_dir(expand(gateway.config.serve.state_dir), place.port)
    with _address(directory) as address, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        (directory / SOCKET).unlink(missing_ok=True)
        server.bind(address)
        (directory / SOCKET).chmod(0o600)
        server.listen(1)
        server.setblocking(False)  # noqa: FBT003 - the library's own
        handover = Handover(gateway, place, server)
        task = asyncio.create_task(handover.run())
        try:
            yield handover
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            (directory / SOCKET).unlink(missing_ok=True)


class Predecessor:
    """The new process's side: the gateway that runs."""

    def __init__(self, channel: _Channel, place: Place, idle: tuple[str, ...], clock: Clock) -> None:
        self.place = place
        self._channel = channel
        self._idle = idle
        self._clock = clock

    async def warm_up(self, gateway: Gateway, running: "asyncio.Task[None]") -> None:
        """Open what may be opened, then go on with what the old process leaves.

        Raises:
            RefusedError: the old process gives nothing away; it may go on itself.
        """
        await self._channel.send(Release(self._idle))
        await asyncio.to_thread(preload)
        await self._until_warm(gateway, running)
        ready = (s.provider for s in gateway.streams if gateway.line_state(s.provider) == READY)
        whole = tuple(name for name in ready if name not in self._idle)
        await self._channel.send(Warm(whole))
        heritage = await self._channel.receive(Heritage)
        take_up(heritage, gateway, whole=frozenset(whole), now_ns=gateway.clock.now_ns())

    async def answer(self) -> None:
        """Tell the old process that it may end."""
        with contextlib.suppress(RefusedError):  # it has ended already: all the better
            await self._channel.send(Serving())

    async def _until_warm(self, gateway: Gateway, running: "asyncio.Task[None]") -> None:
        clock, begun_ns = self._clock, self._clock.monotonic_ns()
        opened_ns: int | None = None
        while (now_ns := clock.monotonic_ns()) - begun_ns < WARM_S * NS_PER_S:
            if running.done():
                running.result()
            states = {s.provider: gateway.line_state(s.provider) for s in gateway.streams}
            open_ = [name for name, state in states.items() if state != HELD]
            if all(states[name] == READY for name in open_) and set(self._idle) <= set(open_):
                opened_ns = opened_ns or now_ns
                quoted = all(line.has_price for name in open_ for line in gateway.feeds[name].lines.values())
                if quoted or now_ns - opened_ns >= QUOTED_S * NS_PER_S:
                    return
            await clock.sleep_until(clock.monotonic_ns() + LOOK_NS)


@asynccontextmanager
async def predecessor(config: ServeSection, clock: Clock) -> AsyncIterator[Predecessor]:
    """Find the gateway that runs on the configured address and be offered its place.

    Raises:
        NotRunningError: no gateway runs there.
        RefusedError: it does not offer its place.
    """
    directory = _running_dir(config)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            with _address(directory) as address:
                line.connect(address)
        except OSError as error:
            raise NotRunningError(
                f"{directory}: no gateway runs here that could be taken over. Start one without --take-over."
            ) from error
        channel = _Channel(line)
        await channel.send(Hello(pid=os.getpid(), host=config.host))
        listening = await asyncio.to_thread(_receive_socket, line)
        offer = await channel.receive(Offer)
        with listening:
            yield Predecessor(channel, Place(listening, Secret(offer.token), inherited=True), offer.idle, clock)


def _receive_socket(line: socket.socket) -> socket.socket:
    line.settimeout(ANSWER_S)
    with _ended():
        _, descriptors, _, _ = socket.recv_fds(line, 1, 1)
    line.setblocking(False)  # noqa: FBT003 - the library's own
    if not descriptors:
        raise RefusedError("the gateway that runs offers nothing; its log says why. It goes on.")
    return socket.socket(fileno=descriptors[0])


def _running_dir(config: ServeSection) -> Path:
    state = expand(config.state_dir)
    if config.port:
        return gateway_dir(state, config.port)
    running = [path.parent for path in state.glob(f"gateway-*/{SOCKET}")]
    if len(running) != 1:
        raise ConfigError(f"serve.port is 0, and {len(running)} gateways run in {state}. Name the port of one.")
    return running[0]


@contextlib.contextmanager
def _address(directory: Path) -> Iterator[str]:
    """Return an address below `directory` that is short enough for a socket, however long the path is."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise NotRunningError(f"{directory}: no gateway has ever run here. Start one without --take-over.") from error
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
