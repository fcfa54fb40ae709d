"""What the decision engine may do with a symbol: rollout, kill switches and budgets, asked in memory."""

from collections.abc import Callable

from msgspec.structs import replace

from firmquote.board import Board
from firmquote.decision import MarketView, Permission, view_line
from firmquote.model import BPS, USABLE, FeedClass
from firmquote.rollout import Stage, StageMap
from firmquote.safety import Restrictions, permit

_EVERYWHERE = StageMap(stage=Stage.FULL)


class GatewayPermits:
    """Implements `decision.Permits` from the live objects."""

    def __init__(
        self,
        board: Board,
        *,
        stages: Callable[[], StageMap],
        restrictions: Callable[[], Restrictions],
        budget_left_pct: Callable[[str], float | None],
    ) -> None:
        self._board = board
        self._stages = stages
        self._restrictions = restrictions
        self._budget_left_pct = budget_left_pct
        self._known: dict[str, tuple[Restrictions, StageMap, Permission]] = {}

    def permission(self, symbol: str, provider: str | None) -> Permission:
        """Return what is allowed for `symbol` while `provider` serves it; worked out anew only after a change."""
        restrictions, stages = self._restrictions(), self._stages()
        known = self._known.get(symbol)
        if known is None or known[0] is not restrictions or known[1] is not stages:
            known = self._known[symbol] = (restrictions, stages, _permission(symbol, stages, restrictions))
        left = None if provider is None else self._budget_left_pct(provider)
        return known[2] if left is None else replace(known[2], budget_left_pct=left)

    def listens(self) -> bool:
        """Say whether advice and news from outside count."""
        return not self._restrictions().news_off

    def agreeing(self, view: MarketView, now_ns: int, within_bps: float) -> int:
        """Count the providers whose own usable price is within `within_bps` of `view`'s, its own included."""
        mid = view.mid
        if mid is None:
            return 0
        count = 0
        for line in self._board.entries[view.symbol].lines.values():
            if line.feed.feed_class is FeedClass.SYNTHETIC:
                continue
            other = view_line(self._board, line, now_ns)
            other_mid = other.mid
            if other.grade >= USABLE and other_mid is not None:
                count += abs(other_mid / mid - 1) * BPS <= within_bps
        return count


def _permission(symbol: str, stages: StageMap, restrictions: Restrictions) -> Permission:
    switches = permit(symbol, _EVERYWHERE, restrictions)
    stage = stages.stage_of(symbol)
    return Permission(
        switch="; ".join(switches.why) or None,
        may_reduce=switches.may_reduce,
        stage=stage.label,
        acts=stage >= Stage.CANARY,
    )
