"""The alert desk in virtual time: once, grouped, bounded, resolved, escalated until somebody takes it."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S
from firmquote.model.alerts import Severity
from firmquote.publish.alerting import (
    ALERTS_MAX,
    AlertDesk,
    AlertPolicy,
    Condition,
    KeptAlert,
    KeptAlerts,
    Message,
    Purpose,
)

POLICY = AlertPolicy(group_wait_s=2, resolve_after_s=5, after_s={"provider_degraded": 30})
LOST = Condition("provider_failed", "polygon", "connection lost")
FAILOVER = Condition("failover", "quotes", "alphavantage serves in place of polygon")
NOBODY = Condition("no_live_provider", "", "mock serves")


class Night:
    """A desk and its seconds."""

    def __init__(self, policy: AlertPolicy = POLICY) -> None:
        self.desk = AlertDesk(policy, "http://gateway/runbook/")
        self.now_s = 0
        self.sent: list[tuple[int, Message]] = []

    def pass_(self, seconds: int, *conditions: Condition) -> list[Message]:
        """Let seconds pass in which `conditions` hold, and return what was sent."""
        before = len(self.sent)
        for _ in range(seconds):
            messages = self.desk.observe(conditions, self.now_s * NS_PER_S)
            self.sent += [(self.now_s, message) for message in messages]
            self.now_s += 1
        return [message for _, message in self.sent[before:]]


def names(message: Message) -> tuple[list[str], list[str]]:
    return [alert.name for alert in message.firing], [alert.name for alert in message.resolved]


def test_an_alert_is_told_once_while_it_lasts_and_once_when_it_is_over() -> None:
    night = Night()
    (news,) = night.pass_(600, LOST)
    assert names(news) == (["provider_failed"], [])
    (over,) = night.pass_(600)
    assert names(over) == ([], ["provider_failed"])
    assert over.resolved[0].resolved_ns == 604 * NS_PER_S  # last seen at 599, gone for 5 s


def test_what_comes_together_is_one_message() -> None:
    night = Night()
    night.pass_(1, LOST)
    (news,) = night.pass_(5, LOST, FAILOVER)
    assert names(news) == (["provider_failed", "failover"], [])


def test_what_came_and_went_before_it_was_told_is_told_as_over() -> None:
    night = Night(AlertPolicy(group_wait_s=20, resolve_after_s=2))
    night.pass_(3, LOST)
    (news,) = night.pass_(30)
    assert names(news) == ([], ["provider_failed"])


def test_a_condition_that_does_not_last_is_no_alert() -> None:
    night = Night()
    flicker = Condition("provider_degraded", "polygon", "slow")
    assert night.pass_(29, flicker) == []
    assert night.pass_(60) == []
    assert len(night.pass_(40, flicker)) == 1


def test_a_flapping_condition_is_one_alert_as_long_as_its_pauses_are_short() -> None:
    night = Night()
    for _ in range(20):
        night.pass_(4, LOST)
        night.pass_(4)
    assert [names(message) for _, message in night.sent] == [(["provider_failed"], [])]


def test_above_the_rate_limit_messages_wait_and_become_one() -> None:
    night = Night(AlertPolicy(group_wait_s=0, resolve_after_s=0, rate_max=3, rate_window_s=60))
    subjects = [Condition("quotes_refused", f"p{number}", "crossed") for number in range(20)]
    for condition in subjects:
        night.pass_(1, condition)
    assert len(night.sent) == 3
    (held,) = night.pass_(60)
    told = {alert.subject for _, message in night.sent for alert in (*message.firing, *message.resolved)}
    assert told == {condition.subject for condition in subjects}, "held, not lost"
    assert len(held.resolved) >= 17


def test_a_critical_alert_may_pass_where_warnings_wait() -> None:
    night = Night(AlertPolicy(group_wait_s=0, resolve_after_s=0, rate_max=1, rate_window_s=60))
    night.pass_(1, LOST)
    assert night.pass_(1, LOST, FAILOVER) == []
    (news,) = night.pass_(1, LOST, FAILOVER, NOBODY)
    assert (news.severity, names(news)[0]) == (Severity.CRITICAL, ["failover", "no_live_provider"])


def test_a_critical_alert_that_nobody_takes_is_escalated_a_bounded_number_of_times() -> None:
    night = Night(AlertPolicy(escalate_after_s=60, escalations_max=3, repeat_after_s=100_000))
    night.pass_(1_000, NOBODY, LOST)
    escalations = [(at_s, names(m)[0]) for at_s, m in night.sent if m.purpose is Purpose.ESCALATION]
    assert escalations == [(at_s, ["no_live_provider"]) for at_s in (62, 122, 182)], "a warning is never escalated"


def test_who_takes_an_alert_is_shown_and_stops_its_escalation_until_it_comes_again() -> None:
    night = Night(AlertPolicy(escalate_after_s=60, repeat_after_s=300))
    (news,) = night.pass_(30, NOBODY)
    taken = night.desk.acknowledge(news.firing[0].id, "ada", "calling the provider", 30 * NS_PER_S)
    assert (taken.state, taken.acknowledged_by) == ("acknowledged", "ada")
    assert night.pass_(1_000, NOBODY) == []
    assert [names(message) for message in night.pass_(20)] == [([], ["no_live_provider"])]
    again = night.pass_(100, NOBODY)
    assert [message.purpose for message in again] == [Purpose.NEWS, Purpose.ESCALATION]


def test_an_old_alert_is_reminded_of_rarely() -> None:
    night = Night(AlertPolicy(repeat_after_s=3600))
    night.pass_(3 * 3600 + 100, LOST)
    assert [(at_s, message.purpose) for at_s, message in night.sent[1:]] == [
        (2 + 3600 * hour, Purpose.REMINDER) for hour in (1, 2, 3)
    ]


def test_an_alert_that_does_not_fire_cannot_be_taken() -> None:
    with pytest.raises(ConfigError, match="alert 7 does not fire. Firing now: none."):
        Night().desk.acknowledge(7, "ada", "why", 0)


def test_each_alert_links_its_section() -> None:
    (news,) = Night().pass_(5, LOST)
    assert news.firing[0].runbook == "http://gateway/runbook/provider_failed"


def test_more_conditions_than_the_limit_are_counted_and_shown_when_there_is_room() -> None:
    night = Night()
    many = [Condition("quotes_refused", f"p{number}", "crossed") for number in range(ALERTS_MAX + 5)]
    night.pass_(3, *many)
    assert (len(night.desk.firing()), night.desk.dropped) == (ALERTS_MAX, 15)
    night.pass_(10, *many[5:])
    assert many[-1].subject in {alert.subject for alert in night.desk.firing()}


def test_a_delay_for_an_alert_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="alerts.after_s: provider_lost is no alert"):
        AlertPolicy(after_s={"provider_lost": 3})


SETS = st.lists(st.sets(st.sampled_from([LOST, FAILOVER, NOBODY])), max_size=80)


@given(SETS)
def test_every_alert_is_told_as_firing_before_over_and_never_twice(seconds: Sequence[set[Condition]]) -> None:
    night = Night(AlertPolicy(group_wait_s=3, resolve_after_s=4, repeat_after_s=10_000, escalate_after_s=10_000))
    for conditions in seconds:
        night.pass_(1, *conditions)
    night.pass_(200)
    fired = [alert.id for _, message in night.sent for alert in message.firing]
    over = [alert.id for _, message in night.sent for alert in message.resolved]
    assert len(set(fired)) == len(fired)
    assert len(set(over)) == len(over)
    assert set(fired) <= set(over), "all is over at the end"
    assert night.desk.firing() == []


def restarted(night: Night, policy: AlertPolicy = POLICY) -> Night:
    """A new process, which knows no more than what was stored."""
    after = Night(policy)
    after.now_s = night.now_s + 10
    after.desk.take_up(
        msgspec.json.decode(msgspec.json.encode(night.desk.kept()), type=KeptAlerts), after.now_s * NS_PER_S
    )
    return after


def heard(night: Night, messages: Sequence[Message]) -> Sequence[Message]:
    for message in messages:
        night.desk.confirm(message)
    return messages


def test_after_a_restart_what_was_taken_stays_taken_and_keeps_its_number() -> None:
    night = Night(AlertPolicy(escalate_after_s=60, repeat_after_s=300))
    (news,) = heard(night, night.pass_(30, NOBODY))
    night.desk.acknowledge(news.firing[0].id, "ada", "on it", 30 * NS_PER_S)
    after = restarted(night, AlertPolicy(escalate_after_s=60, repeat_after_s=300))
    assert after.pass_(1_000, NOBODY) == []
    (alert,) = after.desk.firing()
    assert (alert.id, alert.acknowledged_by, alert.since_ns) == (news.firing[0].id, "ada", 0)
    assert after.pass_(10, NOBODY, LOST)[0].firing[0].id == alert.id + 1


def test_an_escalation_comes_at_its_time_although_the_process_restarts() -> None:
    policy = AlertPolicy(escalate_after_s=60, escalations_max=1, repeat_after_s=100_000)
    night = Night(policy)
    heard(night, night.pass_(30, NOBODY))
    after = restarted(night, policy)
    after.pass_(100, NOBODY)
    assert [(at_s, message.purpose) for at_s, message in after.sent] == [(62, Purpose.ESCALATION)]
    heard(after, [message for _, message in after.sent])
    again = restarted(after, policy)
    assert again.pass_(200, NOBODY) == [], "and it is not escalated anew"


def test_what_no_channel_took_is_told_again_after_a_restart_and_nothing_else_is() -> None:
    night = Night()
    heard(night, night.pass_(10, LOST))
    night.pass_(10, LOST, FAILOVER)
    after = restarted(night)
    assert [names(message) for message in after.pass_(60, LOST, FAILOVER)] == [(["failover"], [])]


def test_what_has_ended_while_nobody_looked_resolves_once_and_not_before_all_was_seen() -> None:
    night = Night()
    heard(night, night.pass_(10, LOST))
    after = restarted(night, AlertPolicy(restart_grace_s=30))
    assert after.pass_(30) == []
    assert [names(message) for message in after.pass_(100)] == [([], ["provider_failed"])]


def test_an_end_that_nobody_heard_of_is_told_after_a_restart() -> None:
    night = Night()
    heard(night, night.pass_(10, LOST))
    night.pass_(20)
    after = restarted(night)
    assert [names(message) for message in after.pass_(60)] == [([], ["provider_failed"])]
    assert after.desk.firing() == []


def test_a_clock_that_was_ahead_before_the_restart_delays_no_escalation() -> None:
    policy = AlertPolicy(escalate_after_s=60)
    night = Night(policy)
    night.now_s = 1_000_000
    heard(night, night.pass_(30, NOBODY))
    after = Night(policy)
    after.desk.take_up(night.desk.kept(), 0)
    assert Purpose.ESCALATION in {message.purpose for message in after.pass_(100, NOBODY)}


def test_an_alert_of_another_release_is_left_out() -> None:
    kept = KeptAlerts(
        numbers=9, alerts=(KeptAlert(id=9, name="moon_full", subject="", words="", since_ns=0),), sent_ns=()
    )
    night = Night()
    night.desk.take_up(kept, 0)
    assert night.desk.firing() == []


@given(SETS, st.integers(0, 79))
def test_a_restart_at_any_second_repeats_nothing_that_was_heard(seconds: Sequence[set[Condition]], at: int) -> None:
    policy = AlertPolicy(group_wait_s=3, resolve_after_s=4, repeat_after_s=10_000, escalate_after_s=10_000)
    night = Night(policy)
    told: list[Message] = []
    for number, conditions in enumerate(seconds):
        if number == at:
            night = restarted(night, policy)
        told += heard(night, night.pass_(1, *conditions))
    told += heard(night, night.pass_(200))
    fired = [alert.id for message in told for alert in message.firing]
    over = [alert.id for message in told for alert in message.resolved]
    assert len(set(fired)) == len(fired)
    assert len(set(over)) == len(over)
    assert set(fired) <= set(over)
