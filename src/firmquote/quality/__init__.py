"""Judging what arrived: is this quote plausible, and how far may it be trusted? Pure functions over values."""

from firmquote.quality.claims import explain_claim
from firmquote.quality.clocks import ClockPolicy, ClockVerdicts, MinimumFilter, judge_clocks
from firmquote.quality.comparing import Example, ShadowMeter, Tally
from firmquote.quality.consensus import Said, find_outliers
from firmquote.quality.feedclass import SpreadMeter, judge_trading_day
from firmquote.quality.fitness import Finding, Fitness, FitnessPolicy, Refusals, Verdict
from firmquote.quality.grading import GradePolicy, SessionGrading, Standing, age_ns, grade
from firmquote.quality.plausibility import (
    Band,
    Claim,
    Move,
    PlausibilityPolicy,
    check_last_price,
    check_quote,
    is_confirmed,
    is_factor,
    is_near,
)
from firmquote.quality.silence import (
    ArrivalMeter,
    PeerEvidence,
    Silence,
    SilencePolicy,
    has_moved_away,
    judge_silence,
)
from firmquote.quality.trail import Trail
from firmquote.quality.units import SizeMeter

__all__ = [
    "ArrivalMeter",
    "Band",
    "Claim",
    "ClockPolicy",
    "ClockVerdicts",
    "Example",
    "Finding",
    "Fitness",
    "FitnessPolicy",
    "GradePolicy",
    "MinimumFilter",
    "Move",
    "PeerEvidence",
    "PlausibilityPolicy",
    "Refusals",
    "Said",
    "SessionGrading",
    "ShadowMeter",
    "Silence",
    "SilencePolicy",
    "SizeMeter",
    "SpreadMeter",
    "Standing",
    "Tally",
    "Trail",
    "Verdict",
    "age_ns",
    "check_last_price",
    "check_quote",
    "explain_claim",
    "find_outliers",
    "grade",
    "has_moved_away",
    "is_confirmed",
    "is_factor",
    "is_near",
    "judge_clocks",
    "judge_silence",
    "judge_trading_day",
]
