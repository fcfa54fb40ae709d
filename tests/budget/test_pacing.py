"""How fast a budget is spent, and what is given up first."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from firmquote.budget import (
    AlwaysRegular,
    Ask,
    Book,
    Bounds,
    BudgetPolicy,
    Limits,
    Pace,
    ProviderBudget,
    Purpose,
    Step,
    Tier,
    Total,
    forecast_end_ns,
    limits_in_force,
    pace,
    weighted_s,
    window_start_ns,
)
from firmquote.model import NS_PER_S, ProviderLimits, Window
from firmquote.symbols import xnys_calendar

NEW_YORK = ZoneInfo("America/New_York")
POLICY = BudgetPolicy()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * NS_PER_S


def limits(**plan: int) -> Limits:
    own = ProviderBudget(**plan)  # type: ignore[arg-type]  # numbers only
    return limits_in_force(ProviderLimits(zone="America/New_York"), own, reserve_pct=15, provider="a")


def paced(now: str, *, spent: int = 0, with_reserve: bool = False, spent_micros: int = 0, **plan: int) -> Pace:
    own = limits(**plan)
    totals = {
        (window, window_start_ns(window, at(now), NEW_YORK)): Total(spent, spent_micros)
        for window in (Window.DAY, Window.MONTH)
    }
    book = Book("a", own, now=Bounds(at(now), at(now)), monotonic_ns=0, recent=(), totals=totals)
    return pace(own, book.usage(), POLICY, xnys_calendar(), now_ns=at(now), with_reserve=with_reserve)


def test_a_day_is_spread_over_its_session() -> None:
    before = paced("2026-11-24 09:30", requests_per_day=25)
    # 22 that are not held back; 6.5 hours, and 4 after the close at a fifth of the pace
    assert before.requests_per_s == pytest.approx(22 / ((6.5 + 0.2 * 4) * 3_600))
    assert before.left_pct == 100


def test_the_pace_follows_what_is_left() -> None:
    slow = paced("2026-11-24 13:00", spent=20, requests_per_day=25).requests_per_s
    even = paced("2026-11-24 13:00", spent=11, requests_per_day=25).requests_per_s
    assert slow == pytest.approx(even * 2 / 11)


def test_nothing_is_burst_out_before_the_window_ends() -> None:
    late = paced("2026-11-24 15:59", spent=0, requests_per_day=2_000)
    whole_s = (6.5 + 0.2 * (5.5 + 4)) * 3_600
    assert late.requests_per_s == pytest.approx(2 * 1_700 / whole_s)


def test_nothing_is_asked_at_night_and_less_outside_the_session() -> None:
    assert paced("2026-11-24 22:00", requests_per_day=25).requests_per_s == 0
    assert paced("2026-11-26 12:00", requests_per_day=25).requests_per_s == 0  # Thanksgiving
    regular = paced("2026-11-24 09:30", requests_per_day=25).requests_per_s
    assert paced("2026-11-24 09:29", requests_per_day=25).requests_per_s == pytest.approx(regular * 0.2, rel=0.01)


def test_a_plan_by_the_minute_is_the_same_at_night() -> None:
    night = paced("2026-11-24 22:00", requests_per_minute=75)
    assert night.requests_per_s == pytest.approx(64 / 60.5)
    assert (night.left_pct, night.step) == (None, Step.NORMAL)


def test_money_bounds_the_pace_as_requests_do() -> None:
    rich = paced("2026-11-24 09:30", usd_micros_per_day=1_000_000, request_usd_micros=1_000)
    assert rich.requests_per_s == pytest.approx(850 / ((6.5 + 0.8) * 3_600))
    poor = paced("2026-11-24 09:30", spent_micros=845_000, usd_micros_per_day=1_000_000, request_usd_micros=1_000)
    assert poor.step is Step.POSITIONS_ONLY
    assert poor.words == "5000 of 850000 micro-dollars are left of the day"


@pytest.mark.parametrize(
    ("spent", "step"),
    [
        pytest.param(0, Step.NORMAL, id="all there"),
        pytest.param(722, Step.NORMAL, id="just above the warning"),
        pytest.param(723, Step.WARNED, id="15 %"),
        pytest.param(765, Step.SLOWED, id="10 %"),
        pytest.param(808, Step.POSITIONS_ONLY, id="5 %"),
        pytest.param(850, Step.STOPPED, id="nothing left"),
    ],
)
def test_what_is_given_up_first(spent: int, step: Step) -> None:
    found = paced("2026-11-24 12:00", spent=spent, requests_per_day=1_000)
    assert found.step is step


def test_failover_may_go_on_into_the_reserve() -> None:
    ordinary = paced("2026-11-24 12:00", spent=850, requests_per_day=1_000)
    failover = paced("2026-11-24 12:00", spent=850, requests_per_day=1_000, with_reserve=True)
    assert (ordinary.requests_per_s, ordinary.step) == (0, Step.STOPPED)
    assert failover.requests_per_s > 0
    assert failover.step is Step.WARNED


def test_the_steps_say_which_tiers_are_asked() -> None:
    assert Step.SLOWED.slower == {Tier.WATCH: 1.0, Tier.OTHER: 0.5}
    assert [len(step.tiers) for step in Step] == [3, 3, 3, 1, 0]


def test_a_month_is_weighted_by_its_sessions() -> None:
    thanksgiving_week = weighted_s(xnys_calendar(), at("2026-11-23 00:00"), at("2026-11-30 00:00"), outside=0)
    assert thanksgiving_week == (3 * 6.5 + 3.5) * 3_600
    assert weighted_s(AlwaysRegular(), 0, 100 * NS_PER_S, outside=0.2) == 100


def test_the_forecast_says_when_it_ends_at_this_pace() -> None:
    own = limits(requests_per_day=1_000)
    now_ns = at("2026-11-24 12:00")
    book = Book("a", own, now=Bounds(now_ns, now_ns), monotonic_ns=0, recent=(), totals={})
    assert book.take(Ask(provider="a", purpose=Purpose.ORDINARY, requests=250)) is None
    (usage,) = book.usage()
    assert forecast_end_ns(usage, per_s=1.0, limits=own, now_ns=now_ns) == now_ns + 600 * NS_PER_S
    assert forecast_end_ns(usage, per_s=0.001, limits=own, now_ns=now_ns) is None
    assert forecast_end_ns(usage, per_s=0.0, limits=own, now_ns=now_ns) is None
