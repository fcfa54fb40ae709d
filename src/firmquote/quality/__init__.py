"""Judging what arrived: is this quote plausible, and how far may it be trusted? Pure functions over values."""

from firmquote.quality.arrivals import ArrivalMeter, ArrivalPolicy
from firmquote.quality.claims import explain_claim
from firmquote.quality.clocks import ClockPolicy, ClockVerdicts, MinimumFilter, judge_clocks
from firmquote.quality.comparing import Example, ShadowMeter, Tally
from firmquote.quality.consensus import Said, find_outliers
from firmquote.quality.feedclass import SpreadMeter, judge_trading_day
from firmquote.quality.fitness import Finding, Fitness, FitnessPolicy, Refusals, Verdict
from firmquote.quality.grading import GradePolicy, SessionGrading, Standing, age_ns, grade, is_plainly_firm
from firmquote.quality.lag import Lag, LagMeter, clock_difference_ns
from firmquote.quality.line_silence import LineMeter, LineSilencePolicy
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
    SilencePolicy,
    StreamEvidence,
    StreamScore,
    explain_stream,
    has_moved_away,
    score_stream,
)
from firmquote.quality.standstill import Standstill, is_left
from firmquote.quality.trail import Trail
from firmquote.quality.units import SizeMeter

__all__ = [
    "ArrivalMeter",
    "ArrivalPolicy",
    "Band",
    "Claim",
    "ClockPolicy",
    "ClockVerdicts",
    "Example",
    "Finding",
    "Fitness",
    "FitnessPolicy",
    "GradePolicy",
    "Lag",
    "LagMeter",
    "LineMeter",
    "LineSilencePolicy",
    "MinimumFilter",
    "Move",
    "PlausibilityPolicy",
    "Refusals",
    "Said",
    "SessionGrading",
    "ShadowMeter",
    "SilencePolicy",
    "SizeMeter",
    "SpreadMeter",
    "Standing",
    "Standstill",
    "StreamEvidence",
    "StreamScore",
    "Tally",
    "Trail",
    "Verdict",
    "age_ns",
    "check_last_price",
    "check_quote",
    "clock_difference_ns",
    "explain_claim",
    "explain_stream",
    "find_outliers",
    "grade",
    "has_moved_away",
    "is_confirmed",
    "is_factor",
    "is_left",
    "is_near",
    "is_plainly_firm",
    "judge_clocks",
    "judge_trading_day",
    "score_stream",
]
