"""What a message says, in words that can be read on a telephone at night."""

from firmquote.model import NS_PER_S
from firmquote.model.alerts import AlertView, Severity
from firmquote.publish.alerting.desk import Message, Purpose
from firmquote.publish.alerting.kinds import KINDS
from firmquote.publish.alerting.policy import ChannelPolicy

SHOWN_MAX = 20
"""Alerts written out in one message; the rest are counted."""
_PREFIX = {Purpose.NEWS: "", Purpose.REMINDER: "still: ", Purpose.ESCALATION: "NOT ACKNOWLEDGED: "}


def title(message: Message) -> str:
    """Return the subject line."""
    if not message.firing:
        names = ", ".join(_name(alert) for alert in message.resolved[:3])
        return f"[firmquote] resolved: {names}{_more(len(message.resolved), 3)}"
    names = ", ".join(_name(alert) for alert in message.firing[:3])
    return f"[firmquote] {message.severity.value}: {_PREFIX[message.purpose]}{names}{_more(len(message.firing), 3)}"


def body(message: Message) -> str:
    """Return the text: each alert with its evidence and the address of its runbook section."""
    parts = [_firing(alert) for alert in message.firing[:SHOWN_MAX]]
    parts += [_resolved(alert) for alert in message.resolved[:SHOWN_MAX]]
    hidden = max(0, len(message.firing) - SHOWN_MAX) + max(0, len(message.resolved) - SHOWN_MAX)
    if hidden:
        parts.append(f"And {hidden} more: firmquote alerts")
    return "\n\n".join(parts)


def wants(channel: ChannelPolicy, message: Message, *, any_escalation: bool) -> bool:
    """Say whether a message goes to this channel; an escalation goes to those meant for it, or to all."""
    if channel.min_severity is Severity.CRITICAL and message.severity is not Severity.CRITICAL:
        return False
    if message.purpose is Purpose.ESCALATION:
        return channel.escalation or not any_escalation
    return bool(message.firing) or channel.resolved


def _firing(alert: AlertView) -> str:
    kind = KINDS[alert.name]
    return (
        f"{alert.severity.upper()} {_name(alert)} (alert {alert.id})\n{alert.words}.\n{kind.means}\n"
        f"Do this: {alert.runbook}\nIt is mine: firmquote alerts ack {alert.id} --reason ..."
    )


def _resolved(alert: AlertView) -> str:
    assert alert.resolved_ns is not None, "only what has an end is told as over"
    lasted_s = (alert.resolved_ns - alert.since_ns) / NS_PER_S
    return f"RESOLVED {_name(alert)} (alert {alert.id}) after {lasted_s:.0f} s. It was: {alert.words}."


def _name(alert: AlertView) -> str:
    return f"{alert.name} {alert.subject}".strip()


def _more(count: int, shown: int) -> str:
    return f" and {count - shown} more" if count > shown else ""
