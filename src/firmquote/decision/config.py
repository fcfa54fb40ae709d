"""What the engine is told by its owner."""

from typing import Annotated

from msgspec import Meta, Struct

from firmquote.model import Grade

Positive = Annotated[float, Meta(gt=0)]


class DecisionConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thresholds, limits and weights of the decision engine."""

    enabled: bool = True
    positive: Annotated[float, Meta(gt=0, lt=1)] = 0.35
    """A fused score from here on asks for one unit …"""
    very_positive: Annotated[float, Meta(gt=0, lt=1)] = 0.65
    """… and from here on for five. The negatives mirror them."""
    min_grade: str = "firm"
    """The least grade on which risk may be opened: `firm`, or `indicative` for those who accept it."""
    max_spread_bps: Positive = 30.0
    max_units: Annotated[int, Meta(ge=1)] = 5
    """Units of one symbol that may be held."""
    cooldown_s: Annotated[float, Meta(ge=0)] = 60.0
    """After an intent that opens risk the symbol rests this long."""
    advice_ttl_s: Positive = 300.0
    momentum_half_life_s: Positive = 20.0
    momentum_warmup_quotes: Annotated[int, Meta(ge=2)] = 20
    momentum_scale_bps: Positive = 10.0
    """A move of this size over the half-life is a score of tanh(1)."""

    def open_grade(self) -> Grade:
        """Return `min_grade` as a grade; the configuration is checked when it is read."""
        return Grade[self.min_grade.upper()]

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.min_grade not in ("firm", "indicative"):
            raise ValueError(f"min_grade is {self.min_grade!r}: write firm or indicative")
        if self.positive >= self.very_positive:
            raise ValueError(f"positive ({self.positive:g}) must be below very_positive ({self.very_positive:g})")
