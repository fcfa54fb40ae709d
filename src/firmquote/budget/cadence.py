"""When to ask for which symbol: the planner that makes the least weighted staleness out of a given number of requests.

If symbol i is asked λᵢ times a second, its price is 1/(2λᵢ) s old on average, and being wrong about it costs its weight
wᵢ times the variance vᵢ that it gathers each second. Σ wᵢvᵢ/(2λᵢ) for a fixed Σ λᵢ is least at λᵢ ∝ √(wᵢ·vᵢ).
Requests leave at even distances; whose turn it is follows from age times rate, so that no symbol is asked in bursts.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta, Struct

from firmquote.model import BPS, NS_PER_MS, NS_PER_S

USUAL_VARIANCE = 0.7
"""bps² a second: 20 % a year over 252 sessions of 6.5 hours. What is assumed before anything was seen."""
USUAL_FOR_S = 60.0
"""How many seconds of observation the assumption is worth."""
MEMORY_S = 1_800.0
"""Observations lose half their weight in this time."""
NOBODY_SLOWER: Mapping["Tier", float] = MappingProxyType({})
Weight = Annotated[float, Meta(gt=0)]
Milliseconds = Annotated[int, Meta(ge=1)]


class Tier(IntEnum):
    """How much a symbol matters."""

    POSITION = 0
    """Money is at risk in it."""
    WATCH = 1
    """A priority symbol."""
    OTHER = 2


class TierPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tier's weight and how often it may be asked."""

    weight: Weight
    interval_min_ms: Milliseconds
    """Never more often; a price younger than this is served from memory."""
    interval_max_ms: Milliseconds
    """Not more rarely, as far as the budget allows."""


class CadencePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the planner is told by the configuration."""

    position: TierPolicy = TierPolicy(weight=9, interval_min_ms=800, interval_max_ms=60_000)
    watch: TierPolicy = TierPolicy(weight=3, interval_min_ms=2_500, interval_max_ms=300_000)
    other: TierPolicy = TierPolicy(weight=1, interval_min_ms=6_000, interval_max_ms=900_000)

    def of(self, tier: Tier) -> TierPolicy:
        """Return the policy of a tier."""
        return (self.position, self.watch, self.other)[tier]


class Need(Struct, frozen=True, kw_only=True):
    """What one symbol asks of the planner; rates are in asks per second."""

    symbol: str
    weight: float
    variance: float
    rate_min: float
    rate_max: float


class Variance:
    """What a symbol's price gathers in a second, from the prices seen, in bps²."""

    def __init__(self) -> None:
        self._squares = USUAL_VARIANCE * USUAL_FOR_S
        self._seconds = USUAL_FOR_S
        self._price: float | None = None
        self._at_ns = 0

    def see(self, price: float, at_ns: int) -> None:
        """Learn from a price, if it is one: what a provider says that is broken is refused elsewhere."""
        if not 0 < price < math.inf:
            return
        if self._price is not None and at_ns > self._at_ns:
            passed_s = (at_ns - self._at_ns) / NS_PER_S
            keep = 0.5 ** (passed_s / MEMORY_S)
            moved_bps = math.log(price / self._price) * BPS
            self._squares = self._squares * keep + moved_bps**2
            self._seconds = self._seconds * keep + passed_s
        self._price, self._at_ns = price, at_ns

    @property
    def per_s(self) -> float:
        """bps² a second; above 0, since a price that stood still may still move."""
        return max(self._squares / self._seconds, USUAL_VARIANCE / 100)


def plan_rates(needs: Sequence[Need], requests_per_s: float, *, batch: int = 1) -> dict[str, float]:
    """Return how often each symbol is asked, in asks per second, when requests of `batch` symbols leave at this rate.

    Floors and ceilings bind as far as they can be paid for: when the floors alone cost more, only the ceilings hold.
    No symbol is asked twice in one request, so none can be asked more often than requests leave.
    """
    total = requests_per_s * batch
    tops = [min(need.rate_max, requests_per_s) for need in needs]
    floors = [min(need.rate_min, top) for need, top in zip(needs, tops, strict=True)]
    if sum(tops) <= total:
        return {need.symbol: top for need, top in zip(needs, tops, strict=True)}
    if sum(floors) > total:
        floors = [0.0] * len(needs)
    pulls = [math.sqrt(need.weight * need.variance) for need in needs]
    rates = _share_out(total, pulls, floors, tops)
    return {need.symbol: rate for need, rate in zip(needs, rates, strict=True)}


