"""The alert desk: from conditions to messages that a person can bear. Pure: conditions and time in, messages out.

One alert is one (name, subject). It fires once its condition has lasted long enough, is told once, reminded of rarely,
escalated while nobody acknowledges it, and told again when it is over. Messages that come together are one message,
and above the rate limit they wait and become one. A restart changes nothing of this: `kept` is stored, and `take_up`
goes on from there.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum

from msgspec import Struct

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S
from firmquote.model.alerts import AlertView, Severity
from firmquote.publish.alerting.alert import Alert, KeptAlerts, take_up
from firmquote.publish.alerting.kinds import KINDS
from firmquote.publish.alerting.policy import AlertPolicy
from firmquote.publish.alerting.situation import Condition

ALERTS_MAX = 500
"""Alerts at one time; further conditions are counted in `dropped` and shown once there is room."""
RESOLVED_KEPT = 200
UNHEARD_MAX = 2 * ALERTS_MAX
"""Alerts whose last message no channel has taken yet; beyond it the oldest is forgotten."""


class Purpose(Enum):
    """Why a message is sent."""

    NEWS = "news"
    REMINDER = "reminder"
    ESCALATION = "escalation"


class Message(Struct, frozen=True, kw_only=True):
    """One message to somebody: what fires, and what is over."""

    purpose: Purpose
    severity: Severity
    firing: tuple[AlertView, ...]
    resolved: tuple[AlertView, ...]


class AlertDesk:
    """Owns every alert from its first sign to its end."""

    def __init__(self, policy: AlertPolicy, runbook: str) -> None:
        self._policy = policy
        self.runbook = runbook
        """What an alert's link begins with."""
        self._alerts: dict[tuple[str, str], Alert] = {}
        self._resolved: deque[AlertView] = deque(maxlen=RESOLVED_KEPT)
        self._news: dict[int, Alert] = {}
        self._unheard: dict[int, Alert] = {}
        self._news_since_ns: int | None = None
        self._sent_ns: deque[int] = deque(maxlen=4 * policy.rate_max)
        self._numbers = 0
        self.dropped = 0
        self.version = 0
        """Grows with every change of what must outlive the process."""

    def observe(self, conditions: Iterable[Condition], now_ns: int) -> list[Message]:
        """Take in what holds now, and return the messages that are due."""
        self._take_in(conditions, now_ns)
        self._resolve(now_ns)
        return [*self._due_news(now_ns), *self._reminders(now_ns)]

    def acknowledge(self, number: int, who: str, reason: str, now_ns: int) -> AlertView:
        """Note that somebody is on it.

        Raises:
            ConfigError: no such alert fires.
        """
        for alert in self._alerts.values():
            if alert.id == number and alert.fired:
                alert.acknowledged = (who, reason)
                alert.told_ns = now_ns
                self._unheard.pop(number, None)
                self.version += 1
                return alert.view(self.runbook)
        firing = ", ".join(str(view.id) for view in self.firing()) or "none"
        raise ConfigError(f"alert {number} does not fire. Firing now: {firing}.")

    def firing(self) -> Sequence[AlertView]:
        """Return what fires, worst first, then the oldest first."""
        views = [alert.view(self.runbook) for alert in self._alerts.values() if alert.fired]
        return sorted(views, key=lambda view: (view.severity, view.since_ns))  # `critical` is before `warning`

    def resolved(self) -> Sequence[AlertView]:
        """Return what has resolved, newest first."""
        return list(reversed(self._resolved))

    def confirm(self, message: Message) -> None:
        """A channel took `message`: what it says needs not be told again after a restart."""
        for view in (*message.firing, *message.resolved):
            alert = self._unheard.get(view.id)
            waits_again = view.id in self._news or (alert is not None and alert.resolved_ns != view.resolved_ns)
            if alert is not None and not waits_again:
                del self._unheard[view.id]
                self.version += 1

    def kept(self) -> KeptAlerts:
        """Return what must outlive the process."""
        lasting = [alert for alert in self._alerts.values() if alert.fired]
        over = [alert for alert in self._unheard.values() if alert.resolved_ns is not None]
        return KeptAlerts(
            numbers=self._numbers,
            alerts=tuple(alert.kept(heard=alert.id not in self._unheard) for alert in (*lasting, *over)),
            sent_ns=tuple(self._sent_ns),
        )

    def take_up(self, kept: KeptAlerts, now_ns: int) -> None:
        """Go on where the last process ended, before anything is observed: numbers, acknowledgements, escalations.

        What has gone meanwhile resolves once `restart_grace_s` have passed, and not before everything has been seen.
        """
        self._numbers = kept.numbers
        self._sent_ns.extend(min(at_ns, now_ns) for at_ns in kept.sent_ns)
        for each in kept.alerts:
            if each.name not in KINDS:  # of another release
                continue
            alert = take_up(each, now_ns=now_ns, rests_ns=int(self._policy.restart_grace_s * NS_PER_S))
            if alert.resolved_ns is None:
                self._alerts[alert.key] = alert
            if not each.heard:
                self._tell(alert, now_ns)

    # -- how

    def _take_in(self, conditions: Iterable[Condition], now_ns: int) -> None:
        for condition in conditions:
            key = (condition.name, condition.subject)
            alert = self._alerts.get(key)
            if alert is None:
                if len(self._alerts) >= ALERTS_MAX:
                    self.dropped += 1
                    continue
                self._numbers += 1
                alert = self._alerts[key] = Alert(self._numbers, condition, now_ns)
            alert.seen_ns = now_ns
            alert.words = condition.words
            after_s = self._policy.after_s.get(condition.name, alert.kind.after_s)
            if not alert.fired and now_ns - alert.since_ns >= after_s * NS_PER_S:
                alert.fired = True
                self._tell(alert, now_ns)

    def _resolve(self, now_ns: int) -> None:
        for key, alert in list(self._alerts.items()):
            if alert.seen_ns == now_ns:
                continue
            if not alert.fired:  # it did not last
                del self._alerts[key]
            elif now_ns >= alert.rests_until_ns and now_ns - alert.seen_ns >= self._policy.resolve_after_s * NS_PER_S:
                alert.resolved_ns = now_ns
                del self._alerts[key]
                self._resolved.append(alert.view(self.runbook))
                self._tell(alert, now_ns)

    def _tell(self, alert: Alert, now_ns: int) -> None:
        self._news[alert.id] = alert
        self._owe(alert)
        if self._news_since_ns is None:
            self._news_since_ns = now_ns

    def _owe(self, alert: Alert) -> None:
        if len(self._unheard) >= UNHEARD_MAX:
            del self._unheard[next(iter(self._unheard))]
        self._unheard[alert.id] = alert
        self.version += 1

    def _due_news(self, now_ns: int) -> list[Message]:
        since_ns = self._news_since_ns
        if since_ns is None or now_ns - since_ns < self._policy.group_wait_s * NS_PER_S:
            return []
        severity = _worst(self._news.values())
        if not self._may_send(severity, now_ns):
            return []
        alerts = list(self._news.values())
        self._news.clear()
        self._news_since_ns = None
        return [self._message(Purpose.NEWS, alerts, now_ns)]

    def _reminders(self, now_ns: int) -> list[Message]:
        policy = self._policy
        open_alerts = [a for a in self._alerts.values() if a.told_ns is not None and a.acknowledged is None]
        late = [
            a
            for a in open_alerts
            if a.kind.severity is Severity.CRITICAL
            and a.escalations < policy.escalations_max
            and now_ns - (a.told_ns or 0) >= policy.escalate_after_s * NS_PER_S
        ]
        for alert in late:
            alert.escalations += 1
        old = [
            a for a in open_alerts if a not in late and now_ns - (a.told_ns or 0) >= policy.repeat_after_s * NS_PER_S
        ]
        batches = ((Purpose.ESCALATION, late), (Purpose.REMINDER, old))
        return [self._message(purpose, alerts, now_ns) for purpose, alerts in batches if alerts]

    def _may_send(self, severity: Severity, now_ns: int) -> bool:
        window_ns = self._policy.rate_window_s * NS_PER_S
        recent = sum(now_ns - sent_ns < window_ns for sent_ns in self._sent_ns)
        return recent < self._policy.rate_max * (2 if severity is Severity.CRITICAL else 1)

    def _message(self, purpose: Purpose, alerts: Sequence[Alert], now_ns: int) -> Message:
        self._sent_ns.append(now_ns)
        for alert in alerts:
            alert.told_ns = now_ns
            self._owe(alert)
        return Message(
            purpose=purpose,
            severity=_worst(alerts),
            firing=tuple(alert.view(self.runbook) for alert in alerts if alert.resolved_ns is None),
            resolved=tuple(alert.view(self.runbook) for alert in alerts if alert.resolved_ns is not None),
        )


def _worst(alerts: Iterable[Alert]) -> Severity:
    return Severity.CRITICAL if any(a.kind.severity is Severity.CRITICAL for a in alerts) else Severity.WARNING
