"""When a breaker opens, probes and closes."""

from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import NS_PER_MS
from firmquote.routing import Breaker, BreakerPolicy, BreakerState

POLICY = BreakerPolicy(cooldown_ms=1_000, cooldown_ms_max=4_000, jitter=0.0)


def opened(policy: BreakerPolicy = POLICY) -> Breaker:
    breaker = Breaker(policy, lambda: 0.5)
    for _ in range(policy.consecutive_failures):
        breaker.on_failure(0)
    assert BreakerState.OPEN is breaker.state
    return breaker


def test_four_failures_in_a_row_are_borne_and_the_fifth_opens() -> None:
    breaker = Breaker(POLICY, lambda: 0.5)
    for _ in range(4):
        breaker.on_failure(0)
    assert breaker.state.value == "closed"
    breaker.on_failure(0)
    assert breaker.state.value == "open"


def test_a_tenth_of_many_outcomes_opens_too() -> None:
    breaker = Breaker(POLICY, lambda: 0.5)
    for number in range(50):
        (breaker.on_failure(0) if number % 10 == 9 else breaker.on_success(0))
    assert BreakerState.OPEN is breaker.state


def test_nothing_goes_through_before_the_cooldown_and_one_probe_at_a_time_after_it() -> None:
    breaker = opened()
    assert not breaker.allows(1_000 * NS_PER_MS - 1)
    assert breaker.allows(1_000 * NS_PER_MS)
    assert BreakerState.HALF_OPEN is breaker.state
    assert not breaker.allows(1_000 * NS_PER_MS)


def test_three_good_probes_close_it() -> None:
    breaker = opened()
    for _ in range(3):
        assert breaker.allows(10_000 * NS_PER_MS)
        breaker.on_success(10_000 * NS_PER_MS)
    assert BreakerState.CLOSED is breaker.state


def test_each_failed_probe_doubles_the_cooldown_up_to_the_limit() -> None:
    breaker = opened()
    now_ns = 0
    for wait_ms in (1_000, 2_000, 4_000, 4_000):
        assert not breaker.allows(now_ns + wait_ms * NS_PER_MS - 1)
        now_ns += wait_ms * NS_PER_MS
        assert breaker.allows(now_ns)
        breaker.on_failure(now_ns)


def test_data_within_the_cooldown_prove_nothing_and_after_it_they_are_the_probes() -> None:
    breaker = opened()
    for _ in range(10):
        breaker.on_success(1_000 * NS_PER_MS - 1)
    assert BreakerState.OPEN is breaker.state
    for expected in (BreakerState.HALF_OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED):
        breaker.on_success(1_000 * NS_PER_MS)
        assert expected is breaker.state


def test_data_that_nobody_else_could_bring_are_probes_at_once() -> None:
    breaker = opened()
    breaker.on_success(1, early="nobody else could serve")
    assert BreakerState.HALF_OPEN is breaker.state


def test_a_failure_within_the_cooldown_does_not_lengthen_it() -> None:
    breaker = opened()
    for _ in range(10):
        breaker.on_failure(500 * NS_PER_MS)
    assert breaker.allows(1_000 * NS_PER_MS)


def test_a_probe_that_tells_nothing_of_the_provider_may_be_repeated_and_counts_neither_way() -> None:
    breaker = opened()
    assert breaker.allows(1_000 * NS_PER_MS)
    breaker.on_no_verdict(1_001 * NS_PER_MS)
    assert breaker.allows(1_001 * NS_PER_MS)
    assert BreakerState.HALF_OPEN is breaker.state
    breaker.on_failure(1_002 * NS_PER_MS)
    assert not breaker.allows(3_002 * NS_PER_MS - 1), "the second cooldown, as if there had been one probe"


events = st.lists(st.tuples(st.sampled_from(["ok", "bad", "ask", "nothing"]), st.integers(-200, 200)), max_size=100)


@given(events, st.floats(0, 0.999))
def test_whatever_happens_and_whatever_the_clock_does_it_refuses_no_longer_than_its_longest_cooldown(
    steps: list[tuple[str, int]], chance: float
) -> None:
    breaker = Breaker(BreakerPolicy(), lambda: chance)
    now_ns = 0
    for step, seconds in steps:
        now_ns += seconds * 1_000 * NS_PER_MS
        if step == "ask":
            breaker.allows(now_ns)
        elif step == "nothing":
            breaker.on_no_verdict(now_ns)
        else:
            breaker.on_success(now_ns) if step == "ok" else breaker.on_failure(now_ns)
    assert breaker.allows(now_ns) or breaker.allows(now_ns + BreakerPolicy().cooldown_ms_max * NS_PER_MS)


@given(st.lists(st.sampled_from(["ok", "bad", "ask"]), max_size=200), st.floats(0, 0.999))
def test_an_open_breaker_never_lets_two_requests_out_at_once(steps: list[str], chance: float) -> None:
    breaker = Breaker(BreakerPolicy(), lambda: chance)
    asked_ns: int | None = None
    for number, step in enumerate(steps):
        now_ns = number * 10_000 * NS_PER_MS
        if step == "ask":
            if breaker.allows(now_ns) and breaker.state is not BreakerState.CLOSED:
                lost_ns = BreakerPolicy().cooldown_ms_max * NS_PER_MS
                assert asked_ns is None or now_ns - asked_ns >= lost_ns, "one whose outcome never came counts as lost"
                asked_ns = now_ns
        else:
            asked_ns = None
            breaker.on_success(now_ns) if step == "ok" else breaker.on_failure(now_ns)
