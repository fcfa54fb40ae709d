"""Alerts, the deciding half: what is wrong, whom to tell, how often. Pure; `runtime` watches and delivers."""

from firmquote.publish.alerting.alert import SCHEMA, KeptAlert, KeptAlerts
from firmquote.publish.alerting.desk import ALERTS_MAX, AlertDesk, Message, Purpose
from firmquote.publish.alerting.kinds import KINDS, AlertKind
from firmquote.publish.alerting.modes import MODES, FailureMode
from firmquote.publish.alerting.policy import AlertPolicy, ChannelPolicy, HeartbeatPolicy
from firmquote.publish.alerting.rules import AlertRules
from firmquote.publish.alerting.situation import Condition, Role, Situation
from firmquote.publish.alerting.words import body, title, wants

__all__ = [
    "ALERTS_MAX",
    "KINDS",
    "MODES",
    "SCHEMA",
    "AlertDesk",
    "AlertKind",
    "AlertPolicy",
    "AlertRules",
    "ChannelPolicy",
    "Condition",
    "FailureMode",
    "HeartbeatPolicy",
    "KeptAlert",
    "KeptAlerts",
    "Message",
    "Purpose",
    "Role",
    "Situation",
    "body",
    "title",
    "wants",
]
