"""The switchboard: engaging always works, releasing is an act of its own, and what is unknown counts as engaged."""

from collections.abc import Iterable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from firmquote.errors import ConfigError, RefusedError
from firmquote.model import NS_PER_S
from firmquote.safety import NO_RESTRICTIONS, Engagement, Source, Switchboard, SwitchPolicy, restrict

POLICY = SwitchPolicy()


def board(policy: SwitchPolicy = POLICY, *, stored: Iterable[Engagement] = ()) -> Switchboard:
    made = Switchboard(policy, providers=("polygon", "mock"), symbols=("IBM", "SPY"), now_ns=0)
    made.restore(stored)
    return made


def engage(
    made: Switchboard, name: str, *, source: Source = Source.API, now_s: float = 0, for_s: float | None = None
) -> None:
    for_ns = None if for_s is None else int(for_s * NS_PER_S)
    made.engage(name, source=source, by="ann", reason="test", now_ns=int(now_s * NS_PER_S), for_ns=for_ns)


def release(made: Switchboard, name: str, *, by: str = "ann", now_s: float = 0) -> list[str]:
    return [change.kind for change in made.release(name, by=by, reason="well again", now_ns=int(now_s * NS_PER_S))]


def names(made: Switchboard) -> list[str]:
    return [engagement.name for engagement in made.engaged()]


def test_a_switch_stays_until_it_is_released() -> None:
    made = board()
    engage(made, "quotes")
    made.advance(10**18)
    assert made.restrictions.quotes_off
    assert release(made, "quotes") == ["released"]
    assert made.restrictions == NO_RESTRICTIONS


def test_pulling_it_again_changes_nothing() -> None:
    made = board()
    engage(made, "quotes")
    assert made.engage("quotes", source=Source.API, by="bob", reason="too", now_ns=5) == []
    assert [e.by for e in made.engaged()] == ["ann"]


def test_with_a_time_it_releases_itself_then_and_not_before() -> None:
    made = board()
    engage(made, "quotes", for_s=10)
    assert made.advance(10 * NS_PER_S - 1) == []
    assert [change.kind for change in made.advance(10 * NS_PER_S)] == ["expired"]
    assert made.restrictions == NO_RESTRICTIONS


def test_pulled_again_it_holds_for_the_longer_time() -> None:
    made = board()
    engage(made, "quotes", for_s=10)
    engage(made, "quotes", for_s=5)
    assert [e.expires_ns for e in made.engaged()] == [10 * NS_PER_S]
    engage(made, "quotes", for_s=20)
    assert [e.expires_ns for e in made.engaged()] == [20 * NS_PER_S]
    engage(made, "quotes")
    assert [e.expires_ns for e in made.engaged()] == [None]


def test_while_any_source_holds_it_it_is_engaged_and_one_release_frees_all() -> None:
    made = board()
    engage(made, "quotes", for_s=10)
    engage(made, "quotes", source=Source.GUARD)
    made.advance(11 * NS_PER_S)
    assert made.restrictions.quotes_off
    assert release(made, "quotes", now_s=12) == ["released"]
    assert made.restrictions == NO_RESTRICTIONS


def test_what_a_file_still_says_cannot_be_released_and_what_it_no_longer_says_must_be() -> None:
    made = board()
    made.state(Source.FILE, ["quotes"], where="/switches", now_ns=0)
    with pytest.raises(RefusedError, match="still engaged by the file"):
        release(made, "quotes")
    made.state(Source.FILE, [], where="/switches", now_ns=1)
    assert made.restrictions.quotes_off
    assert release(made, "quotes") == ["released"]


def test_a_file_with_a_name_that_is_no_switch_is_taken_as_a_whole_or_not_at_all() -> None:
    made = board()
    with pytest.raises(ConfigError, match="quots: no such switch"):
        made.state(Source.FILE, ["halts", "quots"], where="/switches", now_ns=0)
    assert names(made) == []


def test_a_source_that_cannot_be_read_counts_as_engaged() -> None:
    made = board()
    made.distrust(Source.FILE, "unreadable", now_ns=0)
    assert made.restrictions.all_off
    with pytest.raises(RefusedError, match="still engaged by the file"):
        release(made, "all")
    made.state(Source.FILE, [], where="/switches", now_ns=1)
    assert release(made, "all") == ["released"]


@pytest.mark.parametrize("name", ["provider:nobody", "symbol:XXX", "quote", "", "provider:"])
def test_a_name_that_is_no_switch_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(ConfigError, match="Choose one of quotes, halts"):
        engage(board(), name)


def test_what_is_not_engaged_cannot_be_released() -> None:
    with pytest.raises(RefusedError, match="quotes is not engaged"):
        release(board(), "quotes")


class TestSecondOperator:
    policy = SwitchPolicy(release_needs_second_operator=True, second_operator_within_s=60)

    def test_one_proposes_and_another_releases(self) -> None:
        made = board(self.policy)
        engage(made, "quotes")
        assert release(made, "quotes", by="ann") == ["proposed"]
        assert made.restrictions.quotes_off
        assert release(made, "quotes", by="bob", now_s=59) == ["released"]

    def test_nobody_is_his_own_second(self) -> None:
        made = board(self.policy)
        engage(made, "quotes")
        assert [release(made, "quotes", by="ann") for _ in range(3)] == [["proposed"]] * 3

    def test_a_proposal_does_not_last(self) -> None:
        made = board(self.policy)
        engage(made, "quotes")
        release(made, "quotes", by="ann")
        assert release(made, "quotes", by="bob", now_s=61) == ["proposed"]

    def test_pulled_again_the_proposal_is_void(self) -> None:
        made = board(self.policy)
        engage(made, "quotes")
        release(made, "quotes", by="ann")
        engage(made, "quotes", source=Source.FILE)
        assert release(made, "quotes", by="bob") == ["proposed"]


