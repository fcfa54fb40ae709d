"""Many opinions, one score: tanh of the weighted mean, so that agreement cannot exceed certainty.

    fused = tanh( Σ wᵢ·sᵢ / max(Σ wᵢ, 1) · gain ),   wᵢ = source weight · confidence · freshness

Weights that do not add up to 1 are not blown up to it: who is hardly sure, or whose time is nearly over, moves little
also where nobody else speaks, and a weight below 1 is the most that a source can do alone. From 1 on only the shares
count. `gain` is chosen so that a full score (s = 1) of full weight alone gives 0.76 = tanh(1): above `very_positive`,
below 1.
"""

from collections.abc import Sequence
from math import tanh

from msgspec import Struct

GAIN = 1.0
FULL_WEIGHT = 1.0
"""Less than this in all is not the whole opinion of anybody."""
WEIGHT_MAX = 1_000.0


class Contribution(Struct, frozen=True, gc=False):
    """What one source adds."""

    source: str
    score: float
    """-1 to 1."""
    weight: float
    """0 to `WEIGHT_MAX`."""


def fuse(contributions: Sequence[Contribution]) -> float:
    """Return the fused score in (-1, 1); 0 where nobody says anything."""
    total = weighted = 0.0
    for c in contributions:
        total += c.weight
        weighted += c.weight * c.score
    return tanh(GAIN * weighted / max(total, FULL_WEIGHT))
