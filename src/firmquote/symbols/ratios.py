"""Reading the ratio of two prices of one symbol: a split that only one provider has applied, or another unit."""

from collections.abc import Collection
from enum import Enum
from fractions import Fraction
from math import isfinite

from msgspec import Struct

from firmquote.model import BPS, Price


class RatioKind(Enum):
    """Why two prices differ by a factor."""

    SPLIT = "split"
    UNITS = "units"
    """Cents against dollars. A split of 1:100 looks the same; announced, it is told as a split."""


class RatioMatch(Struct, frozen=True):
    """`a` is about `ratio` times `b`, and that is no accident of the market."""

    kind: RatioKind
    ratio: Fraction


_FORWARD = "5/4 4/3 3/2 2 5/2 3 4 5 6 7 8 10 12 15 20 25 30 40 50"
SPLIT_RATIOS = frozenset(ratio for each in map(Fraction, _FORWARD.split()) for ratio in (each, 1 / each))
"""Ratios that splits usually have. Smaller ones (11:10) may be two thin quotes; unusual ones must be announced."""
REVERSE_MAX = 1_000
"""Shares that one new share replaces, at most, where a rounded factor is read."""
UNIT_RATIOS = frozenset((Fraction(100), Fraction(1, 100)))


def read_split_factor(text: str) -> Fraction | None:
    """Return the ratio of a split that a decimal stands for, e.g. `1.5000`, or `0.0333` for 1:30.

    `None` where it stands for none, or, rounded as it is, for several: `1.0460` is a spin-off in the form of a split.
    """
    try:
        exact = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
    if exact in SPLIT_RATIOS or (exact > 0 and 1 in (exact.numerator, exact.denominator)):
        return exact if exact != 1 else None
    half = Fraction(1, 2 * 10 ** len(text.partition(".")[2]))
    reverse = {Fraction(1, n) for n in range(2, REVERSE_MAX + 1)}
    meant = {ratio for ratio in SPLIT_RATIOS | reverse if abs(ratio - exact) <= half}
    return meant.pop() if len(meant) == 1 else None


def match_split_ratio(
    a: Price, b: Price, tolerance_bps: float, *, announced: Collection[Fraction] = ()
) -> RatioMatch | None:
    """Return the known ratio nearest to `a / b`, if it is within `tolerance_bps` of it, else `None`.

    `announced` are ratios of splits known for this symbol, whatever they are: a ratio of 10 means that `b` has applied
    a split of 10:1 and `a` has not (or `a` a reverse split of 1:10 and `b` has not). Keep the tolerance below 300:
    ratios are 6 % apart. No price that is zero, negative or not finite matches.
    """
    if not (isfinite(a) and isfinite(b) and a > 0 and b > 0):
        return None
    seen = a / b
    both_ways = frozenset(ratio for each in announced for ratio in (each, 1 / each))
    nearest = min(SPLIT_RATIOS | UNIT_RATIOS | both_ways, key=lambda ratio: abs(seen / ratio - 1))
    if abs(seen / nearest - 1) * BPS > tolerance_bps:
        return None
    is_split = nearest in both_ways or nearest not in UNIT_RATIOS
    return RatioMatch(RatioKind.SPLIT if is_split else RatioKind.UNITS, nearest)