class TestDeadMan:
    policy = SwitchPolicy(dead_man_s=60, dead_man_all_s=90)

    def test_silence_means_reduce_only_and_then_all(self) -> None:
        made = board(self.policy)
        made.advance(59 * NS_PER_S)
        assert made.restrictions == NO_RESTRICTIONS
        made.advance(60 * NS_PER_S)
        assert made.restrictions == restrict([], reduce_only=True)
        made.advance(90 * NS_PER_S)
        assert made.restrictions.all_off

    def test_a_renewal_lifts_reduce_only_but_all_must_be_released(self) -> None:
        made = board(self.policy)
        made.advance(60 * NS_PER_S)
        made.renew(61 * NS_PER_S)
        made.advance(61 * NS_PER_S)
        assert made.restrictions == NO_RESTRICTIONS
        made.advance(151 * NS_PER_S)
        made.renew(152 * NS_PER_S)
        made.advance(152 * NS_PER_S)
        assert made.restrictions.all_off
        release(made, "all", now_s=153)
        made.advance(154 * NS_PER_S)
        assert made.restrictions == NO_RESTRICTIONS

    def test_without_a_lease_silence_means_nothing(self) -> None:
        made = board()
        assert made.lease_left_s(10**18) is None
        assert made.advance(10**18) == []

    @pytest.mark.parametrize(("first", "second"), [(60, 60), (60, 30), (None, 30)])
    def test_a_lease_that_makes_no_sense_is_refused(self, first: float | None, second: float) -> None:
        with pytest.raises(ConfigError):
            SwitchPolicy(dead_man_s=first, dead_man_all_s=second)


def test_what_was_stored_is_engaged_again_and_what_is_no_switch_any_more_is_said() -> None:
    before = board()
    engage(before, "symbol:IBM", for_s=30)
    engage(before, "provider:polygon")
    after = Switchboard(POLICY, providers=("mock",), symbols=("IBM",), now_ns=0)
    kinds = {change.name: change.kind for change in after.restore(before.engaged())}
    assert kinds == {"symbol:IBM": "restored", "provider:polygon": "dropped"}
    assert [change.kind for change in after.advance(30 * NS_PER_S)] == ["expired"]


NAMES = st.sampled_from(["quotes", "halts", "decisions", "force_mock", "all", "provider:polygon", "symbol:IBM"])


class Machine(RuleBasedStateMachine):
    """Whatever happens in whatever order: without a release or the end of its time nothing is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.made = board(SwitchPolicy(dead_man_s=40, dead_man_all_s=80))
        self.now_s = 0
        self.until: dict[tuple[str, Source], float] = {}
        self.stated: set[str] = set()

    @rule(name=NAMES, source=st.sampled_from([Source.API, Source.SIGNAL]), for_s=st.none() | st.integers(1, 50))
    def engage(self, name: str, source: Source, for_s: int | None) -> None:
        engage(self.made, name, source=source, now_s=self.now_s, for_s=for_s)
        until = float("inf") if for_s is None else self.now_s + for_s
        self.until[name, source] = max(until, self.until.get((name, source), 0))

    @rule(names=st.sets(NAMES, max_size=3))
    def state(self, names: set[str]) -> None:
        self.made.state(Source.FILE, names, where="f", now_ns=self.now_s * NS_PER_S)
        self.stated = names
        for name in names:
            self.until[name, Source.FILE] = float("inf")

    @rule(name=NAMES)
    def release(self, name: str) -> None:
        try:
            release(self.made, name, now_s=self.now_s)
        except RefusedError:
            return
        assert name not in self.stated
        self.until = {key: until for key, until in self.until.items() if key[0] != name}

    @rule(by_s=st.integers(0, 30), renewed=st.booleans())
    def pass_time(self, by_s: int, renewed: bool) -> None:
        self.now_s += by_s
        if renewed:
            self.made.renew(self.now_s * NS_PER_S)
        self.made.advance(self.now_s * NS_PER_S)
        self.until = {key: until for key, until in self.until.items() if until > self.now_s}

    @invariant()
    def what_is_held_is_in_effect(self) -> None:
        held = {name for name, _ in self.until}
        assert held <= set(names(self.made))
        least = restrict(held)
        found = self.made.restrictions
        for field in ("all_off", "quotes_off", "halts_off", "decisions_off", "force_mock", "reduce_only"):
            assert getattr(found, field) >= getattr(least, field)
        assert least.providers_off <= found.providers_off
        assert least.symbols_off <= found.symbols_off

    @invariant()
    def nothing_else_is_in_effect(self) -> None:
        held = {name for name, _ in self.until}
        others = {(e.name, e.source) for e in self.made.engaged() if e.name not in held}
        assert all(source is Source.DEAD_MAN for _, source in others)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=30)
