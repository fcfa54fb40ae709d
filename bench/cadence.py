"""For the same number of requests, how stale and how wrong are prices by our cadence, uniform and by fixed tiers?

Real ticks: the demo tape's four symbols over an hour (or `--tape`), cut into pieces of `PIECE_S` seconds that are
played side by side, so that there are many symbols of different liveliness. Every contender polls the same prices at
the same rate under virtual time; each starts from one request a symbol. Two measures, means over time:

- staleness: Σ wᵢvᵢ·age / Σ wᵢvᵢ in seconds, with the variance vᵢ that the piece really had (ours has to learn it);
- price error: Σ wᵢ·|polled - true mid| / Σ wᵢ in basis points.

`theory` is what the formulas promise for the two ratios of staleness, with continuous rates and known variances.
`known` is our rule with the variances given: what it lacks to the theory is noise, and what ours lacks to it is
the price of learning.
"""

import math
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from machine import report
from msgspec import Struct

from firmquote.budget import Cadence, CadencePolicy, Need, Tier, TierPolicy, plan_rates
from firmquote.lab import DEMO_TAPE, load_tape
from firmquote.model import BPS, NS_PER_S, mid

PIECE_S = 600
WARM_UP_S = 120
"""Not measured: everybody's first prices."""
STEP_S = 0.1
REQUESTS_PER_S = 64 / 60.5
"""Alpha Vantage's 75 a minute without the reserve."""
TIER_INTERVALS_S = {Tier.POSITION: 0.8, Tier.WATCH: 2.5, Tier.OTHER: 6.0}
"""The fixed tiers of the systems that Firmquote replaces; stretched alike until they cost the same."""
WEIGHTS = {Tier.POSITION: 9.0, Tier.WATCH: 3.0, Tier.OTHER: 1.0}
POLICY = CadencePolicy(
    **{
        tier.name.lower(): TierPolicy(weight=weight, interval_min_ms=500, interval_max_ms=600_000)
        for tier, weight in WEIGHTS.items()
    }
)


class Series(Struct, frozen=True):
    """One piece of one symbol's real mids, by seconds from its beginning."""

    name: str
    times_s: list[float]
    mids: list[float]

    def price(self, at_s: float) -> float:
        """Return the mid at a moment."""
        return self.mids[max(0, bisect_right(self.times_s, at_s) - 1)]

    def variance(self) -> float:
        """Return bps² a second, from the prices at whole seconds."""
        prices = [self.price(second) for second in range(PIECE_S)]
        moves = [math.log(b / a) * BPS for a, b in pairwise(prices)]
        return max(sum(move**2 for move in moves) / len(moves), 1e-3)


