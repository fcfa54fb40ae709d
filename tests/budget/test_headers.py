"""What a provider's headers say, and what nonsense they may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.budget import ProviderBudget, Told, limits_in_force, read_headers, told_usage
from firmquote.model import NS_PER_S, ProviderLimits, Window

NOW_NS = 1_700_000_000 * NS_PER_S
LIMITS = limits_in_force(
    ProviderLimits(requests_per_minute=200, requests_per_day=1_000), ProviderBudget(), reserve_pct=15, provider="a"
)


def test_seconds_counts_and_the_providers_own_time_are_read() -> None:
    told = read_headers(
        [
            ("retry-after", "30"),
            ("x-ratelimit-limit", "200"),
            ("x-ratelimit-remaining", "188"),
            ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ],
        now_ns=0,
    )
    assert told == Told(retry_after_s=30.0, limit=200, remaining=188, date_ns=NOW_NS)
    assert told_usage(told, LIMITS) == (Window.MINUTE, 12)


def test_a_date_to_retry_after_is_measured_by_the_providers_own_clock() -> None:
    later = ("retry-after", "Tue, 14 Nov 2023 22:14:20 GMT")
    assert read_headers([later, ("date", "Tue, 14 Nov 2023 22:13:20 GMT")], now_ns=0).retry_after_s == 60
    assert read_headers([later], now_ns=NOW_NS).retry_after_s == 60
    assert read_headers([later], now_ns=NOW_NS + 3_600 * NS_PER_S).retry_after_s == 0


@pytest.mark.parametrize(
    ("limit", "remaining", "window"),
    [
        pytest.param("1000", "1", (Window.DAY, 999), id="the day, known by its limit"),
        pytest.param("200", "300", (Window.MINUTE, 0), id="more left than there can be"),
        pytest.param("77", "5", None, id="a limit that is none of ours"),
        pytest.param("200", "many", None, id="no number"),
        pytest.param("-200", "5", None, id="negative"),
    ],
)
def test_counts_are_believed_only_for_a_window_that_we_know(
    limit: str, remaining: str, window: tuple[Window, int] | None
) -> None:
    told = read_headers([("x-ratelimit-limit", limit), ("x-ratelimit-remaining", remaining)], now_ns=NOW_NS)
    assert told_usage(told, LIMITS) == window


@given(st.text(), st.text(), st.text(), st.text())
def test_no_header_breaks_the_reader(retry: str, limit: str, remaining: str, date: str) -> None:
    names = ("retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "date")
    told = read_headers(zip(names, (retry, limit, remaining, date), strict=True), now_ns=NOW_NS)
    assert told.retry_after_s is None or told.retry_after_s >= 0
    told_usage(told, LIMITS)
