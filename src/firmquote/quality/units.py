"""Lots taken for shares: one provider's sizes are a hundred times another's, over all symbols alike."""

from collections import deque
from math import log10
from statistics import median

from firmquote.model import Reason, Shares
from firmquote.quality.fitness import Finding

SIZES_KEPT = 100
SIZES_MIN = 20
FACTOR = 2.0
"""As a decimal logarithm: a hundred."""
TOLERANCE = 0.35
"""A market's sizes differ between providers, but not in the middle of so many by a factor of 45 to 220."""


class SizeMeter:
    """Compares the sizes of one provider with those of another that claims the same market."""

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=SIZES_KEPT)
        self._seen = 0
        self._agreed = False
        """Whether the two have ever agreed: then whoever changed is to blame."""
        self._own: deque[float] = deque(maxlen=SIZES_KEPT)
        self._usual: float | None = None

    def note(self, own: tuple[Shares, Shares], other: tuple[Shares, Shares]) -> None:
        """Take bid and ask sizes of one symbol as both tell them now; a side without size says nothing."""
        for mine, theirs in zip(own, other, strict=True):
            if mine > 0 and theirs > 0:
                self._ratios.append(log10(mine / theirs))
                self._own.append(log10(mine))
                self._seen += 1
        if len(self._ratios) == SIZES_KEPT and self._seen >= SIZES_KEPT and abs(self._middle()) < TOLERANCE:
            self._seen = 0
            self._agreed = True
            self._usual = median(self._own)

    def judge(self, against: str) -> Finding | None:
        """Say whether this provider's sizes are in another unit than `against`'s."""
        recent = list(self._ratios)[-SIZES_MIN:]
        if len(recent) < SIZES_MIN or abs(abs(median(recent)) - FACTOR) > TOLERANCE:
            return None
        mine = list(self._own)[-SIZES_MIN:]
        if self._agreed and self._usual is not None and abs(median(mine) - self._usual) < FACTOR / 2:
            return None  # the other one changed
        factor = "100 times" if median(recent) > 0 else "a hundredth of"
        words = f"its sizes are {factor} {against}'s: lots taken for shares, or the other way round?"
        return Finding(Reason.SIZE_UNITS, words, excludes=self._agreed)

    def _middle(self) -> float:
        return median(self._ratios)
