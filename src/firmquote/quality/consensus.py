"""Which provider is wrong about a symbol? Robust consensus over what each says, in units of the spread.

Two providers can only contradict each other. From three on the median stands, and who is far from it is the outlier,
as long as somebody else stands by the median: never is a provider blamed on another's word alone.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from msgspec import Struct

from firmquote.model import BPS, Price, Reason
from firmquote.quality.fitness import Finding, FitnessPolicy


class Said(Struct, frozen=True):
    """What one provider said of a symbol within the window: from its lowest bid to its highest ask, and now."""

    provider: str
    low: Price
    high: Price
    mid: Price
    spread: Price
    is_last_price: bool = False


def find_outliers(said: Sequence[Said], policy: FitnessPolicy) -> Mapping[str, Finding]:
    """Return what contradicts the consensus, by provider; empty while all agree or nobody can be compared."""
    if len(said) < 2:
        return {}
    spread = _spread(said)
    if len(said) == 2:
        one, other = said
        if _gap(one, other) <= _tolerance(one, other, spread, policy):
            return {}
        return {
            each.provider: Finding(Reason.DIVERGENT, _words(each, against, spread), excludes=False)
            for each, against in ((one, other), (other, one))
        }
    middle = sorted(said, key=lambda each: each.mid)[len(said) // 2]
    agree = [each for each in said if _gap(each, middle) <= _tolerance(each, middle, spread, policy)]
    outliers = [each for each in said if each not in agree]
    known = len(agree) > len(outliers)
    if not known:
        outliers = list(said)
    return {each.provider: Finding(Reason.DIVERGENT, _words(each, middle, spread), excludes=known) for each in outliers}


def _gap(one: Said, other: Said) -> Price:
    """How much lies between the two; 0 where they overlap."""
    return max(0.0, one.low - other.high, other.low - one.high)


def _tolerance(one: Said, other: Said, spread: Price, policy: FitnessPolicy) -> Price:
    bps = policy.divergent_bps_min
    if one.is_last_price or other.is_last_price:
        bps += policy.last_price_bps
    return max(policy.divergent_spreads * spread, bps / BPS * other.mid)


def _spread(said: Sequence[Said]) -> Price:
    spreads = [each.spread for each in said if not each.is_last_price]
    return median(spreads) if len(spreads) > 2 else min(spreads, default=0.0)


def _words(one: Said, other: Said, spread: Price) -> str:
    away_bps = abs(one.mid / other.mid - 1) * BPS
    spreads = f" ({abs(one.mid - other.mid) / spread:.1f} spreads)" if spread > 0 else ""
    return f"{one.mid:.4f} is {away_bps:.1f} bps{spreads} from {other.provider}'s {other.mid:.4f}"
