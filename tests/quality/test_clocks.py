"""Clocks, units of sizes, and what a plan promised."""

from datetime import date

import pytest

from firmquote.model import NS_PER_MS, NS_PER_S, FeedClass, Reason, Session
from firmquote.quality import ClockPolicy, MinimumFilter, SizeMeter, SpreadMeter, Trail, judge_clocks, judge_trading_day
from firmquote.testing.clock import NOON_NS

POLICY = ClockPolicy(window_s=3)


def ms(*values: float) -> list[int]:
    return [int(value * NS_PER_MS) for value in values]


def test_the_least_delay_survives_bursts_of_lateness() -> None:
    meter = MinimumFilter(POLICY)
    for second, delays in enumerate(([20, 400], [3_000, 25], [900, 21])):
        assert meter.floor_ns() is None
        meter.note(ms(*delays), now_ns=NOON_NS + second * NS_PER_S)
    assert meter.floor_ns() == 20 * NS_PER_MS
    for second in range(3, 6):
        meter.note(ms(3_020), now_ns=NOON_NS + second * NS_PER_S)
    assert meter.floor_ns() == 3_020 * NS_PER_MS


@pytest.mark.parametrize(
    ("floors_ms", "reasons", "own"),
    [
        pytest.param({"a": 20, "b": 60}, {}, None, id="both well"),
        pytest.param({"a": 3_020, "b": 60}, {"a": Reason.CLOCK_SKEW}, None, id="behind by 3 s"),
        pytest.param({"a": -800, "b": 60}, {"a": Reason.CLOCK_SKEW}, None, id="ahead"),
        pytest.param({"a": 900_020, "b": 60}, {"a": Reason.DELAYED}, None, id="a delayed plan"),
        pytest.param({"a": 3_020, "b": 3_060}, {}, 3_040, id="both alike: it is us"),
        pytest.param({"a": 3_020, "b": None}, {"a": Reason.CLOCK_SKEW}, None, id="nobody to compare with"),
        pytest.param({"a": 3_020, "b": 3_060, "c": 20}, {"a": Reason.CLOCK_SKEW, "b": Reason.CLOCK_SKEW}, None, id="c"),
    ],
)
def test_who_is_off(floors_ms: dict[str, int | None], reasons: dict[str, Reason], own: int | None) -> None:
    floors = {name: None if floor is None else floor * NS_PER_MS for name, floor in floors_ms.items()}
    verdicts = judge_clocks(floors, ClockPolicy())
    assert {name: finding.reason for name, finding in verdicts.findings.items()} == reasons
    assert verdicts.own_offset_ns == (None if own is None else own * NS_PER_MS)


def test_lots_taken_for_shares_are_blamed_on_the_one_that_changed() -> None:
    one, other = SizeMeter(), SizeMeter()
    for number in range(60):
        sizes = (100 * (1 + number % 7), 300)
        one.note("IBM", sizes, sizes)
        other.note("IBM", sizes, sizes)
    assert (one.judge("other"), other.judge("one")) == (None, None)
    for number in range(30):
        right = (100 * (1 + number % 7), 300)
        wrong = (right[0] // 100, right[1] // 100)
        one.note("IBM", wrong, right)
        other.note("IBM", right, wrong)
    found = one.judge("other")
    assert found is not None
    assert (found.reason, found.excludes) == (Reason.SIZE_UNITS, True)
    assert other.judge("one") is None


def test_lots_from_the_beginning_are_doubted_on_both_sides() -> None:
    one, other = SizeMeter(), SizeMeter()
    for _ in range(30):
        one.note("IBM", (2, 3), (200, 300))
        other.note("IBM", (200, 300), (2, 3))
    for meter, name in ((one, "other"), (other, "one")):
        found = meter.judge(name)
        assert found is not None
        assert not found.excludes


def test_markets_that_differ_by_less_than_a_hundred_are_no_matter_of_units() -> None:
    meter = SizeMeter()
    for number in range(200):
        meter.note("IBM", (100, 100), (100 * (1 + number % 20), 1_000))
    assert meter.judge("other") is None


def test_a_spread_that_is_often_wider_and_never_narrower_is_a_single_venues() -> None:
    venue, market = SpreadMeter(), SpreadMeter()
    for number in range(250):
        wide = 0.05 if number % 3 else 0.01
        venue.note(wide, 0.01)
        market.note(0.01, wide)
    found = venue.judge("market")
    assert found is not None
    assert (found.reason, found.excludes) == (Reason.SINGLE_VENUE, False)
    assert market.judge("venue") is None


def test_an_earlier_days_price_in_the_middle_of_a_session_is_an_end_of_day_price() -> None:
    today = date(2026, 11, 24)

    def judge(day: str | None, session: Session = Session.REGULAR) -> Reason | None:
        found = judge_trading_day(FeedClass.LAST_PRICE, day, today, session)
        return None if found is None else found.reason

    assert judge("2026-11-23") is Reason.END_OF_DAY
    assert [judge("2026-11-24"), judge(None), judge("2026-11-23", Session.PRE)] == [None, None, None]


def test_a_trail_tells_the_extent_of_a_window_with_what_stood_when_it_began() -> None:
    trail = Trail()
    for second in range(30):
        trail.note(NOON_NS + second * NS_PER_S, 100.0 + second, 101.0 + second)
    assert trail.extent(NOON_NS + 28 * NS_PER_S + 1) == (128.0, 130.0)
    assert trail.extent(NOON_NS) == (110.0, 130.0), "twenty are kept"
