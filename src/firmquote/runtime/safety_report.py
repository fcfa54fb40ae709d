"""What Prometheus may want of switches, rollout, guard, audit and the door."""

from firmquote.model.status import Metric
from firmquote.runtime.safety import Safety
from firmquote.safety import GuardState

STATUSES = ("PASS", "FAIL", "PENDING")


def safety_metrics(safety: Safety) -> list[Metric]:
    """Return the families."""
    switches, promotion, guard = safety.switches(), safety.promotion, safety.guarding.guard
    gates = promotion.gates()
    return [
        _family("switch_engaged", "1 while the switch is engaged.", [
            ((("switch", one.name),), float(one.engaged)) for one in switches.switches
        ]),
        _family("rollout_stage", "0 off, 1 shadow, 2 canary, 3 priority, 4 full.", [((), float(safety.stages.stage))]),
        _family("rollout_fallen", "1 from a rollback by itself, or a stage lost in a crash, until somebody answers.", [
            ((), float(promotion.rollout.fallen is not None))
        ]),
        _family("hotpath_state", "Of the decision path: 0 ok, 1 throttled, 2 stopped.", [
            ((), float(list(GuardState).index(guard.state)))
        ]),
        _family("lease_left_seconds", "Until the dead man's lease ends; no sample without a lease.", [
            ((), left_s) for left_s in (switches.lease_left_s,) if left_s is not None
        ]),
        _family("rollout_quarantined", "Symbols in quarantine.", [((), float(len(safety.stages.quarantined)))]),
        _family("gate", "1 for the status that the gate has.", [
            ((("gate", name), ("status", status)), float(gate.status == status))
            for name, gate in gates.items() for status in STATUSES
        ]),
        _family("hotpath_live_calls_total", "Live calls refused within decisions.", [
            ((), float(guard.live_calls))
        ], kind="counter"),
        _family("hotpath_breaches_total", "Evaluations in which the decision path breached an invariant.", [
            ((), float(guard.breaches_total))
        ], kind="counter"),
        _family("state_pending", "States and audit records that are not on the disk yet.", [
            ((), float(safety.keeper.pending))
        ]),
        _family("audit_lost_total", "Audit records that were never written.", [
            ((), float(safety.keeper.lost))
        ], kind="counter"),
        _family("tokens_refused_total", "Requests with a token that is none.", [
            ((), float(safety.door.refused))
        ], kind="counter"),
    ]  # fmt: skip


def _family(
    name: str, words: str, samples: list[tuple[tuple[tuple[str, str], ...], float]], *, kind: str = "gauge"
) -> Metric:
    return Metric(name=f"firmquote_{name}", help=words, kind=kind, samples=tuple(samples))
