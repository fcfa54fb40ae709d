"""Built-in quote strategies: pure, fed with each quote, silent until they are warm."""

from math import exp, log, tanh
from typing import Protocol

from firmquote.decision.fusion import Contribution
from firmquote.decision.market import MarketView
from firmquote.model import BPS, NS_PER_S, Grade


class Strategy(Protocol):
    """Looks at quotes and has an opinion, or none."""

    name: str

    def on_view(self, view: MarketView, now_ns: int) -> Contribution | None:
        """Learn from `view` and return what it makes of the symbol."""
        ...


class Momentum:
    """The mid against its own exponential average: a rise says buy.

    The average decays with time, not with the number of quotes, so a burst of quotes is one move and not many.
    """

    name = "momentum"

    def __init__(self, *, half_life_s: float, warmup_quotes: int, scale_bps: float) -> None:
        self._half_life_ns = half_life_s * NS_PER_S
        self._warmup = warmup_quotes
        self._scale_bps = scale_bps
        self._state: dict[str, tuple[float, int, int]] = {}
        """Symbol → (average, seen at, quotes seen)."""

    def on_view(self, view: MarketView, now_ns: int) -> Contribution | None:
        """Return tanh of the distance from the average in units of the scale; synthetic quotes teach nothing."""
        mid = view.mid
        if mid is None or view.grade < Grade.STALE:
            return None
        average, seen_ns, count = self._state.get(view.symbol, (mid, now_ns, 0))
        keep = exp(-log(2) * max(0, now_ns - seen_ns) / self._half_life_ns)
        average = keep * average + (1 - keep) * mid
        self._state[view.symbol] = (average, now_ns, count + 1)
        if count + 1 < self._warmup:
            return None
        move_bps = (mid / average - 1) * BPS
        return Contribution(self.name, tanh(move_bps / self._scale_bps), 1.0)
