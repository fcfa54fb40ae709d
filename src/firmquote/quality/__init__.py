"""Judging what arrived: is this quote plausible, and how far may it be trusted? Pure functions over values."""

from firmquote.quality.grading import GradePolicy, SessionGrading, Standing, age_ns, grade
from firmquote.quality.plausibility import Band, PlausibilityPolicy, check_last_price, check_quote
from firmquote.quality.silence import (
    ArrivalMeter,
    PeerEvidence,
    Silence,
    SilencePolicy,
    has_moved_away,
    judge_silence,
)

__all__ = [
    "ArrivalMeter",
    "Band",
    "GradePolicy",
    "PeerEvidence",
    "PlausibilityPolicy",
    "SessionGrading",
    "Silence",
    "SilencePolicy",
    "Standing",
    "age_ns",
    "check_last_price",
    "check_quote",
    "grade",
    "has_moved_away",
    "judge_silence",
]
