"""How sure a share is: Wilson's interval for passing, an exact bound for failing.

Passing asks for the lower end of the interval, so that three lucky requests prove nothing. Failing asks for evidence
that holds for every sample size and over many looks (Chernoff's bound in Kullback and Leibler's form), so that a good
candidate is not thrown back by chance.
"""

from math import ceil, inf, log, sqrt
from statistics import NormalDist


def z_of(confidence: float) -> float:
    """Return the one-sided quantile of the normal distribution, e.g. 1.645 of 0.95."""
    return NormalDist().inv_cdf(confidence)


def wilson_lower(good: int, total: int, z: float) -> float:
    """Return the lower end of Wilson's interval for a share of `good` in `total`; 0 without samples."""
    if total == 0:
        return 0.0
    share, z2 = good / total, z * z
    centre = share + z2 / (2 * total)
    margin = z * sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, (centre - margin) / (1 + z2 / total))


def samples_needed(threshold: float, z: float) -> int:
    """Return the fewest samples, all of them good, whose lower end reaches `threshold`: n/(n + z²) ≥ threshold."""
    if threshold <= 0:
        return 1
    assert threshold < 1, "a share of exactly one can never be proven"
    return max(1, ceil(z * z * threshold / (1 - threshold) - 1e-9))


def failing_evidence(good: int, total: int, threshold: float) -> float:
    """Return the evidence (in nats) that the true share lies below `threshold`; 0 where it speaks for it.

    Were the true share `threshold` or more, the evidence would reach `e` with a probability of at most exp(-e).
    """
    if total == 0 or good / total >= threshold:
        return 0.0
    if threshold >= 1:
        return inf
    share = good / total
    lost = (1 - share) * log((1 - share) / (1 - threshold))
    return total * (lost + (share * log(share / threshold) if share > 0 else 0.0))
