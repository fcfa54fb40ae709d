"""The rollout at work: measures, evaluates, carries out, remembers."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec
import structlog

from firmquote.errors import StoreError
from firmquote.model import NS_PER_S, Clock, Session
from firmquote.model.rollout import RolloutView, StageChange
from firmquote.model.safety import AuditRecord, Caller
from firmquote.model.status import GateView
from firmquote.rollout import Evidence, GateReading, Rollout, RolloutState, Stage, StageMap
from firmquote.runtime.config import Config
from firmquote.runtime.keeper import Keeper
from firmquote.runtime.measuring import Measuring
from firmquote.runtime.turns import Work

STATE = "rollout.json"
_log = structlog.get_logger("firmquote")


class Promotion:
    """Owns the rollout of the process. `clock` may run faster than the quotes' in drills."""

    def __init__(self, config: Config, keeper: Keeper, clock: Clock) -> None:
        quotes = config.feeds.quotes
        ceiling, words = _ceiling(config)
        self.clock = clock
        self.evidence = _evidence(config)
        self.measuring: Measuring | None = None
        self.rollout = Rollout(
            config.rollout,
            canary=frozenset(quotes.canary_symbols),
            priority=frozenset(quotes.priority_symbols),
            ceiling=ceiling,
            ceiling_words=words,
            now_ns=clock.now_ns(),
        )
        self._of = fingerprint(config)
        self._keeper = keeper
        self._measure_ns = self._evaluate_ns = clock.monotonic_ns()
        self._every_ns = int(config.rollout.evaluate_every_s * NS_PER_S)
        self._session = "regular"
        self.changes: list[StageChange] = []
        """Changes that were not published yet; the owner takes them."""

    @property
    def stages(self) -> StageMap:
        """The stage and what it means for each symbol."""
        return self.rollout.map

    def restore(self) -> None:
        """Take up what the last process left; a state that cannot be read begins in shadow, or lower."""
        now_ns = self.clock.now_ns()
        try:
            stored = self._keeper.read(STATE, RolloutState)
        except StoreError as error:
            _log.error("rollout", trouble=str(error))
            stored = RolloutState(stage=Stage.SHADOW.label, since_ns=now_ns, of="unreadable")
        self._done(self.rollout.resume(stored, self._of, now_ns), "start")
        self._save()

    def close(self) -> None:
        """Say on the disk that the process ended as it should."""
        self._save(clean=True)

    def use_clock(self, clock: Clock) -> None:
        """Let the rollout's time pass as `clock` says, faster than the quotes', say."""
        self.clock = clock
        self._measure_ns = self._evaluate_ns = clock.monotonic_ns()
        self.rollout.since_ns = clock.now_ns()

    def reconfigure(self, config: Config) -> None:
        """Take other gates, another policy, other symbols; what was measured by the old ones is forgotten."""
        quotes = config.feeds.quotes
        ceiling, words = _ceiling(config)
        self.evidence = _evidence(config)
        if self.measuring is not None:
            self.measuring.reconfigure(self.evidence, quotes.promotion_gates, config.rollout.gates)
        self._every_ns = int(config.rollout.evaluate_every_s * NS_PER_S)
        changes = self.rollout.reconfigure(
            config.rollout,
            canary=frozenset(quotes.canary_symbols),
            priority=frozenset(quotes.priority_symbols),
            ceiling=ceiling,
            ceiling_words=words,
            now_ns=self.clock.now_ns(),
        )
        self._done(changes, "configuration")

    def advance(self, session: Session, board_ns: int) -> Work:
        """Measure and evaluate where it is time; begun every 50 ms."""
        monotonic_ns = self.clock.monotonic_ns()
        if self.measuring is None or monotonic_ns < self._measure_ns:
            return
        self._measure_ns = monotonic_ns + NS_PER_S
        self._session = "regular" if session is Session.REGULAR else "outside"
        now_ns = self.clock.now_ns()
        yield from self.measuring.take(session, board_ns, now_ns)
        if monotonic_ns >= self._evaluate_ns:
            self._evaluate_ns = monotonic_ns + self._every_ns
            readings = self.evidence.read(self._session, now_ns)
            self._done(self.rollout.evaluate(readings, self.evidence.bad_symbols(), now_ns), "gates")

    # -- orders

    async def promote(self, caller: Caller, reason: str, *, forced: bool) -> RolloutView:
        """Go one stage further. Raises RefusedError where something stands in the way."""
        change = self.rollout.promote(by=caller.who, reason=reason, now_ns=self.clock.now_ns(), forced=forced)
        return await self._ordered(change, caller)

    async def roll_back(self, caller: Caller, reason: str, *, to: str | None) -> RolloutView:
        """Go back. Raises RefusedError where that is no way back."""
        target = None if to is None else Stage[to.upper()]
        change = self.rollout.roll_back(by=caller.who, reason=reason, now_ns=self.clock.now_ns(), to=target)
        return await self._ordered(change, caller)

    async def hold(self, caller: Caller, reason: str, *, held: bool) -> RolloutView:
        """Let nothing be promoted, or let it again. Raises RefusedError where nothing is held."""
        act = self.rollout.hold if held else self.rollout.let_go
        return await self._ordered(act(by=caller.who, reason=reason, now_ns=self.clock.now_ns()), caller)

    async def readmit(self, caller: Caller, reason: str, *, symbol: str) -> RolloutView:
        """Take a symbol out of quarantine. Raises RefusedError where it is in none."""
        change = self.rollout.readmit(symbol, by=caller.who, reason=reason, now_ns=self.clock.now_ns())
        self.evidence.forget_symbol(symbol)
        return await self._ordered(change, caller)

    # -- telling

    def gates(self) -> dict[str, GateView]:
        """Return what every gate says now."""
        readings = self.rollout.readings or self.evidence.read(self._session, self.clock.now_ns())
        return {name: _gate(reading) for name, reading in readings.items()}

    def view(self, *, persisted: bool | None = None) -> RolloutView:
        """Return the rollout as it stands."""
        rollout, now_ns = self.rollout, self.clock.now_ns()
        obstacles = tuple(rollout.obstacles(now_ns))
        return RolloutView(
            stage=rollout.stage.label,
            since_ns=rollout.since_ns,
            approval=rollout.policy.approval,
            held=rollout.held,
            can_promote=not obstacles,
            obstacles=obstacles,
            cool_off_left_s=max(0.0, (rollout.cool_until_ns - now_ns) / NS_PER_S),
            quarantined=dict(rollout.quarantined),
            breaches={name: count for name, count in rollout.breaches.items() if count},
            gates=self.gates(),
            history=tuple(rollout.history),
            persisted=self._keeper.trouble is None if persisted is None else persisted,
            fallen=rollout.fallen,
        )

    # -- how

    async def _ordered(self, change: StageChange, caller: Caller) -> RolloutView:
        self._done([change], caller.where)
        return self.view(persisted=await self._keeper.written())

    def _done(self, changes: Sequence[StageChange], where: str) -> None:
        for change in changes:
            if change.before != change.after:
                self.evidence.restart()
            self._keeper.audit(_record(change, where))
        self.changes += changes
        if changes:
            self._save()
            self._keeper.flush()

    def _save(self, *, clean: bool = False) -> None:
        self._keeper.save(STATE, self.rollout.state(self._of, clean=clean))


