"""Alerts as they are shown and sent."""

from enum import Enum

from msgspec import Struct


class Severity(Enum):
    """How soon a person must look."""

    WARNING = "warning"
    """Within the hour: quotes go on, something that should be there is missing."""
    CRITICAL = "critical"
    """Now: quotes, money or safety are at stake."""


class AlertState(Enum):
    """Where an alert stands."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    """Somebody is on it: no reminder and no escalation until it resolves."""
    RESOLVED = "resolved"


class AlertView(Struct, frozen=True, kw_only=True):
    """One alert. `runbook` is an address that answers with the section for it."""

    id: int
    name: str
    subject: str
    """What it is about: a provider, a symbol, a switch; empty for the gateway itself."""
    severity: str
    state: str
    words: str
    since_ns: int
    resolved_ns: int | None
    acknowledged_by: str | None
    acknowledged_because: str | None
    escalations: int
    runbook: str


class AlertReport(Struct, frozen=True, kw_only=True):
    """`/v1/alerts`: what fires, worst first, then what has resolved, newest first."""

    alerts: tuple[AlertView, ...]
    channels: dict[str, str]
    """Each channel: `ok`, `unused`, or what went wrong the last time."""
    sent: int
    undelivered: int
    """Messages that no channel took."""
    as_of_ns: int
