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
        (breaker.on_failure(0) if number % 10 == 9 else breaker.on_success())
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
        breaker.on_success()
    assert BreakerState.CLOSED is breaker.state


def test_each_failed_probe_doubles_the_cooldown_up_to_the_limit() -> None:
    breaker = opened()
    now_ns = 0
    for wait_ms in (1_000, 2_000, 4_000, 4_000):
        assert not breaker.allows(now_ns + wait_ms * NS_PER_MS - 1)
        now_ns += wait_ms * NS_PER_MS
        assert breaker.allows(now_ns)
        breaker.on_failure(now_ns)


@given(st.lists(st.sampled_from(["ok", "bad", "ask"]), max_size=200), st.floats(0, 0.999))
def test_an_open_breaker_never_lets_two_requests_out_at_once(steps: list[str], chance: float) -> None:
    breaker = Breaker(BreakerPolicy(), lambda: chance)
    asked = 0
    for number, step in enumerate(steps):
        now_ns = number * 10_000 * NS_PER_MS
        if step == "ask":
            asked += breaker.allows(now_ns) and breaker.state is not BreakerState.CLOSED
            assert asked <= 1
        else:
            asked = 0
            breaker.on_success() if step == "ok" else breaker.on_failure(now_ns)