def load_series(directory: Path) -> list[Series]:
    """Cut the tape into pieces."""
    tape = load_tape(directory)
    found = []
    for symbol in tape.symbols:
        rows = [(row.ts_ns, mid(row.bid, row.ask)) for row in tape.quotes(symbol)]
        begin_ns, end_ns = rows[0][0], rows[-1][0]
        for number in range(int((end_ns - begin_ns) / NS_PER_S) // PIECE_S):
            start_ns = begin_ns + number * PIECE_S * NS_PER_S
            inside = [
                ((ts - start_ns) / NS_PER_S, price) for ts, price in rows if 0 <= ts - start_ns < PIECE_S * NS_PER_S
            ]
            if len(inside) >= PIECE_S // 10:
                found.append(Series(f"{symbol}{number}", [t for t, _ in inside], [p for _, p in inside]))
    return found


def tiers_of(series: Sequence[Series]) -> dict[str, Tier]:
    """One symbol in six is a position and one in three is watched, whatever it is."""
    order = (Tier.POSITION, Tier.OTHER, Tier.WATCH, Tier.OTHER, Tier.WATCH, Tier.OTHER)
    return {one.name: order[place % len(order)] for place, one in enumerate(series)}


Chooser = Callable[[float], str | None]


def by_rate(rates: dict[str, float]) -> Callable[[dict[str, float]], Chooser]:
    """Return a chooser with fixed intervals: whoever is most overdue by its own."""

    def bind(asked: dict[str, float]) -> Chooser:
        return lambda now_s: max(rates, key=lambda name: (now_s - asked[name]) * rates[name])

    return bind


def play(series: Sequence[Series], tiers: dict[str, Tier], choose: Chooser, asked: dict[str, float],
         learn: Callable[[str, float, float], None]) -> dict[str, float]:  # fmt: skip
    """Poll for the length of a piece; return the two measures."""
    by_name = {one.name: one for one in series}
    seen = {one.name: one.price(0) for one in series}
    weights = {name: WEIGHTS[tier] for name, tier in tiers.items()}
    stakes = {one.name: weights[one.name] * one.variance() for one in series}
    staleness = error = 0.0
    next_request_s, requests, samples = 0.0, 0, 0
    for step in range(int(PIECE_S / STEP_S)):
        now_s = step * STEP_S
        if now_s >= next_request_s:
            next_request_s += 1 / REQUESTS_PER_S
            name = choose(now_s)
            if name is not None:
                requests += 1
                asked[name] = now_s
                seen[name] = by_name[name].price(now_s)
                learn(name, seen[name], now_s)
        if now_s >= WARM_UP_S:
            samples += 1
            staleness += sum(stakes[name] * (now_s - asked[name]) for name in seen)
            error += sum(weights[name] * abs(seen[name] / one.price(now_s) - 1) * BPS for name, one in by_name.items())
    return {
        "staleness_s": staleness / samples / sum(stakes.values()),
        "price_error_bps": error / samples / sum(weights.values()),
        "requests": float(requests),
    }


def play_ours(series: Sequence[Series], tiers: dict[str, Tier]) -> dict[str, float]:
    """Our planner, which learns variances from what it polled."""
    cadence = Cadence(POLICY, tiers)
    asked = dict.fromkeys(tiers, 0.0)
    cadence.note_asked(tiers, 0)
    for one in series:
        cadence.see(one.name, one.price(0), 0)
    planned_s = [-1.0]

    def choose(now_s: float) -> str | None:
        if now_s - planned_s[0] >= 1:
            planned_s[0] = now_s
            cadence.replan(REQUESTS_PER_S, batch=1)
        picked = cadence.pick(int(now_s * NS_PER_S), 1)
        cadence.note_asked(picked, int(now_s * NS_PER_S))
        return picked[0] if picked else None

    return play(series, tiers, choose, asked, lambda name, price, at: cadence.see(name, price, int(at * NS_PER_S)))


def theory(series: Sequence[Series], tiers: dict[str, Tier], rates: dict[str, float]) -> float:
    """Return Σ wᵢvᵢ/(2λᵢ) / Σ wᵢvᵢ for these rates."""
    stakes = {one.name: WEIGHTS[tiers[one.name]] * one.variance() for one in series}
    return sum(stake / (2 * rates[name]) for name, stake in stakes.items()) / sum(stakes.values())


def main() -> None:
    """Play all three and report."""
    directory = Path(sys.argv[sys.argv.index("--tape") + 1]) if "--tape" in sys.argv else DEMO_TAPE
    series = load_series(directory)
    tiers = tiers_of(series)
    uniform = {one.name: REQUESTS_PER_S / len(series) for one in series}
    stretch = sum(1 / TIER_INTERVALS_S[tier] for tier in tiers.values()) / REQUESTS_PER_S
    fixed = {name: 1 / TIER_INTERVALS_S[tier] / stretch for name, tier in tiers.items()}
    needs = [
        Need(symbol=one.name, weight=WEIGHTS[tiers[one.name]], variance=one.variance(), rate_min=1 / 600, rate_max=2)
        for one in series
    ]
    best = plan_rates(needs, REQUESTS_PER_S)
    results = {"ours": play_ours(series, tiers)}
    for name, rates in (("known", best), ("uniform", uniform), ("tiers", fixed)):
        asked = dict.fromkeys(tiers, 0.0)
        results[name] = play(series, tiers, by_rate(rates)(asked), asked, lambda *_: None)
    promised = {name: theory(series, tiers, best) / theory(series, tiers, rates)
                for name, rates in (("uniform", uniform), ("tiers", fixed))}  # fmt: skip
    results["theory"] = {"ours/uniform": promised["uniform"], "ours/tiers": promised["tiers"]}
    ratios = {f"ours/{name}": results["ours"]["staleness_s"] / results[name]["staleness_s"] for name in promised}
    ratios |= {f"known/{name}": results["known"]["staleness_s"] / results[name]["staleness_s"] for name in promised}
    ratios |= {
        f"ours/{name}@error": results["ours"]["price_error_bps"] / results[name]["price_error_bps"] for name in promised
    }
    report("cadence", results, ratios)


if __name__ == "__main__":
    main()
