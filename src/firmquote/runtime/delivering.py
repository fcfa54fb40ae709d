"""Carries messages to people: through every channel that wants them, and another one where one takes nothing."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from firmquote.model import Clock
from firmquote.publish.alerting import AlertPolicy, Message, wants
from firmquote.runtime.alert_channels import Channel, Sender, read_address

_log = structlog.get_logger("firmquote")


class Delivery:
    """Owns the channels. `on_delivered` is told of each message that a channel took, or that none is to hear."""

    def __init__(
        self,
        policy: AlertPolicy,
        environ: Mapping[str, str],
        clock: Clock,
        on_delivered: Callable[[Message], None],
    ) -> None:
        """Open every channel of the configuration. Raises ConfigError where one has no good address."""
        self._on_delivered = on_delivered
        self.sent = 0
        self.undelivered = 0
        """Messages that no channel took."""
        self.channels = {
            name: Channel(
                name,
                channel,
                Sender(
                    name, read_address(f"alerts.channels.{name}", env=channel.env, file=channel.file, environ=environ)
                ),
                clock,
                policy.probe_every_s,
                self._pass_on,
                on_delivered,
            )
            for name, channel in policy.channels.items()
        }

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            for channel in self.channels.values():
                group.create_task(channel.run())

    def failing(self) -> dict[str, str]:
        """Return the channels that take nothing, and why."""
        return {c.name: c.failing for c in self.channels.values() if c.failing is not None}

    def send(self, message: Message) -> None:
        """Queue a message wherever it is wanted, and note it in the log."""
        for alert in message.firing:
            _log.warning(
                "alert",
                alert=alert.name,
                subject=alert.subject,
                severity=alert.severity,
                words=alert.words,
                id=alert.id,
                purpose=message.purpose.value,
            )
        for alert in message.resolved:
            _log.info("alert_resolved", alert=alert.name, subject=alert.subject, id=alert.id)
        self.sent += 1
        wanting = [c for c in self.channels.values() if self._wants(c, message) and not _is_about(c, message)]
        for channel in wanting:
            channel.put(message)
        if not wanting:
            self._on_delivered(message)

    def _wants(self, channel: Channel, message: Message) -> bool:
        any_escalation = any(c.policy.escalation for c in self.channels.values())
        return wants(channel.policy, message, any_escalation=any_escalation)

    def _pass_on(self, message: Message, tried: frozenset[str]) -> None:
        others = [c for c in self.channels.values() if c.name not in tried and c.failing is None]
        for other in others:
            if not self._wants(other, message):  # else it has the message already
                other.put(message, tried)
                return
        if not others:
            self.undelivered += 1
            _log.error("alert_undelivered", tried=sorted(tried), firing=[alert.name for alert in message.firing])


def _is_about(channel: Channel, message: Message) -> bool:
    """Say whether a message only tells that this channel takes none."""
    own = all(alert.name == "channel_failing" and alert.subject == channel.name for alert in message.firing)
    return own and bool(message.firing)