def fingerprint(config: Config) -> str:
    """Return what a stage is earned by: the providers, their settings, and the symbols."""
    providers = {name: config.providers[name].settings for name in sorted(config.providers)}
    earned_by = (config.provider_order(), providers, sorted(config.feeds.quotes.live_symbols_allowlist))
    return sha256(msgspec.json.encode(earned_by, order="deterministic")).hexdigest()[:16]


def _evidence(config: Config) -> Evidence:
    quotes = config.feeds.quotes
    return Evidence(quotes.promotion_gates, config.rollout, quotes.live_symbols_allowlist)


def _ceiling(config: Config) -> tuple[Stage, str]:
    quotes = config.feeds.quotes
    if not quotes.live_enabled:
        return Stage.OFF, "feeds.quotes.live_enabled is false"
    if quotes.shadow_mode:
        return Stage.SHADOW, "feeds.quotes.shadow_mode is on"
    return Stage.FULL, "the rollout is full"


def _gate(reading: GateReading) -> GateView:
    return GateView(
        status=reading.status.value,
        current=reading.current,
        threshold=reading.threshold,
        unit=reading.unit,
        samples=reading.samples,
        message=reading.message,
    )


def _record(change: StageChange, where: str) -> AuditRecord:
    return AuditRecord(
        what=f"rollout {change.kind}",
        target=change.symbol or "rollout",
        who=change.by,
        where=where,
        why=change.reason,
        before=change.before,
        after=change.after,
    )
