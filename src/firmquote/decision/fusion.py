"""Many opinions, one score: tanh of the weighted mean, so that agreement cannot exceed certainty.

    fused = tanh( Σ wᵢ·sᵢ / Σ wᵢ · gain ),   wᵢ = source weight · confidence · freshness

`gain` is chosen so that a full score of one alone (s = 1) gives 0.76 = tanh(1): above `very_positive`, below 1.
"""

from collections.abc import Sequence
from math import tanh

from msgspec import Struct

GAIN = 1.0
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
    return tanh(GAIN * weighted / total) if total > 0 else 0.0
