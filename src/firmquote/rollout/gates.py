"""The gates: what each measures over its window, and what that proves. Pure functions over counts."""

from enum import Enum
from math import log

from msgspec import Struct

from firmquote.rollout.policy import FurtherGates, RolloutPolicy
from firmquote.rollout.proportion import failing_evidence, samples_needed, wilson_lower, z_of
from firmquote.rollout.sequential import SequentialMean


class GateStatus(Enum):
    """`PENDING` is neither: there is not enough data to say, and no data is never a pass."""

    PASS = "PASS"  # noqa: S105 - the word of the contract, not a password
    FAIL = "FAIL"
    PENDING = "PENDING"


class Severity(Enum):
    """How far a breach throws back."""

    STEP = "one stage"
    ALL = "to shadow"


class GateReading(Struct, frozen=True, kw_only=True):
    """What one gate says now."""

    status: GateStatus
    current: float | None
    threshold: float
    unit: str
    samples: int
    message: str
    severity: Severity = Severity.STEP


class Counted(Struct, frozen=True, kw_only=True):
    """How many of the samples in a window were good, and the value that people know the gate by."""

    good: int
    total: int
    current: float | None = None


def judge_share(
    counted: Counted,
    least: float,
    policy: RolloutPolicy,
    *,
    gates: int,
    threshold: float,
    unit: str,
    current: float | None,
    severity: Severity = Severity.STEP,
) -> GateReading:
    """Judge a share of good samples that must be at least `least`."""
    z = z_of(policy.confidence)
    lower = wilson_lower(counted.good, counted.total, z)
    evidence = failing_evidence(counted.good, counted.total, least)
    needed = samples_needed(least, z)
    if counted.total >= needed and lower >= least:
        status, message = GateStatus.PASS, f"at least {lower:.4f} good, as sure as {policy.confidence:g}"
    elif evidence >= log(policy.looks * gates / policy.alpha):
        bad = counted.total - counted.good
        status, message = GateStatus.FAIL, f"{bad} of {counted.total} samples are bad; {1 - least:.4f} may be"
    elif counted.total < needed:
        status, message = GateStatus.PENDING, f"{needed - counted.total} more samples are needed"
    else:
        status, message = (
            GateStatus.PENDING,
            f"not yet sure: between bad and good ({lower:.4f} proven, {least:g} needed)",
        )
    return GateReading(
        status=status,
        current=current,
        threshold=threshold,
        unit=unit,
        samples=counted.total,
        message=message,
        severity=severity,
    )


def judge_never(violations: int, total: int, needed: int, *, unit: str) -> GateReading:
    """Judge something that must never happen: one is enough to fail, and `needed` chances without it to pass."""
    if violations:
        status, message = GateStatus.FAIL, f"{violations} in the window; there may be none"
    elif total < needed:
        status, message = GateStatus.PENDING, f"{needed - total} more samples are needed"
    else:
        status, message = GateStatus.PASS, "none"
    return GateReading(
        status=status,
        current=float(violations) if total or violations else None,
        threshold=0,
        unit=unit,
        samples=total,
        message=message,
        severity=Severity.ALL,
    )


def judge_level(current: float | None, least: float, *, unit: str, unlimited: bool) -> GateReading:
    """Judge a level that is known or not, such as what is left of a budget."""
    if unlimited:
        status, message = GateStatus.PASS, "no limit is configured"
    elif current is None:
        status, message = GateStatus.PENDING, "not known yet"
    elif current > least:
        status, message = GateStatus.PASS, "above the warning"
    else:
        status, message = GateStatus.FAIL, "at or below the warning"
    samples = 0 if current is None else 1
    return GateReading(status=status, current=current, threshold=least, unit=unit, samples=samples, message=message)


def judge_sequence(
    test: SequentialMean | None, policy: RolloutPolicy, *, gates: int, threshold: float, unit: str, scale: float
) -> GateReading:
    """Judge a mean that may be looked at at any time; `scale` turns it into `unit`."""
    alpha = policy.alpha / gates
    samples = 0 if test is None else test.n
    current = None if test is None or test.mean is None else test.mean * scale
    if test is None or samples == 0:
        status, message = GateStatus.PENDING, "nothing to compare with yet: it needs a second provider's quotes"
    elif test.is_above(alpha):
        status, message = GateStatus.FAIL, f"proven to be above {threshold:g}"
    elif test.is_below(1 - policy.confidence):
        status, message = GateStatus.PASS, f"proven to be below {threshold:g}"
    else:
        needed = test.needed(1 - policy.confidence)
        status, message = GateStatus.PENDING, f"at least {needed} more comparisons are needed"
    return GateReading(
        status=status,
        current=current,
        threshold=threshold,
        unit=unit,
        samples=samples,
        message=message,
        severity=Severity.ALL,
    )


def is_severe(counted: Counted, least: float) -> bool:
    """Say whether more than five times as much is bad as may be."""
    return counted.total > 0 and (counted.total - counted.good) / counted.total > 5 * (1 - least)


def freshness_limit_s(gates: FurtherGates, *, regular: bool) -> float:
    """Return the age that is fresh enough now."""
    return gates.max_freshness_s if regular else gates.max_freshness_outside_s
