"""Watches the gateway once a second, and carries the alert desk's messages to people."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from firmquote.errors import StoreError
from firmquote.model import NS_PER_S, Clock
from firmquote.model.alerts import AlertReport, AlertView
from firmquote.model.quality import QualityView
from firmquote.model.status import HealthReport, ProviderStatus, QuoteView
from firmquote.publish.alerting import (
    SCHEMA,
    AlertDesk,
    AlertRules,
    Condition,
    KeptAlerts,
    Message,
    Role,
    Situation,
)
from firmquote.runtime.alert_channels import Sender, read_address
from firmquote.runtime.audit_watch import AuditWatch
from firmquote.runtime.delivering import Delivery
from firmquote.runtime.turns import TELLING_SHARE, Work, take_turns
from firmquote.safety import GuardState

if TYPE_CHECKING:
    from firmquote.runtime.gateway import Gateway

STATE = "alerts.json"
LOOK_NS = NS_PER_S
TEST_NS = 3 * NS_PER_S
"""How long a test alert lasts, from the first look that sees it."""
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
        self.delivery = Delivery(self.policy, environ, clock, self._on_delivered)
        beat = self.policy.heartbeat
        self._heart = (
            None
            if beat is None
            else Sender("heartbeat", read_address("alerts.heartbeat", env=beat.env, file=None, environ=environ))
        )
        self.heartbeat_failing: str | None = None
        self.audit = AuditWatch(gateway.safety.keeper, clock, self.policy.audit_verify_every_s)
        self._kept_version: int | None = None
        """Of the desk, as last stored; `None` until what the last process left was taken up."""
        self._tests_until_ns: int | None = 0
        """`None` while one is asked for and not seen yet."""
        self._test_words = ""

    def serves_at(self, url: str) -> None:
        """Begin: links lead to the gateway itself, unless the configuration names another place."""
        if self.policy.runbook_url is None:
            self.desk.runbook = f"{url}/runbook/"
        keeper = self._gateway.safety.keeper
        try:
            kept = keeper.read(STATE, KeptAlerts)
            if kept is not None and kept.schema != SCHEMA:
                raise keeper.refuse(STATE, f"it has the shape {kept.schema}, and this release knows {SCHEMA}")
        except StoreError as error:
            _log.error("alerts", trouble=str(error))
            kept = None
        if kept is not None:
            self.desk.take_up(kept, self._clock.now_ns())
        self._kept_version = self.desk.version

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.delivery.run())
            if self._heart is not None:
                group.create_task(self._beat(self._heart))
            group.create_task(self.audit.run())
            while True:
                if self._kept_version is not None:  # before we serve no link leads anywhere
                    await take_turns(self.look(), self._clock, share=TELLING_SHARE)
                await self._clock.sleep_until(self._clock.monotonic_ns() + LOOK_NS)

    def look(self) -> Work:
        """Judge the gateway as it is now, and queue what is to be told."""
        not_firm: list[QuoteView] = []
        for some in self._gateway.report.not_firm_in_parts():
            not_firm += some
            yield
        quality = self._gateway.report.data.quality()
        yield
        providers: list[ProviderStatus] = []
        for one in self._gateway.report.providers_in_parts():
            providers.append(one)
            yield
        health = self._gateway.report.health(not_firm=len(not_firm), providers=providers)
        yield
        situation = self._situation(not_firm, quality, health)
        yield
        now_ns = self._clock.now_ns()
        for message in self.desk.observe(self._conditions(situation, now_ns), now_ns):
            self.delivery.send(message)
        self._keep()

    def report(self) -> AlertReport:
        """Return what `/v1/alerts` shows."""
        return AlertReport(
            alerts=(*self.desk.firing(), *self.desk.resolved()),
            channels={
                c.name: c.failing or ("ok" if c.delivered else "unused") for c in self.delivery.channels.values()
            },
            sent=self.delivery.sent,
            undelivered=self.delivery.undelivered,
            as_of_ns=self._clock.now_ns(),
        )

    def acknowledge(self, number: int, who: str, reason: str) -> AlertView:
        """Note that `who` is on it. Raises ConfigError where no such alert fires."""
        view = self.desk.acknowledge(number, who, reason, self._clock.now_ns())
        self._keep()
        _log.info("alert_acknowledged", alert=view.name, subject=view.subject, who=who, reason=reason)
        return view

    def test(self, reason: str) -> None:
        """Let an alert fire and resolve that means nothing, so that every channel shows whether it works."""
        self._tests_until_ns = None
        self._test_words = reason

    # -- how

    def _keep(self) -> None:
        if self._kept_version not in (None, self.desk.version):
            self._kept_version = self.desk.version
            keeper = self._gateway.safety.keeper
            keeper.save(STATE, self.desk.kept())
            keeper.flush()

    def _conditions(self, situation: Situation, now_ns: int) -> list[Condition]:
        found = self._rules.judge(situation, now_ns)
        monotonic_ns = self._clock.monotonic_ns()
        if self._tests_until_ns is None:
            self._tests_until_ns = monotonic_ns + TEST_NS
        if monotonic_ns < self._tests_until_ns:
            found.append(Condition("test", "", self._test_words))
        return found

    def _situation(self, not_firm: Sequence[QuoteView], quality: QualityView, health: HealthReport) -> Situation:
        gateway = self._gateway
        members = gateway.manager.members.values()
        election = gateway.config.routing.election
        safety = gateway.safety
        rollout, guard = safety.promotion.rollout, safety.guarding.guard
        throttled = guard.state is not GuardState.OK
        failing = self.delivery.failing()
        if self.heartbeat_failing is not None:
            failing["heartbeat"] = self.heartbeat_failing
        return Situation(
            health=health,
            not_firm=not_firm,
            symbols=len(gateway.symbols),
            live=gateway.config.feeds.quotes.live_enabled,
            roles=[Role(g.route or "quotes", g.order[0], g.serving.name) for g in gateway.manager.groups],
            silent={m.name: m.silent for m in members if m.silent is not None},
            refused={m.name: m.refused for m in members if m.refused is not None},
            unaffordable={m.name: m.unaffordable for m in members if m.unaffordable is not None},
            blocked={m.name: next(iter(m.blocks.values())) for m in members if m.blocks},
            cut_off=[m.name for m in members if m.cut_off],
            budget=gateway.budget.view(each_symbol=False),
            switches=safety.switches(),
            role_changes=[event for event in gateway.conductor.events if event.kind == "role"],
            flap_limit=election.switches_max,
            flap_window_ns=int(election.switches_window_s * NS_PER_S),
            stalls=gateway.conductor.watch.stalls,
            disk_free_mb=_free_mb(Path(gateway.config.serve.state_dir).expanduser()),
            failing_channels=failing,
            quality=quality,
            conflicts=[str(conflict) for conflict in gateway.corporate.agreed.conflicts],
            fallen=rollout.fallen,
            unclean_ns=rollout.unclean_ns,
            withheld=rollout.quarantined,
            hot_path=f"{guard.state.value}: {'; '.join(guard.why) or 'it was so a moment ago'}" if throttled else None,
            live_calls=guard.live_calls,
            clock_words=next((e.cause for e in reversed(gateway.conductor.events) if e.kind == "clock"), ""),
            audit_trouble=self.audit.trouble,
            unreadable=safety.keeper.unreadable(),
        )

    def _on_delivered(self, message: Message) -> None:
        self.desk.confirm(message)
        self._keep()

    async def _beat(self, heart: Sender) -> None:
        beat = self.policy.heartbeat
        assert beat is not None, "there is a heart only where there is a policy for it"
        while True:
            report = self._gateway.report
            health = await report.all_health(await report.all_quotes())
            taken = await asyncio.to_thread(heart.beat, f"{health.status}: {health.active_provider} serves")
            self.heartbeat_failing = None if taken else "the last heartbeat was not taken"
            await self._clock.sleep_until(self._clock.monotonic_ns() + int(beat.every_s * NS_PER_S))


def _free_mb(directory: Path) -> float | None:
    try:
        return shutil.disk_usage(directory).free / _MEGABYTE
    except OSError:  # not made yet
        return None
