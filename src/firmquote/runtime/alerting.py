"""Watches the gateway once a second, and carries the alert desk's messages to people."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from firmquote.model import NS_PER_S, Clock
from firmquote.model.alerts import AlertReport, AlertView
from firmquote.model.status import QuoteView
from firmquote.publish.alerting import AlertDesk, AlertRules, Condition, Message, Role, Situation, wants
from firmquote.runtime.alert_channels import Channel, Sender, read_address
from firmquote.runtime.turns import Work, take_turns

if TYPE_CHECKING:
    from firmquote.runtime.gateway import Gateway

LOOK_NS = NS_PER_S
TEST_NS = 3 * NS_PER_S
"""How long a test alert lasts."""
_log = structlog.get_logger("firmquote")
_MEGABYTE = 1_000_000


class Alerting:
    """Owns the desk and the channels."""

    def __init__(self, gateway: "Gateway", environ: Mapping[str, str], clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self.policy = gateway.config.alerts
        serve = gateway.config.serve
        self._rules = AlertRules(self.policy)
        self.desk = AlertDesk(self.policy, self.policy.runbook_url or f"http://{serve.host}:{serve.port}/runbook/")
        self.channels = {
            name: Channel(
                name,
                channel,
                Sender(
                    name, read_address(f"alerts.channels.{name}", env=channel.env, file=channel.file, environ=environ)
                ),
                clock,
                self.policy.probe_every_s,
                self._pass_on,
            )
            for name, channel in self.policy.channels.items()
        }
        beat = self.policy.heartbeat
        self._heart = (
            None
            if beat is None
            else Sender("heartbeat", read_address("alerts.heartbeat", env=beat.env, file=None, environ=environ))
        )
        self.heartbeat_failing: str | None = None
        self._tests_until_ns = 0
        self._test_words = ""
        self.sent = 0
        self.undelivered = 0

    def serves_at(self, url: str) -> None:
        """Let the links lead to the gateway itself, unless the configuration names another place."""
        if self.policy.runbook_url is None:
            self.desk.runbook = f"{url}/runbook/"

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for channel in self.channels.values():
                group.create_task(channel.run())
            if self._heart is not None:
                group.create_task(self._beat(self._heart))
            while True:
                await take_turns(self.look(), self._clock)
                await self._clock.sleep_until(self._clock.monotonic_ns() + LOOK_NS)

    def look(self) -> Work:
        """Judge the gateway as it is now, and queue what is to be told."""
        quotes: list[QuoteView] = []
        for some in self._gateway.report.quotes_in_parts():
            quotes += some
            yield
        situation = self._situation(quotes)
        yield
        now_ns = self._clock.now_ns()
        for message in self.desk.observe(self._conditions(situation, now_ns), now_ns):
            self._send(message)

    def report(self) -> AlertReport:
        """Return what `/v1/alerts` shows."""
        return AlertReport(
            alerts=(*self.desk.firing(), *self.desk.resolved()),
            channels={c.name: c.failing or ("ok" if c.delivered else "unused") for c in self.channels.values()},
            sent=self.sent,
            undelivered=self.undelivered,
            as_of_ns=self._clock.now_ns(),
        )

    def acknowledge(self, number: int, who: str, reason: str) -> AlertView:
        """Note that `who` is on it. Raises ConfigError where no such alert fires."""
        view = self.desk.acknowledge(number, who, reason, self._clock.now_ns())
        _log.info("alert_acknowledged", alert=view.name, subject=view.subject, who=who, reason=reason)
        return view

    def test(self, reason: str) -> None:
        """Let an alert fire and resolve that means nothing, so that every channel shows whether it works."""
        self._tests_until_ns = self._clock.monotonic_ns() + TEST_NS
        self._test_words = reason

    # -- how

    def _conditions(self, situation: Situation, now_ns: int) -> list[Condition]:
        found = self._rules.judge(situation, now_ns)
        if self._clock.monotonic_ns() < self._tests_until_ns:
            found.append(Condition("test", "", self._test_words))
        return found

    def _situation(self, quotes: Sequence[QuoteView]) -> Situation:
        gateway = self._gateway
        members = gateway.manager.members.values()
        election = gateway.config.routing.election
        failing = {c.name: c.failing for c in self.channels.values() if c.failing is not None}
        if self.heartbeat_failing is not None:
            failing["heartbeat"] = self.heartbeat_failing
        return Situation(
            health=gateway.report.health(quotes),
            quotes=quotes,
            live=gateway.config.feeds.quotes.live_enabled,
            roles=[Role(g.route or "quotes", g.order[0], g.serving.name) for g in gateway.manager.groups],
            silent={m.name: m.silent for m in members if m.silent is not None},
            refused={m.name: m.refused for m in members if m.refused is not None},
            unaffordable={m.name: m.unaffordable for m in members if m.unaffordable is not None},
            blocked={m.name: next(iter(m.blocks.values())) for m in members if m.blocks},
            cut_off=[m.name for m in members if m.cut_off],
            budget=gateway.budget.view(),
            switches=gateway.safety.switches(),
            role_changes=[event for event in gateway.conductor.events if event.kind == "role"],
            flap_limit=election.switches_max,
            flap_window_ns=int(election.switches_window_s * NS_PER_S),
            stalls=gateway.conductor.watch.stalls,
            disk_free_mb=_free_mb(Path(gateway.config.serve.state_dir).expanduser()),
            failing_channels=failing,
            quality=gateway.report.data.quality(),
            conflicts=[str(conflict) for conflict in gateway.corporate.agreed.conflicts],
        )

    def _send(self, message: Message) -> None:
        for alert in message.firing:
            _log.warning(
                "alert",
                alert=alert.name,
                subject=alert.subject,
                severity=alert.severity,
                words=alert.words,
                id=alert.id,
            )
        for alert in message.resolved:
            _log.info("alert_resolved", alert=alert.name, subject=alert.subject, id=alert.id)
        self.sent += 1
        any_escalation = any(c.policy.escalation for c in self.channels.values())
        for channel in self.channels.values():
            own = all(alert.name == "channel_failing" and alert.subject == channel.name for alert in message.firing)
            about_itself = own and bool(message.firing)
            if wants(channel.policy, message, any_escalation=any_escalation) and not about_itself:
                channel.put(message)

    def _pass_on(self, message: Message, tried: frozenset[str]) -> None:
        any_escalation = any(c.policy.escalation for c in self.channels.values())
        others = [c for c in self.channels.values() if c.name not in tried and c.failing is None]
        for other in others:
            if not wants(other.policy, message, any_escalation=any_escalation):  # else it has the message already
                other.put(message, tried)
                return
        if not others:
            self.undelivered += 1
            _log.error("alert_undelivered", tried=sorted(tried), firing=[alert.name for alert in message.firing])

    async def _beat(self, heart: Sender) -> None:
        beat = self.policy.heartbeat
        assert beat is not None, "there is a heart only where there is a policy for it"
        while True:
            health = self._gateway.report.health()
            taken = await asyncio.to_thread(heart.beat, f"{health.status}: {health.active_provider} serves")
            self.heartbeat_failing = None if taken else "the last heartbeat was not taken"
            await self._clock.sleep_until(self._clock.monotonic_ns() + int(beat.every_s * NS_PER_S))


def _free_mb(directory: Path) -> float | None:
    try:
        return shutil.disk_usage(directory).free / _MEGABYTE
    except OSError:  # not made yet
        return None
