"""Lots taken for shares: one provider's sizes are a hundred times another's, over all symbols alike."""

from collections import deque
from math import log10
from statistics import median

from firmquote.model import Reason, Shares
from firmquote.quality.fitness import Finding

SIZES_MIN = 20
MEMORY = 0.1
"""How much a new size moves what is usual."""
FACTOR = 2.0
"""As a decimal logarithm: a hundred."""
TOLERANCE = 0.35
"""A market's sizes differ between providers, but not in the middle of so many by a factor of 45 to 220."""


class SizeMeter:
    """Compares the sizes of one provider with those of another that claims the same market.

    Who changed is to blame: each symbol's usual size is learned while the two agree. Bounded by the number of symbols.
    """

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=SIZES_MIN)
        self._moved: deque[float] = deque(maxlen=SIZES_MIN)
        """How far this provider's sizes are from the usual ones of their symbols."""
        self._usual: dict[tuple[str, int], float] = {}

    def note(self, symbol: str, own: tuple[Shares, Shares], other: tuple[Shares, Shares]) -> None:
        """Take bid and ask sizes of one symbol as both tell them now; a side without size says nothing."""
        for side, (mine, theirs) in enumerate(zip(own, other, strict=True)):
            if mine <= 0 or theirs <= 0:
                continue
            ratio, size = log10(mine / theirs), log10(mine)
            usual = self._usual.get((symbol, side))
            self._ratios.append(ratio)
            if usual is not None:
                self._moved.append(size - usual)
            if abs(ratio) < FACTOR / 2:
                self._usual[symbol, side] = size if usual is None else usual + MEMORY * (size - usual)

    def judge(self, against: str) -> Finding | None:
        """Say whether this provider's sizes are in another unit than `against`'s."""
        if len(self._ratios) < SIZES_MIN or abs(abs(median(self._ratios)) - FACTOR) > TOLERANCE:
            return None
        agreed = len(self._moved) == SIZES_MIN
        if agreed and abs(median(self._moved)) < FACTOR / 2:
            return None  # the other one changed
        factor = "100 times" if median(self._ratios) > 0 else "a hundredth of"
        words = f"its sizes are {factor} {against}'s: lots taken for shares, or the other way round?"
        return Finding(Reason.SIZE_UNITS, words, excludes=agreed)
