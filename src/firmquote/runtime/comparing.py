"""What deciding on another provider's quotes would have changed: two engines that nobody acts on, side by side."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from firmquote.board import Board, Entry, Line
from firmquote.decision import (
    Account,
    Book,
    DecisionConfig,
    DecisionEngine,
    MarketView,
    Portfolio,
    WorkingOrders,
    view_line,
)
from firmquote.model import BPS, USABLE, FeedClass
from firmquote.runtime.plugins import open_strategies

OPENING = ("BUY_1X", "BUY_5X")
_DAY = date(1970, 1, 1)  # nothing is held, so no day ever ends


class Pair(Struct, frozen=True):
    """One symbol as two providers show it at the same moment."""

    candidate: MarketView
    reference: MarketView

    def matches(self, mismatch_bps: float) -> bool:
        """Say whether the prices agree, within `mismatch_bps` or both spreads."""
        ours, theirs = self.candidate.mid, self.reference.mid
        if not ours or not theirs:
            return True
        room = max(mismatch_bps, (self.candidate.spread_bps or 0) + (self.reference.spread_bps or 0))
        return abs(ours / theirs - 1) * BPS <= room


class Comparison(Struct, frozen=True):
    """What the two engines wanted."""

    differs: bool
    loss_bps: float


def find_pair(board: Board, entry: Entry, now_ns: int) -> Pair | None:
    """Return the shown line of a symbol and the best other one, where both are real and usable."""
    shown = entry.elected
    if shown is None or not _is_real(shown):
        return None
    candidate = view_line(board, shown, now_ns)
    if candidate.grade < USABLE:
        return None
    others = [view_line(board, line, now_ns) for line in entry.lines.values() if line is not shown and _is_real(line)]
    usable = [view for view in others if view.grade >= USABLE]
    if not usable:
        return None
    return Pair(candidate, max(usable, key=lambda view: (view.grade, view.received_ns)))


class Comparing:
    """Owns the two engines."""

    def __init__(self, symbols: Sequence[str], config: DecisionConfig) -> None:
        self._candidate = _engine(symbols, config)
        self._reference = _engine(symbols, config)

    def compare(self, pair: Pair, now_ns: int) -> Comparison | None:
        """Let both look, and say what differs; `None` while either has nothing to say."""
        symbol = pair.candidate.symbol
        self._candidate.look(pair.candidate, now_ns)
        self._reference.look(pair.reference, now_ns)
        ours, theirs = self._candidate.current(symbol), self._reference.current(symbol)
        if ours is None or theirs is None:
            return None
        differs = ours.wanted != theirs.wanted
        return Comparison(differs, _loss_bps(pair, opens=ours.wanted in OPENING, differs=differs))


def _loss_bps(pair: Pair, *, opens: bool, differs: bool) -> float:
    """Return what acting on the candidate costs: the dearer price, and a needless round trip where only it acts."""
    ours, theirs = pair.candidate.ask or pair.candidate.mid, pair.reference.ask or pair.reference.mid
    if not opens or not ours or not theirs:
        return 0.0
    needless = (pair.reference.spread_bps or pair.candidate.spread_bps or 0.0) if differs else 0.0
    return max(0.0, ours / theirs - 1) * BPS + needless


def _is_real(line: Line) -> bool:
    return line.feed.feed_class is not FeedClass.SYNTHETIC


def _engine(symbols: Sequence[str], config: DecisionConfig) -> DecisionEngine:
    book = Book(Portfolio(Account(cash_micros=0, day=_DAY)), WorkingOrders(), config.sectors)
    return DecisionEngine(symbols, config, book=book, strategies=open_strategies(config.strategies))
