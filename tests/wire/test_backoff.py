"""Delays grow, are capped, and are forgiven only by data that lasts."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.wire import Backoff, BackoffPolicy

POLICY = BackoffPolicy(first_ms=200, factor=2, cap_ms=30_000, jitter=0.5, stable_s=10)


@given(st.integers(0, 2**32), st.integers(1, 100))
def test_a_delay_lies_within_its_jitter_and_below_the_cap(seed: int, attempts: int) -> None:
    backoff = Backoff(POLICY, Random(seed))
    for attempt in range(attempts):
        nominal_ns = min(200 * 2 ** min(attempt, 32), 30_000) * NS_PER_MS
        assert nominal_ns // 2 - 1 <= backoff.next_delay_ns() <= nominal_ns


def test_connecting_and_logging_in_forgive_nothing() -> None:
    backoff = Backoff(POLICY, Random(1))
    for _ in range(5):
        backoff.next_delay_ns()
    assert backoff.attempts == 5


def test_data_that_lasts_starts_the_delays_over() -> None:
    backoff = Backoff(POLICY, Random(1))
    backoff.next_delay_ns()
    backoff.on_data(0)
    backoff.on_data(10 * NS_PER_S - 1)
    assert backoff.attempts == 1
    backoff.on_data(10 * NS_PER_S)
    assert backoff.attempts == 0


def test_data_of_an_earlier_connection_does_not_count() -> None:
    backoff = Backoff(POLICY, Random(1))
    backoff.next_delay_ns()
    backoff.on_data(0)
    backoff.next_delay_ns()
    backoff.on_data(11 * NS_PER_S)
    assert backoff.attempts == 2


def test_the_providers_own_wish_is_a_lower_bound() -> None:
    assert Backoff(POLICY, Random(1)).next_delay_ns(retry_after_s=60) == 60 * NS_PER_S
