"""Built-in quote strategies: pure, fed with each quote, silent until they are warm.

A strategy is a plug-in: an entry point in the group `firmquote.strategies` that names a `StrategyPlugin`.
"""

from collections.abc import Callable
from math import exp, log, sqrt, tanh
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

from firmquote.decision.fusion import Contribution
from firmquote.decision.market import MarketView
from firmquote.model import BPS, NS_PER_S, Grade

Positive = Annotated[float, Meta(gt=0)]
_LN_2 = log(2)


class Strategy(Protocol):
    """Looks at quotes and has an opinion, or none. Pure: the same views in the same order give the same opinions."""

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

    weight: Annotated[float, Meta(ge=0)] = 1.0
    half_life_s: Positive = 20.0
    warmup_quotes: Annotated[int, Meta(ge=2)] = 20
    scale_bps: Positive = 10.0
    """A move of this size away from the average is a score of tanh(1)."""


class Momentum:
    """The mid against its own exponential average: a rise says buy.

    The average decays with time, not with the number of quotes, so a burst of quotes is one move and not many.
    """

    name = "momentum"

    def __init__(self, config: MomentumConfig) -> None:
        self._decay = -_LN_2 / (config.half_life_s * NS_PER_S)
        self._config = config
        self._state: dict[str, tuple[float, int, int]] = {}
        """Symbol → (average, seen at, quotes seen)."""

    def on_view(self, view: MarketView, now_ns: int) -> Contribution | None:
        """Return tanh of the distance from the average in units of the scale; synthetic quotes teach nothing."""
        mid = view.mid
        if mid is None or view.graded.grade < Grade.STALE:
            return None
        average, seen_ns, count = self._state.get(view.symbol, (mid, now_ns, 0))
        if now_ns > seen_ns:
            average = mid + (average - mid) * exp(self._decay * (now_ns - seen_ns))
        self._state[view.symbol] = (average, now_ns, count + 1)
        if count + 1 < self._config.warmup_quotes:
            return None
        return Contribution(self.name, tanh((mid / average - 1) * BPS / self._config.scale_bps), self._config.weight)


class MeanReversionConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `mean_reversion`."""

    weight: Annotated[float, Meta(ge=0)] = 0.5
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
        self._state: dict[str, tuple[float, float, int, int]] = {}
        """Symbol → (average, variance, seen at, quotes seen)."""

    def on_view(self, view: MarketView, now_ns: int) -> Contribution | None:
        """Return what the distance says; nothing while the price has never moved."""
        mid = view.mid
        if mid is None or view.graded.grade < Grade.STALE:
            return None
        average, variance, seen_ns, count = self._state.get(view.symbol, (mid, 0.0, now_ns, 0))
        away = mid - average
        if now_ns > seen_ns:
            keep = exp(self._decay * (now_ns - seen_ns))
            average += (1 - keep) * away
            variance = keep * (variance + (1 - keep) * away * away)
        self._state[view.symbol] = (average, variance, now_ns, count + 1)
        if count + 1 < self._config.warmup_quotes or variance <= 0:
            return None
        deviations = (mid - average) / sqrt(variance)
        return Contribution(self.name, -tanh(deviations / self._config.deviations), self._config.weight)


MOMENTUM = StrategyPlugin(config=MomentumConfig, make=Momentum)
MEAN_REVERSION = StrategyPlugin(config=MeanReversionConfig, make=MeanReversion)
