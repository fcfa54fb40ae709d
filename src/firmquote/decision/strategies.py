"""Built-in quote strategies: pure, fed with each quote, silent until they are warm.

A strategy is a plug-in: an entry point in the group `firmquote.strategies` that names a `StrategyPlugin`.
"""

from collections.abc import Callable
from math import exp, log, sqrt, tanh
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

from firmquote.decision.fusion import WEIGHT_MAX, Contribution
from firmquote.decision.market import MarketView
from firmquote.model import BPS, NS_PER_S, USABLE, Price

Positive = Annotated[float, Meta(gt=0)]
Weight = Annotated[float, Meta(ge=0, le=WEIGHT_MAX)]
_LN_2 = log(2)
_TEACHES = USABLE
"""The worst grade that a strategy learns from: a price that stands still since nobody tells of it is no price."""


class Strategy(Protocol):
    """Looks at quotes and has an opinion, or none. Pure: the same views in the same order give the same opinions.

    One that remembers prices has a method `forget(symbol)` too, called when a corporate action has changed them.
    """

    name: str

    def on_view(self, view: MarketView, now_ns: int) -> Contribution | None:
        """Learn from `view` and return what it makes of the symbol."""
        ...


class StrategyPlugin(Struct, frozen=True, kw_only=True):
    """What an entry point in `firmquote.strategies` names."""

    config: type[Struct]
    """Its settings; they are decoded strictly from `decision.strategies.NAME`."""
    make: Callable[[Any], Strategy]
    """Given an instance of `config`, returns a fresh strategy."""


class MomentumConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `momentum`."""

    weight: Weight = 1.0
    half_life_s: Positive = 20.0
    warmup_quotes: Annotated[int, Meta(ge=2)] = 20
    scale_bps: Positive = 10.0
    """A move of this size away from the average is a score of tanh(1)."""


class _Average:
    """An average that forgets, and what goes with it."""

    __slots__ = ("average", "count", "seen_ns", "variance")

    def __init__(self, mid: Price, now_ns: int) -> None:
        self.average = mid
        self.variance = 0.0
        self.seen_ns = now_ns
        self.count = 0


class Momentum:
    """The mid against its own exponential average: a rise says buy.

    The average decays with time, not with the number of quotes, so a burst of quotes is one move and not many.
    """

    name = "momentum"

    def __init__(self, config: MomentumConfig) -> None:
        self._decay = -_LN_2 / (config.half_life_s * NS_PER_S)
        self._config = config
        self._states: dict[str, _Average] = {}

    def on_view(self, view: MarketView, now_ns: int) -> Contribution | None:
        """Return tanh of the distance from the average in units of the scale; only usable quotes teach."""
        mid = view.mid
        if mid is None or view.graded.grade < _TEACHES:
            return None
        state = self._states.get(view.symbol)
        if state is None:
            state = self._states[view.symbol] = _Average(mid, now_ns)
        if now_ns > state.seen_ns:
            state.average = mid + (state.average - mid) * exp(self._decay * (now_ns - state.seen_ns))
        state.seen_ns = now_ns
        state.count += 1
        config = self._config
        if state.count < config.warmup_quotes:
            return None
        return Contribution(self.name, tanh((mid / state.average - 1) * BPS / config.scale_bps), config.weight)

    def forget(self, symbol: str) -> None:
        """Learn the symbol's prices anew."""
        self._states.pop(symbol, None)


class MeanReversionConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `mean_reversion`."""

    weight: Weight = 0.5
    half_life_s: Positive = 300.0
    warmup_quotes: Annotated[int, Meta(ge=2)] = 100
    deviations: Positive = 3.0
    """A distance of so many standard deviations from the average is a score of tanh(1)."""


class MeanReversion:
    """The mid's distance from a slow average in its own standard deviations: far above says sell."""

    name = "mean_reversion"

    def __init__(self, config: MeanReversionConfig) -> None:
        self._decay = -_LN_2 / (config.half_life_s * NS_PER_S)
        self._config = config
        self._states: dict[str, _Average] = {}

    def on_view(self, view: MarketView, now_ns: int) -> Contribution | None:
        """Return what the distance says; nothing while the price has never moved."""
        mid = view.mid
        if mid is None or view.graded.grade < _TEACHES:
            return None
        state = self._states.get(view.symbol)
        if state is None:
            state = self._states[view.symbol] = _Average(mid, now_ns)
        if now_ns > state.seen_ns:
            keep = exp(self._decay * (now_ns - state.seen_ns))
            away = mid - state.average
            state.average += (1 - keep) * away
            state.variance = keep * (state.variance + (1 - keep) * away * away)
        state.seen_ns = now_ns
        state.count += 1
        config = self._config
        if state.count < config.warmup_quotes or state.variance <= 0:
            return None
        deviations = (mid - state.average) / sqrt(state.variance)
        return Contribution(self.name, -tanh(deviations / config.deviations), config.weight)

    def forget(self, symbol: str) -> None:
        """Learn the symbol's prices anew."""
        self._states.pop(symbol, None)


MOMENTUM = StrategyPlugin(config=MomentumConfig, make=Momentum)
MEAN_REVERSION = StrategyPlugin(config=MeanReversionConfig, make=MeanReversion)
