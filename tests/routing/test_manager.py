"""ProviderManager: from what happens to lines to who serves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.routing import Blame, Change, ElectionPolicy, Outcome, Percentiles, ProviderManager, RoutingPolicy

POLICY = RoutingPolicy(connect_grace_ms=10_000, election=ElectionPolicy(dwell_ms=2_000, failback_after_s=5))


class Managed:
    """A manager of `a`, `b` and the mock, driven second by second."""

    def __init__(self, *others: str) -> None:
        self.now_ns = 0
        self.manager = ProviderManager(["a", "b", *others, "mock"], POLICY, chance=lambda: 0.5, now_ns=0)
        self.changes: list[Change] = []

    def after(self, seconds: float) -> "Managed":
        for _ in range(max(1, int(seconds * 10))):
            self.now_ns += 100 * NS_PER_MS
            self.changes += self.manager.advance({}, self.now_ns)
        return self

    def ready(self, *names: str) -> "Managed":
        for name in names:
            self.manager.on_ready(name, self.now_ns)
        return self

    def ask(self, name: str, *, ok: bool, times: int) -> "Managed":
        for _ in range(times):
            if not ok:
                self.manager.on_error(name, "server_error", "HTTP 500")
            self.manager.on_outcome(name, Outcome(at_ns=self.now_ns, ok=ok, latency_ns=5 * NS_PER_MS))
        return self

    def lose(self, *names: str) -> "Managed":
        for name in names:
            self.manager.on_lost(name, "connection reset", self.now_ns)
            self.manager.reconsider(self.now_ns)
        return self

    def stream(self, *names: str, seconds: int) -> "Managed":
        for _ in range(seconds):
            self.after(1)
            for name in names:
                self.manager.on_stream_second(name, brought_data=True, now_ns=self.now_ns)
        return self

    def breaker(self, name: str) -> str:
        return self.manager.members[name].breaker.state.value

    def blames(self) -> dict[str, str | None]:
        live = [member for member in self.manager.members.values() if not member.synthetic]
        return {member.name: None if member.blame is None else member.blame.value for member in live}

    def roles(self) -> dict[str, str]:
        return {name: self.manager.role(name) for name in ("a", "b", "mock")}


def test_the_configured_roles_are_the_first_ones() -> None:
    assert Managed().ready("a", "b").after(1).roles() == {"a": "active", "b": "warm", "mock": "mock"}


def test_the_active_one_has_its_grace_to_connect_and_no_more() -> None:
    managed = Managed().ready("b").after(9.8)
    assert managed.manager.serving == "a"
    assert managed.after(0.5).manager.serving == "b"


def test_a_lost_connection_moves_the_role_in_the_same_call() -> None:
    managed = Managed().ready("a", "b").after(1)
    managed.manager.on_lost("a", "the connection broke", managed.now_ns)
    managed.manager.reconsider(managed.now_ns)
    assert managed.roles() == {"a": "warm", "b": "active", "mock": "mock"}
    change = managed.manager.last_role_change
    assert change is not None
    assert (change.before, change.after, change.cause) == ("a", "b", "a is failed: the connection broke")


def test_the_mock_serves_when_nobody_else_can() -> None:
    managed = Managed().after(11)
    assert managed.manager.serving == "mock"
    assert managed.ready("b").after(6).manager.serving == "b", "and gives the role back"


def test_five_failures_in_a_row_open_the_breaker_and_move_the_role() -> None:
    managed = Managed().ready("a", "b").after(1).ask("a", ok=False, times=5).after(0.1)
    assert managed.manager.serving == "b"
    assert not managed.manager.allows("a", managed.now_ns)
    assert managed.manager.members["a"].why == "breaker open: HTTP 500"


def test_every_change_has_its_cause() -> None:
    managed = Managed().ready("a", "b").after(1).ask("a", ok=False, times=5).after(1)
    assert {"connection", "status", "breaker", "role"} == {change.kind for change in managed.changes}
    assert all(change.cause for change in managed.changes if change.kind != "status" or change.after == "failed")


def test_a_success_rate_below_the_policy_degrades_after_three_evaluations_and_not_before() -> None:
    managed = Managed().ready("a", "b").after(1).ask("a", ok=True, times=45).ask("a", ok=False, times=4)
    assert not managed.after(1).manager.members["a"].health.degraded
    assert managed.after(3).manager.members["a"].health.degraded
    assert managed.after(3).manager.serving == "b"


def test_an_outage_that_is_over_does_not_take_the_role_again() -> None:
    managed = Managed().ready("a", "b").after(1).ask("a", ok=True, times=40)
    managed.manager.on_lost("a", "the connection broke", managed.now_ns)
    for _ in range(12):
        managed.manager.on_stream_second("a", brought_data=False, now_ns=managed.after(1).now_ns)
    assert managed.manager.serving == "b"
    managed.ready("a").after(6)
    assert managed.manager.serving == "a", "steady for failback_after_s"
    for _ in range(30):
        managed.manager.on_stream_second("a", brought_data=True, now_ns=managed.after(1).now_ns)
        assert managed.manager.serving == "a"
    rate = managed.manager.members["a"].health.success_rate(managed.now_ns)
    assert rate is not None
    assert rate < POLICY.health.min_success_rate, "the outage is still shown"


def test_a_refused_provider_stays_out_whatever_else_happens() -> None:
    managed = Managed().ready("a", "b").after(1)
    managed.manager.on_refused("a", "refused_key", "authentication failed", managed.now_ns)
    assert managed.after(60).manager.serving == "b"
    assert managed.manager.members["a"].why == "authentication failed"


def test_activation_makes_the_choice_lasting() -> None:
    managed = Managed().ready("a", "b").after(1)
    change = managed.manager.activate("b", "test", managed.now_ns)
    assert change is not None
    assert managed.after(60).manager.serving == "b", "no failback against the operator's word"
    assert managed.manager.activate("b", "again", managed.now_ns) is None


def test_activation_of_what_cannot_serve_is_refused_with_the_reason() -> None:
    managed = Managed().ready("a").after(1)
    with pytest.raises(ConfigError, match="b is connecting"):
        managed.manager.activate("b", "test", managed.now_ns)
    with pytest.raises(ConfigError, match="c: no such provider here. Choose one of: a, b, mock"):
        managed.manager.activate("c", "test", managed.now_ns)


def test_a_quiet_second_on_an_open_stream_is_no_failure() -> None:
    managed = Managed().ready("a", "b").after(1)
    for _ in range(60):
        managed.manager.on_stream_second("a", brought_data=False, now_ns=managed.now_ns)
        managed.after(1)
    assert managed.manager.members["a"].health.success_rate(managed.now_ns) is None
    managed.manager.on_stream_second("a", brought_data=True, now_ns=managed.now_ns)
    assert managed.manager.members["a"].health.success_rate(managed.now_ns) == 1.0


def test_a_provider_whose_budget_is_spent_cannot_serve_until_it_has_some_again() -> None:
    managed = Managed().ready("a", "b").after(3)
    managed.manager.on_budget("a", "25 of 25 requests of the day are spent")
    assert managed.after(0.5).manager.serving == "b"
    assert managed.manager.members["a"].why == "25 of 25 requests of the day are spent"
    managed.manager.on_budget("a", None)
    assert managed.after(8).manager.serving == "a"


def test_a_spent_budget_moves_nothing_to_a_provider_without_budget() -> None:
    managed = Managed().ready("a", "b").after(3)
    managed.manager.on_budget("b", "spent")
    managed.manager.on_budget("a", "spent")
    assert managed.after(3).manager.serving != "b"


def unreached(managed: Managed, name: str, times: int = 1) -> None:
    for _ in range(times):
        managed.manager.on_unreached(name, Outcome(at_ns=managed.now_ns, ok=False, latency_ns=None))


def test_a_request_that_nobody_answers_while_nobody_is_heard_is_not_the_providers_failure() -> None:
    managed = Managed().ready("a", "b").after(1)
    managed.manager.on_mute({"b"})
    unreached(managed, "a", times=20)
    assert managed.after(1).manager.serving == "a"
    (told,) = [change for change in managed.changes if change.after == "cut off"]
    assert told.blame is Blame.NETWORK
    managed.ready("a").after(1)
    assert managed.changes[-1].cause == "it answers again"


def test_while_somebody_else_is_heard_it_is() -> None:
    managed = Managed().ready("a", "b").after(1)
    unreached(managed, "a", times=5)
    assert managed.after(1).manager.serving == "b"


def test_everybody_lost_together_keeps_the_role_and_whoever_is_back_first_stands_in() -> None:
    managed = Managed().ready("a", "b").after(1)
    managed.manager.on_mute({"a", "b"})
    for name in ("a", "b"):
        managed.manager.on_lost(name, "no answer to a ping", managed.now_ns)
    managed.after(5)
    managed.manager.on_mute(set())
    managed.ready("b").after(5)
    assert managed.manager.serving == "a"
    assert managed.manager.showing("IBM").order == ("b", "a")
    assert managed.manager.members["a"].blame is Blame.NETWORK
    assert managed.after(6).manager.serving == "b", "it has waited long enough"


@pytest.mark.parametrize(
    ("kind", "blame"), [("limited", Blame.KEY_OR_QUOTA), ("server_error", Blame.PROVIDER)], ids=["eviction", "error"]
)
def test_what_was_said_before_the_connection_broke_says_whose_fault_it_is(kind: str, blame: Blame) -> None:
    managed = Managed().ready("a", "b").after(1)
    managed.manager.on_error("a", kind, "max_connections")
    managed.manager.on_lost("a", "closed by the provider", managed.now_ns)
    assert managed.after(0.1).manager.members["a"].blame is blame


def test_a_provider_of_which_half_the_symbols_are_unfit_is_not_well() -> None:
    symbols = ["IBM", "SPY", "BAC", "AIG"]
    manager = ProviderManager(["a", "b", "mock"], POLICY, chance=lambda: 0.5, now_ns=0, symbols=symbols)
    for name in ("a", "b"):
        manager.on_ready(name, 0)
    manager.advance({}, 0)
    manager.on_line("a", "IBM", "silence", "frozen", 1)
    manager.advance({}, 1)
    assert manager.serving == "a"
    manager.on_line("a", "SPY", "silence", "frozen", 2)
    manager.advance({}, 2)
    assert (manager.serving, manager.members["a"].why) == ("b", "2 of its 4 symbols are unfit: frozen")


def test_a_probe_that_is_lost_while_nobody_is_heard_may_be_repeated_once_somebody_is() -> None:
    managed = Managed().ready("a", "b").after(1).ask("b", ok=False, times=5).after(40)
    assert managed.manager.allows("b", managed.now_ns), "the probe"
    managed.manager.on_mute({"a"})
    unreached(managed, "b")
    managed.manager.on_mute(set())
    assert managed.breaker("b") == "half_open"
    assert managed.after(1).manager.allows("b", managed.now_ns)


happenings = st.lists(
    st.tuples(
        st.sampled_from(["ok", "bad", "unreached", "mute", "heard", "ask", "lost", "ready"]), st.integers(0, 150)
    ),
    max_size=60,
)


@given(happenings)
def test_whatever_happens_nobody_is_refused_for_longer_than_the_longest_cooldown(steps: list[tuple[str, int]]) -> None:
    managed = Managed().ready("a", "b").after(0.1)
    manager = managed.manager
    for step, seconds in steps:
        managed.now_ns += seconds * NS_PER_S
        if step == "unreached":
            unreached(managed, "b")
        elif step in ("mute", "heard"):
            manager.on_mute({"a", "b"} if step == "mute" else set())
        elif step == "ask":
            manager.allows("b", managed.now_ns)
        elif step == "lost":
            managed.lose("a")
        elif step == "ready":
            managed.ready("a", "b")
        else:
            managed.ask("b", ok=step == "ok", times=1)
    longest_ns = POLICY.breaker.cooldown_ms_max * NS_PER_MS
    assert manager.allows("b", managed.now_ns) or manager.allows("b", managed.now_ns + longest_ns)


@pytest.mark.parametrize("apart_s", [0, 1.9], ids=["in the same instant", "within two seconds"])
def test_connections_that_are_reset_together_are_the_networks_fault_and_leave_the_roles_as_they_were(
    apart_s: float,
) -> None:
    managed = Managed().ready("a", "b").after(3).lose("a")
    if apart_s:
        managed.after(apart_s)
    assert managed.manager.serving == "b", "the first cannot know"
    managed.lose("b")
    assert managed.manager.serving == "a"
    assert managed.blames() == {"a": "network", "b": "network"}
    change = managed.manager.last_role_change
    assert change is not None
    assert (change.before, change.after, change.cause, change.blame) == (
        "b", "a", "a and b were lost together", Blame.NETWORK,
    )  # fmt: skip
    assert managed.after(60).manager.serving == "a", "and no made-up prices meanwhile"
    assert {change.provider for change in managed.changes if change.after == "cut off"} == {"a", "b"}


def test_a_cascade_of_three_is_taken_back_to_where_it_began() -> None:
    managed = Managed("c").ready("a", "b", "c").after(3).lose("a").after(0.5).lose("b").after(0.5)
    assert managed.manager.serving == "c"
    assert managed.lose("c").manager.serving == "a"
    assert managed.blames() == dict.fromkeys(("a", "b", "c"), "network")


def test_two_providers_that_fail_one_after_the_other_are_each_to_blame_and_the_mock_serves() -> None:
    managed = Managed().ready("a", "b").after(3).lose("a").after(2.2)
    managed.lose("b")
    assert managed.manager.serving == "mock"
    assert managed.blames() == {"a": "provider", "b": "provider"}


def test_one_that_was_down_already_is_no_witness_and_is_not_excused_by_the_loss_of_the_others() -> None:
    managed = Managed("c").ready("a", "b", "c").after(3).lose("a").stream("b", "c", seconds=30)
    managed.lose("b", "c")
    assert managed.blames() == {"a": "provider", "b": "network", "c": "network"}
    assert managed.manager.serving == "b", "who served when they were lost"
    assert managed.after(1).lose("a").blames()["a"] == "provider", "they were heard when it was down"


def test_an_operators_choice_is_not_taken_back_with_the_cascade() -> None:
    managed = Managed().ready("a", "b").after(3)
    managed.manager.activate("b", "test", managed.now_ns)
    assert managed.lose("a", "b").manager.serving == "b"


def test_who_stays_away_once_another_is_steady_again_is_to_blame_for_that() -> None:
    managed = Managed().ready("a", "b").after(3).lose("a", "b").after(5).ready("a").after(9)
    assert managed.lose("b").blames()["b"] == "network"
    assert managed.after(2).lose("b").after(0.1).blames()["b"] == "provider"


def test_a_polled_provider_that_fails_after_a_stream_has_long_been_down_does_not_excuse_it() -> None:
    managed = Managed().ready("a", "b").after(3).lose("a").after(60).ask("b", ok=True, times=1).after(12)
    managed.manager.on_mute({"b"})
    for _ in range(5):
        unreached(managed, "b")
        managed.lose("a").after(5)
    assert managed.blames() == {"a": "provider", "b": "provider"}
    managed.manager.on_mute(set())
    assert managed.after(1).manager.serving == "mock"


def broken(*names: str) -> Managed:
    """Return what five losses in a row leave of a provider that streamed, with the others well."""
    managed = Managed().ready("a", "b").stream("a", "b", seconds=3)
    for _ in range(5):
        managed.lose(*names).after(0.5)
    return managed.ready(*names)


def test_a_stream_that_delivers_for_some_seconds_is_taken_back_before_its_cooldown_ends_and_they_count() -> None:
    managed = broken("a").stream("a", "b", seconds=4)
    assert managed.breaker("a") == "open"
    managed.stream("a", "b", seconds=3)
    assert managed.breaker("a") == "half_open"
    managed.stream("a", "b", seconds=2).after(0.1)
    assert managed.breaker("a") == "closed"
    assert managed.manager.serving == "a", "it has been steady for longer than failback_after_s"


def test_a_stream_that_is_lost_every_few_seconds_stays_out() -> None:
    managed = broken("a")
    for _ in range(4):
        managed.stream("a", "b", seconds=4).lose("a").after(0.5).ready("a")
        assert managed.breaker("a") == "open"


def test_a_stream_that_nobody_can_stand_in_for_does_not_wait_for_its_cooldown() -> None:
    managed = Managed().ready("a").stream("a", seconds=3)
    for _ in range(5):
        managed.lose("a").after(0.5)
    assert managed.ready("a").stream("a", seconds=3).breaker("a") == "closed"


def test_each_state_of_a_breaker_is_told_with_what_brought_it_there() -> None:
    managed = Managed().ready("a", "b").after(1).ask("a", ok=False, times=5).after(31)
    for _ in range(3):
        assert managed.manager.allows("a", managed.now_ns)
        managed.ask("a", ok=True, times=1)
    managed.after(0.1)
    told = [(change.after, change.cause) for change in managed.changes if change.kind == "breaker"]
    assert told == [
        ("open", "5 failures in a row, the next probe in 30 s: HTTP 500"),
        ("half_open", "its cooldown is over"),
        ("closed", "3 good probes in a row"),
    ]


def test_a_degraded_provider_says_what_was_measured_and_the_limit_and_so_does_the_role_that_leaves_it() -> None:
    managed = Managed().ready("a", "b").after(1).ask("a", ok=True, times=45).ask("a", ok=False, times=4).after(5)
    words = "success rate 91.8% of 49 in 60 s, below 95.0%"
    assert managed.manager.members["a"].why == words
    change = managed.manager.last_role_change
    assert change is not None
    assert change.cause == f"a is degraded: {words}"


def test_slow_answers_say_how_slow() -> None:
    managed = Managed().ready("a", "b").after(1).ask("a", ok=True, times=45)
    for _ in range(4):
        managed.now_ns += NS_PER_S
        managed.manager.advance({"a": Percentiles(p95_ms=2_500)}, managed.now_ns)
    assert managed.manager.members["a"].why == "p95 latency 2,500 ms, above 2,000 ms"


def test_what_was_said_long_before_the_connection_broke_explains_nothing() -> None:
    managed = Managed().ready("a", "b").after(1)
    managed.manager.on_error("a", "limited", "slow down")
    for _ in range(5):
        managed.manager.on_stream_second("a", brought_data=False, now_ns=managed.after(1).now_ns)
    assert managed.lose("a").blames()["a"] == "provider"


def test_what_was_said_before_five_good_answers_explains_nothing() -> None:
    managed = Managed().ready("a", "b").after(1)
    managed.manager.on_error("a", "limited", "slow down")
    managed.ask("a", ok=True, times=5)
    unreached(managed, "a", times=5)
    assert managed.after(0.1).blames()["a"] == "provider"
