"""Who serves, as a pure function."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.routing import Candidate, ElectionPolicy, Serving, Status, elect

POLICY = ElectionPolicy(dwell_ms=2_000, failback_after_s=30, switches_max=3, switches_window_s=300)
NOW_NS = 1_000 * NS_PER_S


def candidate(name: str, rank: int, status: Status = Status.HEALTHY, usable_s: float = 100) -> Candidate:
    usable = status in (Status.HEALTHY, Status.DEGRADED)
    since_ns = NOW_NS - int(usable_s * NS_PER_S) if usable else None
    return Candidate(name=name, rank=rank, status=status, usable_since_ns=since_ns)


def winner(*candidates: Candidate, serving: str | None = "a", served_s: float = 100, switches: int = 0) -> str | None:
    recent = tuple(NOW_NS - NS_PER_S for _ in range(switches))
    state = Serving(name=serving, since_ns=NOW_NS - int(served_s * NS_PER_S), switches_ns=recent)
    return elect(candidates, state, POLICY, now_ns=NOW_NS).name


def test_an_unusable_provider_is_left_at_once_even_within_its_dwell() -> None:
    assert winner(candidate("a", 0, Status.FAILED), candidate("b", 1), served_s=0) == "b"


def test_one_that_is_still_connecting_is_given_its_grace() -> None:
    assert winner(candidate("a", 0, Status.CONNECTING), candidate("b", 1)) == "a"


def test_when_nobody_is_usable_nobody_moves() -> None:
    assert winner(candidate("a", 0, Status.FAILED), candidate("b", 1, Status.FAILED)) == "a"


def test_the_most_wanted_usable_one_takes_over() -> None:
    assert winner(candidate("a", 0, Status.FAILED), candidate("c", 2), candidate("b", 1)) == "b"


def test_the_wanted_one_comes_back_only_after_it_was_steady_for_long_enough() -> None:
    assert winner(candidate("a", 0, usable_s=29), candidate("b", 1), serving="b") == "b"
    assert winner(candidate("a", 0, usable_s=30), candidate("b", 1), serving="b") == "a"


def test_manual_failback_waits_for_the_operator() -> None:
    serving = Serving(name="b", since_ns=0)
    policy = ElectionPolicy(failback="manual")
    assert elect([candidate("a", 0), candidate("b", 1)], serving, policy, now_ns=NOW_NS).name == "b"


def test_a_degraded_one_is_left_for_a_healthy_one_after_its_dwell() -> None:
    degraded = candidate("a", 0, Status.DEGRADED)
    assert winner(degraded, candidate("b", 1), served_s=1) == "a"
    assert winner(degraded, candidate("b", 1), served_s=2) == "b"


def test_nobody_returns_to_a_wanted_provider_that_is_worse() -> None:
    assert winner(candidate("a", 0, Status.DEGRADED), candidate("b", 1), serving="b") == "b"


def test_flapping_roles_hold_still_unless_the_one_that_serves_is_unusable() -> None:
    assert winner(candidate("a", 0), candidate("b", 1), serving="b", switches=4) == "b"
    assert winner(candidate("a", 0), candidate("b", 1, Status.FAILED), serving="b", switches=4) == "a"


statuses = st.sampled_from(Status)
fields = st.lists(st.tuples(statuses, st.floats(0, 100)), min_size=1, max_size=5)


@given(fields, st.randoms(use_true_random=False), st.integers(0, 5), st.floats(0, 10), st.integers(0, 5))
def test_the_order_of_the_candidates_does_not_matter(
    found: Sequence[tuple[Status, float]], random: object, serving: int, served_s: float, switches: int
) -> None:
    candidates = [candidate(f"p{i}", i, status, usable_s) for i, (status, usable_s) in enumerate(found)]
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    options = {"serving": f"p{serving}", "served_s": served_s, "switches": switches}
    assert winner(*candidates, **options) == winner(*shuffled, **options)  # type: ignore[arg-type]  # one bundle


@given(fields, st.integers(0, 4))
def test_the_elected_one_is_usable_or_nobody_is(found: Sequence[tuple[Status, float]], serving: int) -> None:
    candidates = [candidate(f"p{i}", i, status, usable_s) for i, (status, usable_s) in enumerate(found)]
    name = winner(*candidates, serving=f"p{serving}")
    usable = {c.name for c in candidates if c.usable_since_ns is not None}
    connecting = {c.name for c in candidates if c.status is Status.CONNECTING}
    assert name in usable | connecting or not usable


@given(st.lists(st.lists(statuses, min_size=3, max_size=3), min_size=2, max_size=60))
def test_between_usable_providers_nobody_switches_faster_than_the_dwell(days: list[list[Status]]) -> None:
    serving = Serving(name="p0", since_ns=0)
    step_ns = 500 * NS_PER_MS
    for number, now in enumerate(days, start=1):
        now_ns = number * step_ns
        field = [
            Candidate(
                name=f"p{i}",
                rank=i,
                status=status,
                usable_since_ns=0 if status in (Status.HEALTHY, Status.DEGRADED) else None,
            )
            for i, status in enumerate(now)
        ]
        name = elect(field, serving, POLICY, now_ns=now_ns).name
        if name != serving.name:
            left = next(c for c in field if c.name == serving.name)
            assert left.usable_since_ns is None or now_ns - serving.since_ns >= POLICY.dwell_ms * NS_PER_MS
            serving = Serving(name=name, since_ns=now_ns, switches_ns=(*serving.switches_ns, now_ns))


def cut_off(name: str, rank: int) -> Candidate:
    return Candidate(name=name, rank=rank, status=Status.FAILED, usable_since_ns=None, cut_off=True)


def test_a_mute_provider_is_no_better_than_one_that_is_gone() -> None:
    mute = structs.replace(candidate("b", 1), mute=True)
    assert winner(candidate("a", 0, Status.FAILED), mute) == "a"
    assert winner(candidate("a", 0, Status.FAILED), mute, candidate("c", 2)) == "c"


def test_after_an_outage_of_everybody_the_first_one_back_must_stay_for_a_while_before_it_takes_the_role() -> None:
    assert winner(cut_off("a", 0), candidate("b", 1, usable_s=9.9)) == "a"
    assert winner(cut_off("a", 0), candidate("b", 1, usable_s=10)) == "b"


def test_made_up_prices_are_no_help_against_an_outage_of_everybody() -> None:
    mock = structs.replace(candidate("mock", 1), synthetic=True)
    assert winner(cut_off("a", 0), mock) == "a"
    assert winner(candidate("a", 0, Status.FAILED), mock) == "mock"


def test_a_degraded_provider_is_not_left_for_made_up_prices_and_made_up_prices_are_left_for_it() -> None:
    degraded = candidate("a", 0, Status.DEGRADED)
    mock = structs.replace(candidate("mock", 1), synthetic=True)
    assert winner(degraded, mock) == "a"
    assert winner(degraded, mock, serving="mock") == "a"
