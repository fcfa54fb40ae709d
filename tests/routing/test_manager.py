"""ProviderManager: from what happens to lines to who serves."""

import pytest

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_MS
from firmquote.routing import Blame, Change, ElectionPolicy, Outcome, ProviderManager, RoutingPolicy

POLICY = RoutingPolicy(connect_grace_ms=10_000, election=ElectionPolicy(dwell_ms=2_000, failback_after_s=5))


class Managed:
    """A manager of `a`, `b` and the mock, driven second by second."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.manager = ProviderManager(["a", "b", "mock"], POLICY, chance=lambda: 0.5, now_ns=0)
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
    assert (change.before, change.after, change.cause) == ("a", "b", "a is failed")


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
