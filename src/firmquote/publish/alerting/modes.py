"""Every way in which the system is known to fail: how it is seen, who is told, what happens by itself, how it is tried.

`docs/failure-modes.md` is made from this. A drill is a test, by its node id: of `make test`, or of `make proof`.
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
_PROCESS = "tests/runtime/test_alerts_of_a_process.py::"
_QUALITY = "tests/lab/test_quality_drill.py::test_each_class_of_wrong_quotes_is_caught_in_time_and_never_firm_for_long"
_THREE = "tests/scenarios/test_three_providers.py::"
_ARRIVES = "tests/runtime/test_alerting.py::test_each_alert_is_fired_by_its_real_fault_arrives_once_and_resolves"

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
        drill=_ARRIVES,
    ),
    FailureMode(
        name="wrong prices, sizes or symbols", alert="provider_unfit",
        detection="bands confirmed by others; consensus, ratios, sizes and repeats, each look on the timer",
        reaction="refused before the board; the provider loses the symbol to the next that is fit",
        drill=_QUALITY,
    ),
    FailureMode(
        name="a split that only one side has applied", alert="quarantine",
        detection="a level that differs by a split's ratio or a hundred, and nobody to confirm either",
        reaction="grade none for the symbol, and no failover back and forth",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="our own clock wrong", alert="own_clock_wrong",
        detection="the least delays of all streams are off by the same",
        reaction="nobody is blamed",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="our own clock stepped", alert="clock_step",
        detection="wall against monotonic, every 50 ms",
        reaction="ages go on by the monotonic clock; the new time is taken when the providers' times fit it",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="a gate fails", alert="rolled_back",
        detection="`breaches_to_roll_back` failing evaluations of one gate in a row",
        reaction="one stage back, or to shadow for the worst; nothing is promoted while it cools off",
        drill="tests/scenarios/test_safety_drills.py::"
        "test_a_rollout_arrives_at_full_and_a_breach_rolls_it_back_by_name",
    ),
    FailureMode(
        name="one symbol mismatches", alert="symbol_withheld",
        detection="a sequential test of its own prices against another provider's",
        reaction="the symbol alone stays in shadow",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="a decision asks the network", alert="hotpath_violation",
        detection="Python's audit hook, and every live call of our own, while a decision is made",
        reaction="the call is refused; in strict mode live quotes stop at once, else after repeated breaches",
        drill="tests/scenarios/test_hotpath_protection.py::"
        "test_in_strict_mode_the_first_live_call_stops_live_quotes_until_an_operator_releases_them",
    ),
    FailureMode(
        name="the operator is gone", alert="lease_expired",
        detection="the dead man's lease is not renewed for `dead_man_s`",
        reaction="risk is only reduced, then everything is off",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="the process dies", alert="unclean_start",
        detection="the state does not say that its process ended",
        reaction="systemd starts it again; switches, orders and alerts stand, the rollout is one stage lower",
        drill=f"{_PROCESS}test_a_process_that_is_stopped_killed_and_started_again",
    ),
    FailureMode(
        name="a state file is damaged", alert="state_unreadable",
        detection="it does not decode at the start",
        reaction="put aside; switches count as engaged, the rollout begins in shadow, alerts are told again",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="the audit trail is touched", alert="audit_broken",
        detection="every byte against its hashes, at the start and every `alerts.audit_verify_every_s`",
        reaction="none: it is evidence; new records go on after it",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="corporate actions told differently", alert="actions_conflict",
        detection="two contents for one action, or two splits within two weeks",
        reaction="none of them is applied until the operator or the file says",
        drill=_ARRIVES,
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
        drill=_ARRIVES,
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
        drill=_QUALITY,
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
        drill=f"{_PROCESS}test_a_process_that_is_stopped_killed_and_started_again",
    ),
    FailureMode(
        name="budget runs low", alert="budget_low",
        detection="15 % left of a day or a month",
        reaction="lower tiers slow first, then only positions are asked for",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="budget spent", alert="budget_spent",
        detection="the governor refuses",
        reaction="no request leaves; a provider that has budget serves",
        drill=_ARRIVES,
    ),
    FailureMode(
        name="ledger unusable", alert="ledger_unusable",
        detection="SQLite refuses, the file is damaged, the disk is full or read-only",
        reaction="counts as spent: polling stops, streams go on",
        drill=_ARRIVES,
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
        drill=_ARRIVES,
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
        detection="`firmquote alerts guard` asks it from outside; a heartbeat that stays away; Prometheus: `up == 0`",
        reaction="systemd starts it again: a crash at once, a hang after the watchdog's 30 s",
        drill=f"{_PROCESS}test_a_process_that_is_stopped_killed_and_started_again",
    ),
)  # fmt: skip
