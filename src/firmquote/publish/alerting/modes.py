"""Every way in which the system is known to fail: how it is seen, who is told, what happens by itself, how it is tried.

`docs/failure-modes.md` is made from this. A drill is a command of `firmquote`, or a test of the suite by its node id.
"""

from msgspec import Struct


class FailureMode(Struct, frozen=True, kw_only=True):
    """One failure. `alert` is also the name of its runbook section."""

    name: str
    detection: str
    alert: str
    reaction: str
    drill: str


_SCENARIOS = "tests/scenarios/test_failover_scenarios.py::"
_ALERTS = "tests/runtime/test_alerting.py::"
_THREE = "tests/scenarios/test_three_providers.py::"
_ARRIVES = f"{_ALERTS}test_each_alert_is_fired_by_its_real_fault_arrives_once_and_resolves"

MODES = (
    FailureMode(
        name="connection lost", alert="provider_failed",
        detection="the socket closes or is reset",
        reaction="the warm line is on the board before the callback returns; reconnection with growing pauses",
        drill=f"{_SCENARIOS}test_a_lost_connection_leaves_every_symbol_with_a_usable_quote_at_every_moment",
    ),
    FailureMode(
        name="provider closes the stream politely", alert="provider_failed",
        detection="a close frame",
        reaction="as for a lost connection",
        drill=f"{_SCENARIOS}test_however_the_provider_ends_the_stream_it_is_opened_again",
    ),
    FailureMode(
        name="stream frozen without an error", alert="provider_silent",
        detection="one score of heartbeat, gaps, what others saw, standing times and lag",
        reaction="the role moves; it comes back after it has spoken for `failback_after_s`",
        drill=f"{_SCENARIOS}test_a_stream_that_freezes_without_an_error_loses_its_role_and_gets_it_back",
    ),
    FailureMode(
        name="key refused or revoked", alert="key_refused",
        detection="the provider's words at login, in a status message or in an answer",
        reaction="never tried again, so that the key is not locked; the role moves",
        drill=f"{_THREE}test_multi_provider_a_key_revoked_in_mid_session_moves_the_role_and_is_not_tried_again",
    ),
    FailureMode(
        name="polled provider unreachable", alert="provider_failed",
        detection="failed requests open its breaker",
        reaction="the role moves within ten seconds; careful probes",
        drill=f"{_SCENARIOS}test_a_polled_provider_that_cannot_be_reached_is_left_within_ten_seconds_and_probed_carefully",
    ),
    FailureMode(
        name="throttled", alert="provider_failed",
        detection="HTTP 429, or a quota notice with HTTP 200",
        reaction="polls pause for as long as the provider says; the warm provider serves",
        drill=f"{_SCENARIOS}test_a_quota_notice_pauses_the_polls_for_as_long_as_it_says",
    ),
    FailureMode(
        name="provider slow or erratic", alert="provider_degraded",
        detection="success rate or p95 outside the policy in three evaluations",
        reaction="a healthy provider is preferred once the dwell has passed",
        drill="tests/publish/alerting/test_rules.py::test_a_provider_that_is_only_slow_is_degraded",
    ),
    FailureMode(
        name="wrong prices, sizes or symbols", alert="provider_unfit",
        detection="bands confirmed by others; consensus, ratios, sizes and repeats, each look on the timer",
        reaction="refused before the board; the provider loses the symbol to the next that is fit",
        drill="firmquote drill quality",
    ),
    FailureMode(
        name="a split that only one side has applied", alert="quarantine",
        detection="a level that differs by a split's ratio or a hundred, and nobody to confirm either",
        reaction="grade none for the symbol, and no failover back and forth",
        drill="tests/runtime/test_quality_orders.py::"
        "test_a_factor_that_nobody_confirms_is_a_quarantine_that_ends_when_the_operator_believes_it",
    ),
    FailureMode(
        name="our own clock wrong or stepped", alert="own_clock_wrong",
        detection="the least delays of all streams are off by the same; wall against monotonic",
        reaction="nobody is blamed; ages go on by the monotonic clock",
        drill="tests/quality/test_clocks.py::test_who_is_off",
    ),
    FailureMode(
        name="corporate actions told differently", alert="actions_conflict",
        detection="two contents for one action, or two splits within two weeks",
        reaction="none of them is applied until the operator or the file says",
        drill="tests/runtime/test_corporate.py::"
        "test_an_action_that_sources_disagree_about_is_withheld_until_the_operator_settles_it",
    ),
    FailureMode(
        name="another provider serves", alert="failover",
        detection="the role is not where the configuration wants it",
        reaction="it comes back by itself with `failback: after`",
        drill=f"{_SCENARIOS}test_the_provider_comes_back_by_itself",
    ),
    FailureMode(
        name="roles flap", alert="flapping",
        detection="`switches_max` changes of role within `switches_window_s`",
        reaction="a usable provider is no longer left until it is calm",
        drill=f"{_ALERTS}test_a_standstill_of_our_own_and_a_role_that_moves_too_often",
    ),
    FailureMode(
        name="network or machine cut off", alert="cut_off",
        detection="every provider is lost or mute at once",
        reaction="nobody is blamed, no role moves; the board ages; connections are retried",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="no live provider left", alert="no_live_provider",
        detection="the mock, nobody, or a failed provider has the role",
        reaction="prices are graded `mock`; nothing can be opened",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="symbols without a usable quote", alert="symbols_unusable",
        detection="stale, mock or no quote for ten seconds in regular hours",
        reaction="the engine holds these symbols",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="impossible prices", alert="quotes_refused",
        detection="crossed, zero, far away, in the future: the share of refused prices",
        reaction="they never reach the board",
        drill="firmquote drill quality",
    ),
    FailureMode(
        name="unreadable messages", alert="messages_unreadable",
        detection="bytes that fit no known shape are counted",
        reaction="the message is dropped, its neighbours are kept, the stream goes on",
        drill=f"{_SCENARIOS}test_garbage_is_counted_and_ends_nothing",
    ),
    FailureMode(
        name="our own process stands still", alert="process_stalled",
        detection="a timer of 50 ms comes late by more than 250 ms",
        reaction="gaps are counted anew, and no provider is blamed",
        drill=f"{_ALERTS}test_a_standstill_of_our_own_and_a_role_that_moves_too_often",
    ),
    FailureMode(
        name="budget runs low", alert="budget_low",
        detection="15 % left of a day or a month",
        reaction="lower tiers slow first, then only positions are asked for",
        drill=f"{_ALERTS}test_a_budget_that_runs_out_is_told_of_before_and_when_it_is_spent",
    ),
    FailureMode(
        name="budget spent", alert="budget_spent",
        detection="the governor refuses",
        reaction="no request leaves; a provider that has budget serves",
        drill=f"{_ALERTS}test_a_budget_that_runs_out_is_told_of_before_and_when_it_is_spent",
    ),
    FailureMode(
        name="ledger unusable", alert="ledger_unusable",
        detection="SQLite refuses, the file is damaged, the disk is full or read-only",
        reaction="counts as spent: polling stops, streams go on",
        drill=f"{_ALERTS}test_a_ledger_that_cannot_be_opened_stops_the_spending_and_is_told_of",
    ),
    FailureMode(
        name="somebody pulled a switch", alert="switch_engaged",
        detection="API, command, file, environment or signal",
        reaction="off the board before the answer; stays until released with a reason",
        drill="tests/scenarios/test_switch_scenarios.py::"
        "test_each_switch_takes_its_quotes_off_the_board_before_the_answer_and_gives_them_back",
    ),
    FailureMode(
        name="switches or audit cannot be written", alert="state_unwritable",
        detection="writing and fsync fail",
        reaction="orders take effect in memory; every answer says that they are not on the disk",
        drill="tests/publish/alerting/test_rules.py::test_switches_that_are_not_on_the_disk",
    ),
    FailureMode(
        name="disk nearly full", alert="disk_low",
        detection="free space below `alerts.disk_free_mb_min`",
        reaction="none; spending and orders stop when it is full",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="nobody can be told", alert="channel_failing",
        detection="a channel takes no message in three tries",
        reaction="the other channels are used; it is tried again every half minute",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="the gateway itself is gone", alert="gateway_down",
        detection="the heartbeat stays away at the service that expects it; Prometheus: `up == 0`",
        reaction="systemd starts it again: a crash at once, a hang after the watchdog's 30 s",
        drill=f"{_ALERTS}test_the_heartbeat_comes_while_all_is_well_and_stops_with_the_gateway",
    ),
)  # fmt: skip