def _share_out(total: float, pulls: Sequence[float], floors: Sequence[float], tops: Sequence[float]) -> list[float]:
    # Share by pull; where that breaks bounds, fix those at the bound that is broken by more, and share the rest anew.
    # Each pass fixes at least one, and sum(floors) <= total < sum(tops) holds, so this ends at the optimum.
    rates = [0.0] * len(pulls)
    free = list(range(len(pulls)))
    while free:
        scale = total / sum(pulls[i] for i in free)
        over = [i for i in free if scale * pulls[i] > tops[i]]
        under = [i for i in free if scale * pulls[i] < floors[i]]
        excess = sum(scale * pulls[i] - tops[i] for i in over)
        lack = sum(floors[i] - scale * pulls[i] for i in under)
        fixed, bounds = (over, tops) if excess >= lack else (under, floors)
        if not fixed:
            fixed, bounds = free, [scale * pull for pull in pulls]
        for i in fixed:
            rates[i] = bounds[i]
            total -= bounds[i]
        gone = frozenset(fixed)
        free = [i for i in free if i not in gone]
    return rates


class Cadence:
    """Whose turn it is. The caller says when a request may leave; this says what it shall ask for."""

    def __init__(self, policy: CadencePolicy, tiers: Mapping[str, Tier]) -> None:
        self._policy = policy
        self._tiers = dict(tiers)
        self._variances = {symbol: Variance() for symbol in tiers}
        self._asked_ns: dict[str, int] = {}
        self.rates: dict[str, float] = {}

    @property
    def symbols(self) -> tuple[str, ...]:
        """All that it plans for."""
        return tuple(self._tiers)

    def first(self, count: int) -> tuple[str, ...]:
        """Return the `count` symbols that matter most."""
        return tuple(sorted(self._tiers, key=lambda symbol: (self._tiers[symbol], symbol))[:count])

    def set_tiers(self, tiers: Mapping[str, Tier]) -> None:
        """Take note of new positions or priorities; the symbols stay the same."""
        self._tiers.update((symbol, tier) for symbol, tier in tiers.items() if symbol in self._variances)

    def tier(self, symbol: str) -> Tier:
        """Return how much a symbol matters now."""
        return self._tiers[symbol]

    def see(self, symbol: str, price: float, at_ns: int) -> None:
        """Learn from a price of `symbol`."""
        variance = self._variances.get(symbol)
        if variance is not None:
            variance.see(price, at_ns)

    def replan(
        self,
        requests_per_s: float,
        *,
        batch: int,
        tiers: Iterable[Tier] = Tier,
        slower: Mapping[Tier, float] | None = None,
    ) -> None:
        """Spread a request rate over the symbols of `tiers`; `slower` multiplies the weight of a tier squared.

        A factor of 0.5 in `slower` halves how often the tier is asked next to the others.
        """
        slower = slower or {}
        wanted = frozenset(tiers)
        needs = []
        for symbol, tier in self._tiers.items():
            if tier not in wanted:
                continue
            policy = self._policy.of(tier)
            factor = slower.get(tier, 1.0)
            needs.append(
                Need(
                    symbol=symbol,
                    weight=policy.weight * factor**2,
                    variance=self._variances[symbol].per_s,
                    rate_min=0.0 if factor < 1 else 1_000 / policy.interval_max_ms,
                    rate_max=factor * 1_000 / policy.interval_min_ms,
                )
            )
        self.rates = plan_rates(needs, requests_per_s, batch=batch) if needs and requests_per_s > 0 else {}

    def pick(self, monotonic_ns: int, count: int) -> tuple[str, ...]:
        """Return up to `count` symbols whose turn it is, the most urgent first; none when all are fresh enough."""
        ready = []
        for symbol, rate in self.rates.items():
            if not self.is_fresh(symbol, monotonic_ns):
                asked_ns = self._asked_ns.get(symbol)
                urgency = math.inf if asked_ns is None else (monotonic_ns - asked_ns) * rate
                ready.append((-urgency, self._tiers[symbol], symbol))
        return tuple(symbol for _, _, symbol in sorted(ready)[:count])

    def fresh_until_ns(self) -> int | None:
        """Return when the first symbol that is fresh enough now may be asked again; `None` without symbols."""
        times = [
            self._asked_ns[symbol] + self._policy.of(self._tiers[symbol]).interval_min_ms * NS_PER_MS
            for symbol in self.rates
            if symbol in self._asked_ns
        ]
        return min(times, default=None)

    def note_asked(self, symbols: Iterable[str], monotonic_ns: int) -> None:
        """Note that these symbols were asked for just now, by whomever."""
        for symbol in symbols:
            self._asked_ns[symbol] = monotonic_ns

    def is_fresh(self, symbol: str, monotonic_ns: int) -> bool:
        """Say whether a symbol was asked for so recently that its tier is served from memory."""
        asked_ns = self._asked_ns.get(symbol)
        if asked_ns is None:
            return False
        return monotonic_ns - asked_ns < self._policy.of(self._tiers[symbol]).interval_min_ms * NS_PER_MS
