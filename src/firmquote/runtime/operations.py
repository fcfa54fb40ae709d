"""Metrics of what operators deal with: alerts and success."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from firmquote.model.metric import Metric, by, counter, gauge
from firmquote.model.status import ProviderStatus

if TYPE_CHECKING:
    from firmquote.runtime.alerting import Alerting

_SEVERITIES = ("warning", "critical")


def operations_metrics(alerting: "Alerting", providers: Sequence[ProviderStatus]) -> Sequence[Metric]:
    """Return them as they are now."""
    firing = alerting.desk.firing()
    by_severity = {severity: sum(alert.severity == severity for alert in firing) for severity in _SEVERITIES}
    channels = alerting.delivery.channels.values()
    return [
        gauge("alerts_firing", "Alerts that fire now.", by("severity", by_severity)),
        counter("alert_messages_total", "Messages made for people.", alerting.delivery.sent),
        counter("alert_undelivered_total", "Messages that no channel took.", alerting.delivery.undelivered),
        gauge(
            "alert_channel_failing",
            "1 while an alert channel takes no messages.",
            by("channel", {channel.name: channel.failing is not None for channel in channels}),
        ),
        gauge(
            "audit_broken",
            "1 while the audit trail is not as it was written, as of the last look at all of it.",
            alerting.audit.trouble is not None,
        ),
        gauge(
            "provider_success_rate",
            "Share of good requests or seconds over the health window.",
            by("provider", {provider.name: provider.success_rate for provider in providers}),
        ),
    ]
