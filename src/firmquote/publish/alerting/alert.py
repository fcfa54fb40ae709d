"""One alert, from its first sign to its end, and what of it outlives the process."""

from msgspec import Struct

from firmquote.model.alerts import AlertState, AlertView
from firmquote.publish.alerting.kinds import KINDS
from firmquote.publish.alerting.situation import Condition

SCHEMA = 1
"""Of `KeptAlerts`; a file of another one is not understood."""


class KeptAlert(Struct, frozen=True, kw_only=True):
    """An alert as it is stored."""

    id: int
    name: str
    subject: str
    words: str
    since_ns: int
    told_ns: int | None = None
    resolved_ns: int | None = None
    acknowledged: tuple[str, str] | None = None
    escalations: int = 0
    heard: bool = True
    """Whether a channel took the last message about it; else it is told again after a restart."""


class KeptAlerts(Struct, frozen=True, kw_only=True):
    """Everything of the desk that outlives the process. Bounded as the desk itself is."""

    schema: int = SCHEMA
    numbers: int
    """The last number that was given to an alert."""
    alerts: tuple[KeptAlert, ...]
    sent_ns: tuple[int, ...]


class Alert:
    """One (name, subject) while it lasts."""

    def __init__(self, number: int, condition: Condition, now_ns: int) -> None:
        self.id = number
        self.kind = KINDS[condition.name]
        self.subject = condition.subject
        self.words = condition.words
        self.since_ns = now_ns
        self.seen_ns = now_ns
        self.rests_until_ns = now_ns
        """It does not resolve before: a process that has just begun has not seen everything yet."""
        self.fired = False
        self.told_ns: int | None = None
        self.resolved_ns: int | None = None
        self.acknowledged: tuple[str, str] | None = None
        self.escalations = 0

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one alert."""
        return self.kind.name, self.subject

    def view(self, runbook: str) -> AlertView:
        """Return what is shown and sent; `runbook` is what its link begins with."""
        state = AlertState.FIRING if self.acknowledged is None else AlertState.ACKNOWLEDGED
        who, because = self.acknowledged or (None, None)
        return AlertView(
            id=self.id,
            name=self.kind.name,
            subject=self.subject,
            severity=self.kind.severity.value,
            state=(state if self.resolved_ns is None else AlertState.RESOLVED).value,
            words=self.words,
            since_ns=self.since_ns,
            resolved_ns=self.resolved_ns,
            acknowledged_by=who,
            acknowledged_because=because,
            escalations=self.escalations,
            runbook=f"{runbook}{self.kind.name}",
        )

    def kept(self, *, heard: bool) -> KeptAlert:
        """Return what is stored of it."""
        return KeptAlert(
            id=self.id,
            name=self.kind.name,
            subject=self.subject,
            words=self.words,
            since_ns=self.since_ns,
            told_ns=self.told_ns,
            resolved_ns=self.resolved_ns,
            acknowledged=self.acknowledged,
            escalations=self.escalations,
            heard=heard,
        )


def take_up(kept: KeptAlert, *, now_ns: int, rests_ns: int) -> Alert:
    """Return the alert that the last process left; times from a clock that was ahead count as now."""
    alert = Alert(kept.id, Condition(kept.name, kept.subject, kept.words), now_ns)
    alert.fired = True
    alert.since_ns = min(kept.since_ns, now_ns)
    alert.rests_until_ns = now_ns + rests_ns
    alert.told_ns = None if kept.told_ns is None else min(kept.told_ns, now_ns)
    alert.resolved_ns = kept.resolved_ns
    alert.acknowledged = kept.acknowledged
    alert.escalations = kept.escalations
    return alert
