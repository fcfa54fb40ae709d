"""What fits into each window, the reserve, and the words of a refusal."""

from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from firmquote.budget import (
    Ask,
    Book,
    Bounds,
    BudgetPolicy,
    Limits,
    Pause,
    ProviderBudget,
    Purpose,
    Recent,
    RefusalKind,
    Total,
    limits_in_force,
    window_start_ns,
)
from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, ProviderLimits, Window
from firmquote.testing.clock import NOON_NS

UTC = ZoneInfo("UTC")
FREE = ProviderLimits(requests_per_second=1, requests_per_day=25)


def in_force(plan: ProviderLimits = FREE, **own: int) -> Limits:
    return limits_in_force(plan, ProviderBudget(**own), reserve_pct=15, provider="a")  # type: ignore[arg-type]  # numbers only


def book(
    limits: Limits, *, day: int = 0, usd: int = 0, recent: tuple[Recent, ...] = (), pause: Pause | None = None
) -> Book:
    start_ns = window_start_ns(Window.DAY, NOON_NS, limits.zone)
    totals = {(Window.DAY, start_ns): Total(day, usd)}
    return Book(
        "a",
        limits,
        now=Bounds(NOON_NS, NOON_NS),
        monotonic_ns=1_000 * NS_PER_S,
        recent=recent,
        totals=totals,
        pause=pause,
    )


def ask(purpose: Purpose = Purpose.ORDINARY, requests: int = 1) -> Ask:
    return Ask(provider="a", purpose=purpose, symbols=("IBM",), requests=requests)


def test_the_tighter_limit_is_in_force() -> None:
    limits = in_force(requests_per_day=20, requests_per_minute=3)
    assert limits.allowance(Window.DAY).requests == 20
    assert limits.allowance(Window.MINUTE).requests == 3
    assert limits.allowance(Window.SECOND).requests == 1
    assert in_force(requests_per_day=100).allowance(Window.DAY).requests == 25


def test_a_zone_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"budgets\.providers\.a\.zone: 'Mars/Base' is no time zone"):
        limits_in_force(FREE, ProviderBudget(zone="Mars/Base"), reserve_pct=15, provider="a")


def test_the_steps_of_a_budget_must_not_ascend() -> None:
    with pytest.raises(ConfigError, match="must not ascend"):
        BudgetPolicy(warn_left_pct=5, slow_left_pct=10)


@pytest.mark.parametrize(
    ("purpose", "spent", "granted"),
    [
        pytest.param(Purpose.ORDINARY, 21, True, id="the last ordinary one"),
        pytest.param(Purpose.ORDINARY, 22, False, id="ordinary work stops before the reserve"),
        pytest.param(Purpose.WARM, 22, False, id="so does keeping warm"),
        pytest.param(Purpose.FAILOVER, 22, True, id="failover goes on"),
        pytest.param(Purpose.OPERATOR, 24, True, id="and so do operators"),
        pytest.param(Purpose.OPERATOR, 25, False, id="until nothing is left"),
    ],
)
def test_the_reserve_is_for_failover_and_operators(purpose: Purpose, spent: int, granted: bool) -> None:
    assert (book(in_force(), day=spent).take(ask(purpose)) is None) is granted


def test_a_limit_too_small_to_have_a_reserve_has_none() -> None:
    one = in_force()
    assert one.ceiling(1, with_reserve=False) == 1
    assert one.ceiling(25, with_reserve=False) == 22


def test_a_request_occupies_a_sliding_window_until_its_length_after_it_ended() -> None:
    limits = in_force(ProviderLimits(requests_per_minute=2))
    ended = Recent(950 * NS_PER_S, 1)
    busy = book(limits, recent=(ended, Recent(1_010 * NS_PER_S, 1)))  # the second is still on its way
    refusal = busy.take(ask())
    assert refusal is not None
    assert (refusal.kind, refusal.wait_ns) == (RefusalKind.PACE, 10 * NS_PER_S)
    assert book(limits, recent=(Recent(940 * NS_PER_S, 1), ended)).take(ask()) is None


def test_what_was_granted_counts_for_the_next_one() -> None:
    limits = in_force(ProviderLimits(requests_per_day=10))
    seen = book(limits, day=6)
    assert [seen.take(ask()) is None for _ in range(4)] == [True, True, True, False]
    assert [seen.take(ask(Purpose.OPERATOR)) is None for _ in range(2)] == [True, False]


def test_money_is_counted_in_micro_dollars_and_refused_with_the_sums() -> None:
    limits = in_force(ProviderLimits(request_usd_micros=300), usd_micros_per_day=1_000)
    assert book(limits, usd=550).take(ask()) is None  # 850 of 850 that ordinary work may spend
    refusal = book(limits, usd=551).take(ask())
    assert refusal is not None
    assert refusal.kind is RefusalKind.SPENT
    assert "$0.000551 of $0.001000 of the day are spent" in refusal.words


def test_a_pause_holds_everybody() -> None:
    paused = book(in_force(), pause=Pause(1_005 * NS_PER_S, "a said: slow down"))
    refusal = paused.take(ask(Purpose.OPERATOR))
    assert refusal is not None
    assert (refusal.kind, refusal.words, refusal.wait_ns) == (RefusalKind.PAUSED, "a said: slow down", 5 * NS_PER_S)


def test_around_midnight_a_request_counts_in_both_days() -> None:
    limits = in_force(ProviderLimits(requests_per_day=10))
    midnight_ns = window_start_ns(Window.DAY, NOON_NS, UTC)
    for offset_s, days in ((-10, 2), (-60, 1), (1, 2), (3, 1)):
        near = Book(
            "a",
            limits,
            now=Bounds(midnight_ns + offset_s * NS_PER_S, midnight_ns + offset_s * NS_PER_S),
            monotonic_ns=0,
            recent=(),
            totals={},
        )
        assert near.take(ask()) is None
        assert len(near.totals) == days, offset_s


def test_what_was_spent_later_still_counts_after_the_clock_went_back() -> None:
    limits = in_force(ProviderLimits(requests_per_day=10))
    tomorrow_ns = window_start_ns(Window.DAY, NOON_NS, UTC) + 86_400 * NS_PER_S
    back = Book(
        "a",
        limits,
        now=Bounds(NOON_NS, NOON_NS),
        monotonic_ns=0,
        recent=(),
        totals={(Window.DAY, tomorrow_ns): Total(9, 0)},
    )
    refusal = back.take(ask())
    assert refusal is not None
    assert refusal.kind is RefusalKind.SPENT


def test_usage_says_what_ordinary_work_has_left() -> None:
    by_window = {usage.window: usage for usage in book(in_force(), day=20).usage()}
    day = by_window[Window.DAY]
    assert (day.requests, day.requests_limit, day.requests_left, day.requests_reserved) == (20, 25, 2, 3)
    assert day.ends_ns is not None
    assert day.ends_ns > NOON_NS
    assert by_window[Window.SECOND].requests == 0
    assert structs.asdict(by_window[Window.SECOND])["ends_ns"] is None
