"""Every alert there is: how bad it is, how long it must last, and what it says. Its runbook section has its name."""

from msgspec import Struct

from firmquote.model.alerts import Severity


class AlertKind(Struct, frozen=True, kw_only=True):
    """One alert; `after_s` is how long its condition must last."""

    name: str
    severity: Severity
    means: str
    after_s: float = 0.0


_ALL = (
    AlertKind(
        name="no_live_provider", severity=Severity.CRITICAL,
        means="No live provider can serve: the board shows mock prices or its last quotes, and nothing can be opened.",
    ),
    AlertKind(
        name="key_refused", severity=Severity.CRITICAL,
        means="A provider refused the key, or the plan behind it; it is not asked again.",
    ),
    AlertKind(
        name="cut_off", severity=Severity.CRITICAL, after_s=3,
        means="Every provider was lost at once: the network or this machine is at fault, and nobody is blamed for it.",
    ),
    AlertKind(
        name="budget_spent", severity=Severity.CRITICAL,
        means="A provider may not be asked any more: its budget of requests or money is spent.",
    ),
    AlertKind(
        name="budget_low", severity=Severity.WARNING,
        means="A provider's budget runs low: the least wanted symbols are asked for less often.",
    ),
    AlertKind(
        name="ledger_unusable", severity=Severity.CRITICAL, after_s=5,
        means="The ledger cannot be read or written, so nothing may be spent: polled providers stop, streams go on.",
    ),
    AlertKind(
        name="symbols_unusable", severity=Severity.CRITICAL, after_s=10,
        means="In regular hours a symbol has no usable quote.",
    ),
    AlertKind(
        name="quarantine", severity=Severity.CRITICAL,
        means="A price is a split's ratio away, and nobody can say which side is right: the symbol is not for trading.",
    ),
    AlertKind(
        name="provider_unfit", severity=Severity.WARNING, after_s=2,
        means="A provider's prices of a symbol are wrong; another one shows the symbol.",
    ),
    AlertKind(
        name="own_clock_wrong", severity=Severity.CRITICAL, after_s=5,
        means="All streams are off by the same time: it is the clock of this machine.",
    ),
    AlertKind(
        name="actions_conflict", severity=Severity.WARNING,
        means="Sources tell a corporate action differently; it is withheld until somebody settles it.",
    ),
    AlertKind(
        name="provider_failed", severity=Severity.WARNING,
        means="A provider cannot serve: its connection is lost, its breaker is open, or it answers with errors.",
    ),
    AlertKind(
        name="provider_silent", severity=Severity.WARNING,
        means="A stream is frozen: it is open and brings nothing, while the market goes on.",
    ),
    AlertKind(
        name="provider_degraded", severity=Severity.WARNING, after_s=30,
        means="A provider serves, but more slowly or with more errors than its policy allows.",
    ),
    AlertKind(
        name="failover", severity=Severity.WARNING,
        means="Another provider than the wanted one serves.",
    ),
    AlertKind(
        name="flapping", severity=Severity.WARNING,
        means="The role moved as often as the flap limit allows.",
    ),
    AlertKind(
        name="switch_engaged", severity=Severity.WARNING,
        means="A kill switch is engaged. Somebody or something stopped a part of the system on purpose.",
    ),
    AlertKind(
        name="lease_expired", severity=Severity.CRITICAL,
        means="Nobody renewed the dead man's lease: risk is only reduced, and later everything is off.",
    ),
    AlertKind(
        name="rolled_back", severity=Severity.CRITICAL,
        means="The rollout went back by itself, because a gate failed: fewer symbols are acted on, or none.",
    ),
    AlertKind(
        name="symbol_withheld", severity=Severity.WARNING,
        means="The rollout keeps a symbol in shadow: its prices are proven to mismatch another provider's too often.",
    ),
    AlertKind(
        name="hotpath_violation", severity=Severity.CRITICAL,
        means="A decision tried a live call, or the decision path broke its limits and is throttled or stopped.",
    ),
    AlertKind(
        name="unclean_start", severity=Severity.WARNING,
        means="The last process ended without saying so: a crash, or a kill. The rollout begins one stage lower.",
    ),
    AlertKind(
        name="state_unreadable", severity=Severity.CRITICAL,
        means="A file of our own state was damaged and was put aside; what it held is not known.",
    ),
    AlertKind(
        name="audit_broken", severity=Severity.CRITICAL,
        means="The audit trail is not as it was written: a record was changed, taken out or cut off.",
    ),
    AlertKind(
        name="clock_step", severity=Severity.WARNING,
        means="The wall clock of this machine jumped. Ages and limits go on by the monotonic clock.",
    ),
    AlertKind(
        name="state_unwritable", severity=Severity.CRITICAL, after_s=5,
        means="Switches or the audit trail cannot be written: orders are in effect, and lost with the process.",
    ),
    AlertKind(
        name="quotes_refused", severity=Severity.WARNING,
        means="Many of a provider's prices cannot be true and were refused.",
    ),
    AlertKind(
        name="messages_unreadable", severity=Severity.WARNING,
        means="A provider sends messages of no known shape.",
    ),
    AlertKind(
        name="process_stalled", severity=Severity.WARNING,
        means="This process stood still: the machine is overloaded, suspended, or something blocked the event loop.",
    ),
    AlertKind(
        name="disk_low", severity=Severity.CRITICAL,
        means="The disk with the state is nearly full: ledger, audit and orders can no longer be written.",
    ),
    AlertKind(
        name="channel_failing", severity=Severity.WARNING,
        means="An alert channel does not take messages; they go out through the others.",
    ),
    AlertKind(
        name="gateway_down", severity=Severity.CRITICAL, after_s=30,
        means="The gateway does not answer. Told from outside: by `firmquote alerts guard`, a heartbeat, Prometheus.",
    ),
    AlertKind(
        name="test", severity=Severity.WARNING,
        means="Somebody tries whether alerts arrive. Nothing is wrong.",
    ),
)  # fmt: skip
KINDS = {kind.name: kind for kind in _ALL}
