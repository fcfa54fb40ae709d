"""What Prometheus may want of switches, rollout, guard, audit and the door."""

from firmquote.model.metric import Metric, by, counter, gauge
from firmquote.runtime.safety import Safety
from firmquote.safety import GuardState

STATUSES = ("PASS", "FAIL", "PENDING")


def safety_metrics(safety: Safety) -> list[Metric]:
    """Return the families."""
    switches, promotion, guard = safety.switches(), safety.promotion, safety.guarding.guard
    gates = promotion.gates()
    engaged = {one.name: one.engaged for one in switches.switches}
    left_s = switches.lease_left_s
    statuses = (
        ((("gate", name), ("status", status)), gate.status == status)
        for name, gate in gates.items()
        for status in STATUSES
    )
    fallen = "1 from a rollback by itself, or a stage lost in a crash, until somebody answers."
    state = list(GuardState).index(guard.state)
    breaches = "Evaluations in which the decision path breached an invariant."
    return [
        gauge("switch_engaged", "1 while the switch is engaged.", by("switch", engaged)),
        gauge("rollout_stage", "0 off, 1 shadow, 2 canary, 3 priority, 4 full.", safety.stages.stage),
        gauge("rollout_fallen", fallen, promotion.rollout.fallen is not None),
        gauge("hotpath_state", "Of the decision path: 0 ok, 1 throttled, 2 stopped.", state),
        gauge("lease_left_seconds", "Until the dead man's lease ends; no sample without a lease.", (
            () if left_s is None else [((), left_s)]
        )),
        gauge("rollout_quarantined", "Symbols in quarantine.", len(safety.stages.quarantined)),
        gauge("gate", "1 for the status that the gate has.", statuses),
        counter("hotpath_live_calls_total", "Live calls refused within decisions.", guard.live_calls),
        counter("hotpath_breaches_total", breaches, guard.breaches_total),
        gauge("state_pending", "States and audit records that are not on the disk yet.", safety.keeper.pending),
        counter("audit_lost_total", "Audit records that were never written.", safety.keeper.lost),
        counter("tokens_refused_total", "Requests with a token that is none.", safety.door.refused),
    ]  # fmt: skip
