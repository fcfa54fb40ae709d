"""Metrics of what operators deal with: alerts and success."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from firmquote.model.status import Metric, ProviderStatus

if TYPE_CHECKING:
    from firmquote.runtime.alerting import Alerting

_SEVERITIES = ("warning", "critical")


def operations_metrics(alerting: "Alerting", providers: Sequence[ProviderStatus]) -> Sequence[Metric]:
    """Return them as they are now."""
    firing = alerting.desk.firing()
    by_severity = {severity: sum(alert.severity == severity for alert in firing) for severity in _SEVERITIES}
    channels = alerting.delivery.channels.values()
    return [
        _gauge("alerts_firing", "Alerts that fire now.", {("severity", s): n for s, n in by_severity.items()}),
        _counter("alert_messages_total", "Messages made for people.", alerting.delivery.sent),
        _counter("alert_undelivered_total", "Messages that no channel took.", alerting.delivery.undelivered),
        _gauge(
            "alert_channel_failing",
            "1 while an alert channel takes no messages.",
            {("channel", c.name): c.failing is not None for c in channels},
        ),
        Metric(
            name="firmquote_audit_broken",
            help="1 while the audit trail is not as it was written, as of the last look at all of it.",
            kind="gauge",
            samples=(((), float(alerting.audit.trouble is not None)),),
        ),
        _gauge(
            "provider_success_rate",
            "Share of good requests or seconds over the health window.",
            {("provider", p.name): p.success_rate for p in providers if p.success_rate is not None},
        ),
    ]


def _gauge(name: str, words: str, values: dict[tuple[str, str], float]) -> Metric:
    samples = tuple(((label,), float(value)) for label, value in values.items())
    return Metric(name=f"firmquote_{name}", help=words, kind="gauge", samples=samples)


def _counter(name: str, words: str, value: int) -> Metric:
    return Metric(name=f"firmquote_{name}", help=words, kind="counter", samples=(((), float(value)),))
