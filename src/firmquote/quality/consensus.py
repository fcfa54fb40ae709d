"""Which provider is wrong about a symbol? Robust consensus over what each says, in units of the spread.

Two providers can only contradict each other. From three on the majority stands: who contradicts most of the others is
the outlier. Never is a provider blamed on another's word alone.
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
    """Return what contradicts the others, by provider; empty while all agree or nobody can be compared.

    Who contradicts most of the others is the outlier, as long as more remain who do not; else all who contradict each
    other are doubted, and none is blamed.
    """
    spread = _spread(said)
    against = {
        one: [other for other in said if other is not one and _contradict(one, other, spread, policy)] for one in said
    }
    doubted = [one for one in said if against[one]]
    if not doubted:
        return {}
    outliers = [one for one in doubted if len(said) > 2 and len(against[one]) > (len(said) - 1) / 2]
    if outliers and len(said) - len(outliers) > len(outliers):
        return {one.provider: _finding(one, against[one], spread, excludes=True) for one in outliers}
    return {one.provider: _finding(one, against[one], spread, excludes=False) for one in doubted}


def _contradict(one: Said, other: Said, spread: Price, policy: FitnessPolicy) -> bool:
    return _gap(one, other) > _tolerance(one, other, spread, policy)


def _gap(one: Said, other: Said) -> Price:
    """How much lies between the two; 0 where they overlap."""
    return max(0.0, one.low - other.high, other.low - one.high)


def _tolerance(one: Said, other: Said, spread: Price, policy: FitnessPolicy) -> Price:
    bps = policy.divergent_bps_min
    if one.is_last_price or other.is_last_price:
        bps += policy.last_price_bps
    return max(policy.divergent_spreads * spread, bps / BPS * max(one.mid, other.mid))


def _spread(said: Sequence[Said]) -> Price:
    spreads = [each.spread for each in said if not each.is_last_price]
    return median(spreads) if len(spreads) > 2 else min(spreads, default=0.0)


def _finding(one: Said, against: Sequence[Said], spread: Price, *, excludes: bool) -> Finding:
    other = min(against, key=lambda each: abs(each.mid - one.mid))
    away_bps = abs(one.mid / other.mid - 1) * BPS
    spreads = f" ({abs(one.mid - other.mid) / spread:.1f} spreads)" if spread > 0 else ""
    words = f"{one.mid:.4f} is {away_bps:.1f} bps{spreads} from {other.provider}'s {other.mid:.4f}"
    return Finding(Reason.DIVERGENT, words, excludes=excludes)
