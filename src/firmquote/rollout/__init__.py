"""Going live in steps: stages, the gates before each, and the way back. Pure."""

from firmquote.rollout.evidence import GATES, Evidence, Measure
from firmquote.rollout.gates import GateReading, GateStatus, Severity, freshness_limit_s
from firmquote.rollout.machine import Rollout, RolloutState
from firmquote.rollout.policy import FurtherGates, PromotionGates, RolloutPolicy
from firmquote.rollout.sequential import SequentialMean
from firmquote.rollout.stages import Stage, StageMap

__all__ = [
    "GATES",
    "Evidence",
    "FurtherGates",
    "GateReading",
    "GateStatus",
    "Measure",
    "PromotionGates",
    "Rollout",
    "RolloutPolicy",
    "RolloutState",
    "SequentialMean",
    "Severity",
    "Stage",
    "StageMap",
    "freshness_limit_s",
]
