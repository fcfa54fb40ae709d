"""Safety at work: joins switches, the disk and the rest of the gateway."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from firmquote.board import Board
from firmquote.model import Clock
from firmquote.model.safety import AuditPage, Caller, SwitchesView, SwitchOutcome, SwitchView
from firmquote.rollout import Stage, StageMap
from firmquote.routing import Change
from firmquote.runtime.conductor import Conductor
from firmquote.runtime.config import Config, QuotesFeed
from firmquote.runtime.door import Door
from firmquote.runtime.keeper import Keeper
from firmquote.runtime.switching import Switchgear
from firmquote.safety import ALL, Permission, Restrictions, Source, SwitchChange, permit

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
        self.stages = _stages(config.feeds.quotes)
        self._environ = environ
        self.door = Door(clock, config.serve.requests)
        self.keeper = Keeper(clock)
        self.switchgear = Switchgear(
            config.safety,
            providers=list(conductor.manager.members),
            symbols=list(board.entries),
            keeper=self.keeper,
            clock=clock,
            apply=self._apply,
        )

    @property
    def restrictions(self) -> Restrictions:
        """What is forbidden now."""
        return self.switchgear.board.restrictions

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
            yield
        finally:
            self.switchgear.close()
            self.keeper.close()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Follow what happens outside the process."""
        self.switchgear.watch(loop)
        self._loop = loop

    def advance(self) -> None:
        """Let time pass; called every 50 ms."""
        self.switchgear.advance()

    def second(self) -> None:
        """Let a second pass."""
        self.keeper.second()
        if self._loop is not None and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = self._loop.create_task(self.door.refresh())

    def stop_everything(self, words: str) -> None:
        """Engage `all`, by a signal."""
        self.switchgear.engage(ALL, source=Source.SIGNAL, caller=Caller("signal", words), reason=words)

    # -- SafetyView

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

    async def audit(self, *, after: int, limit: int) -> AuditPage:
        """Return a part of the audit trail."""
        await self.keeper.written()
        return await asyncio.to_thread(self.keeper.page, after=after, limit=limit)

    # -- how

    def _apply(self, restrictions: Restrictions, changes: Sequence[SwitchChange]) -> None:
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


def _stages(quotes: QuotesFeed) -> StageMap:
    live = Stage.SHADOW if quotes.shadow_mode else Stage.FULL
    return StageMap(
        stage=live if quotes.live_enabled else Stage.OFF,
        canary=frozenset(quotes.canary_symbols),
        priority=frozenset(quotes.priority_symbols),
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
