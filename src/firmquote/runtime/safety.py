"""Safety at work: joins switches, the disk and the rest of the gateway."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import structs

from firmquote.board import Board, Feed
from firmquote.errors import RefusedError
from firmquote.model import Clock, Session
from firmquote.model.rollout import StageChange
from firmquote.model.safety import (
    AuditPage,
    AuditRecord,
    Caller,
    ReloadView,
    RestartView,
    SwitchesView,
    SwitchOutcome,
    SwitchView,
)
from firmquote.rollout import Stage, StageMap
from firmquote.routing import Change
from firmquote.runtime.comparing import Comparing
from firmquote.runtime.conductor import Conductor
from firmquote.runtime.config import Config
from firmquote.runtime.door import Door
from firmquote.runtime.guarding import Guarding, forbid_sockets
from firmquote.runtime.keeper import Keeper
from firmquote.runtime.measuring import Measuring
from firmquote.runtime.promotion import Promotion
from firmquote.runtime.reloading import Reloading
from firmquote.runtime.restarting import Restarting
from firmquote.runtime.switching import Switchgear
from firmquote.runtime.turns import Work
from firmquote.safety import (
    ALL,
    NO_RESTRICTIONS,
    QUOTES,
    GuardState,
    Permission,
    Restrictions,
    Source,
    SwitchChange,
    permit,
)

BLOCKED_BY = "switch"


class Safety:
    """Owned by the gateway. Implements `publish.SafetyView`."""

    def __init__(
        self, config: Config, board: Board, conductor: Conductor, clock: Clock, environ: Mapping[str, str]
    ) -> None:
        self._board = board
        self._conductor = conductor
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._reload: asyncio.Task[None] | None = None
        self._environ = environ
        self.door = Door(clock, config.serve.requests)
        self.keeper = Keeper(clock)
        self.guarding = Guarding(config.hotpath, board, clock)
        self.promotion = Promotion(config, self.keeper, clock)
        self.reloading: Reloading | None = None
        self.restarting: Restarting | None = None
        self._latencies_ns: Callable[[], list[int]] = list
        self._budget_left_pct: Callable[[str], float | None] = _unknown
        self._throttled = False
        self.rethink: Callable[[], None] = _nothing
        """Told whenever something else is forbidden than before."""
        self._seen: tuple[Restrictions, StageMap, bool] | None = None
        self._restrictions = NO_RESTRICTIONS
        self.switchgear = Switchgear(
            config.safety,
            providers=list(conductor.manager.members),
            symbols=list(board.entries),
            keeper=self.keeper,
            clock=clock,
            apply=self._apply,
        )

    def measure(
        self,
        config: Config,
        feeds: Mapping[str, Feed],
        latencies_ns: Callable[[], list[int]],
        budget_left_pct: Callable[[str], float | None],
    ) -> None:
        """Judge the rollout and the decision path by these from now on."""
        self._latencies_ns, self._budget_left_pct = latencies_ns, budget_left_pct
        self.promotion.measuring = Measuring(
            self.promotion.evidence,
            config.feeds.quotes.promotion_gates,
            config.rollout.gates,
            self._board,
            feeds,
            self._conductor,
            Comparing(list(self._board.entries), config.decision),
            hot_path=self.guarding.counts,
            budget_left_pct=budget_left_pct,
        )

    @property
    def stages(self) -> StageMap:
        """The stage of the rollout and what it means for each symbol."""
        return self.promotion.stages

    @property
    def restrictions(self) -> Restrictions:
        """What is forbidden now: by the switches, by the stage, and by the guard of the decision path."""
        switches, stages = self.switchgear.board.restrictions, self.stages
        seen = self._seen
        if seen is None or seen[0] is not switches or seen[1] is not stages or seen[2] is not self._throttled:
            self._seen = (switches, stages, self._throttled)
            self._restrictions = _joined(switches, stages, throttled=self._throttled)
        return self._restrictions

    def reconfigure(self, config: Config) -> None:
        """Take what a reload may change."""
        self.switchgear.board.policy = config.safety
        self.guarding.guard.policy = config.hotpath
        self.door.reconfigure(config.serve.requests)
        self.promotion.reconfigure(config)
        self._obey()

    def permit(self, symbol: str) -> Permission:
        """Say what may be done with `symbol` now."""
        return permit(symbol, self.stages, self.restrictions)

    @contextmanager
    def keeping(self, directory: Path) -> Iterator[None]:
        """Take up what the last process left in `directory`, and keep everything there while the block runs.

        Raises:
            StoreError: another gateway keeps its state there, or the disk refuses.
        """
        self.keeper.open(directory)
        try:
            self.switchgear.restore(directory, self._environ)
            self.promotion.restore()
            self._obey()
            yield
        finally:
            self.switchgear.close()
            self.promotion.close()
            self.keeper.close()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Follow what happens outside the process."""
        self.switchgear.watch(loop)
        self._loop = loop
        forbid_sockets()
        self._obey()

    def advance(self, session: Session, board_ns: int) -> Work:
        """Let time pass; begun every 50 ms."""
        self.switchgear.advance()
        self._watch_hot_path(session)
        yield from self.promotion.advance(session, board_ns)
        if self.promotion.changes:
            self._obey()

    def second(self) -> None:
        """Let a second pass."""
        self.keeper.second()
        if self._loop is not None and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = self._loop.create_task(self.door.refresh())

    def stop_everything(self, words: str) -> None:
        """Engage `all`, by a signal."""
        self.switchgear.engage(ALL, source=Source.SIGNAL, caller=Caller("signal", words), reason=words)

    def reload_by_signal(self) -> None:
        """Read the configuration again; what comes of it is in the log and in the audit trail."""
        if self.reloading is not None and self._loop is not None:
            self._reload = self._loop.create_task(self.reloading.on_signal())

    # -- SafetyView

    def note(self, what: str, target: str, caller: Caller, why: str, *, before: str | None = None) -> None:
        """Put an operator's act into the audit trail."""
        self.keeper.audit(
            AuditRecord(what=what, target=target, who=caller.who, where=caller.where, why=why, before=before)
        )
        self.keeper.flush()

    def switches(self) -> SwitchesView:
        """Return all switches."""
        return self.switchgear.view()

    def switch(self, name: str) -> SwitchView:
        """Return one switch. Raises ConfigError for an unknown one."""
        return self.switchgear.switch(name)

    async def order_switch(
        self, name: str, *, engaged: bool, caller: Caller, reason: str, for_s: float | None
    ) -> SwitchOutcome:
        """Engage or release. Raises ConfigError or RefusedError where that cannot be."""
        return await self.switchgear.order(name, engaged=engaged, caller=caller, reason=reason, for_s=for_s)

    def renew_lease(self, caller: Caller) -> SwitchesView:
        """The caller is alive."""
        self.switchgear.renew(caller)
        self.switchgear.advance()
        return self.switches()

    async def reload(self, caller: Caller) -> ReloadView:
        """Read the configuration again. Raises RefusedError without a file, ConfigError where it is not good."""
        if self.reloading is None:
            raise RefusedError("this gateway cannot reload.")
        return await self.reloading.reload(caller)

    async def restart(self, caller: Caller) -> RestartView:
        """Start a process that takes over. Raises RefusedError where there is none that could, or one does already."""
        if self.restarting is None:
            raise RefusedError(
                "only a gateway that `firmquote run` started can start its successor. Stop and start it."
            )
        self.note("restart", "process", caller, "ordered")
        return await self.restarting.begin(caller)

    async def audit(self, *, after: int, limit: int) -> AuditPage:
        """Return a part of the audit trail."""
        await self.keeper.written()
        return await asyncio.to_thread(self.keeper.page, after=after, limit=limit)

    # -- how

    def _watch_hot_path(self, session: Session) -> None:
        guard = self.guarding.guard
        held = any(e.name == QUOTES and e.source is Source.GUARD for e in self.switchgear.board.engaged())
        if guard.state is GuardState.STOPPED and not held:
            guard.on_released()  # by an operator: it begins anew
        serving = self._conductor.manager.serving
        left_pct = None if serving is None else self._budget_left_pct(serving)
        state = self.guarding.evaluate(session, read_latencies_ns=self._latencies_ns, budget_left_pct=left_pct)
        if state is None:
            return
        words = "; ".join(guard.why)
        if state is GuardState.STOPPED and not held:
            caller = Caller("hotpath guard", "decision path")
            self.switchgear.engage(QUOTES, source=Source.GUARD, caller=caller, reason=words)
        throttled = guard.state is GuardState.THROTTLED
        if throttled is not self._throttled:
            self._throttled = throttled
            after = guard.state.value
            self.keeper.audit(
                AuditRecord(what="hot path", target="decisions", who="hotpath guard", where="", why=words, after=after)
            )
            self._obey()

    def _obey(self) -> None:
        """Let board and roles follow what is forbidden now, and tell what the rollout did."""
        changes, self.promotion.changes = self.promotion.changes, []
        now_ns = self._clock.now_ns()
        self.rethink()
        self._board.restrict(self.restrictions)
        self._conductor.manager.resting = self.restrictions.quotes_off
        self._conductor.publish([_stage_event(change, now_ns) for change in changes])

    def _apply(self, _: Restrictions, changes: Sequence[SwitchChange]) -> None:
        restrictions = self.restrictions
        self.rethink()
        self._board.restrict(restrictions)
        manager = self._conductor.manager
        manager.resting = restrictions.quotes_off
        for name, member in manager.members.items():
            off = name in restrictions.providers_off
            if off is not (BLOCKED_BY in member.blocks):
                manager.on_blocked(name, BLOCKED_BY, f"switch provider:{name} is engaged" if off else None)
        now_ns = self._clock.now_ns()
        manager.reconsider(now_ns)
        self._conductor.show()
        self._conductor.publish([_event(change, now_ns) for change in changes])


def _unknown(_: str) -> None:
    return None


def _nothing() -> None:
    """Nobody decides anything yet."""


def _joined(switches: Restrictions, stages: StageMap, *, throttled: bool) -> Restrictions:
    if not throttled and stages.stage is not Stage.OFF:
        return switches
    return structs.replace(
        switches,
        reduce_only=switches.reduce_only or throttled,
        quotes_off=switches.quotes_off or stages.stage is Stage.OFF,
    )


def _stage_event(change: StageChange, now_ns: int) -> Change:
    words = f"{change.by}: {change.reason}"
    return Change(
        at_ns=now_ns,
        kind="rollout",
        provider=change.symbol or "all",
        before=change.before,
        after=change.kind if change.symbol else change.after,
        cause=words,
    )


def _event(change: SwitchChange, now_ns: int) -> Change:
    after = "engaged" if change.kind in ("engaged", "restored") else change.kind
    return Change(
        at_ns=now_ns,
        kind="switch",
        provider=change.name,
        before=None,
        after=after,
        cause=f"{change.by}: {change.reason}",
    )
