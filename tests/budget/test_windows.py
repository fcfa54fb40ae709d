"""Days and months in a provider's zone, and what time may be believed."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.budget import Anchor, Bounds, Moment, believe, confirm, window_end_ns, window_start_ns
from firmquote.model import NS_PER_S, Window

NEW_YORK = ZoneInfo("America/New_York")
HOUR_NS = 3_600 * NS_PER_S


def at(text: str, zone: ZoneInfo = NEW_YORK) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * NS_PER_S


@pytest.mark.parametrize(
    ("moment", "start", "hours"),
    [
        pytest.param("2026-11-24 13:00", "2026-11-24 00:00", 24, id="an ordinary day"),
        pytest.param("2026-03-08 12:00", "2026-03-08 00:00", 23, id="the day that loses an hour"),
        pytest.param("2026-11-01 12:00", "2026-11-01 00:00", 25, id="the day that gains an hour"),
        pytest.param("2026-11-24 00:00", "2026-11-24 00:00", 24, id="its first nanosecond"),
    ],
)
def test_a_day_begins_at_midnight_in_the_providers_zone(moment: str, start: str, hours: int) -> None:
    now_ns = at(moment)
    assert window_start_ns(Window.DAY, now_ns, NEW_YORK) == at(start)
    assert window_end_ns(Window.DAY, now_ns, NEW_YORK) == at(start) + hours * HOUR_NS


def test_a_month_begins_on_its_first_midnight_in_the_providers_zone() -> None:
    assert window_start_ns(Window.MONTH, at("2026-11-24 13:00"), NEW_YORK) == at("2026-11-01 00:00")
    assert window_end_ns(Window.MONTH, at("2026-12-31 23:59"), NEW_YORK) == at("2027-01-01 00:00")
    # Midnight in Tokyo is still yesterday in New York.
    tokyo = ZoneInfo("Asia/Tokyo")
    assert window_start_ns(Window.DAY, at("2026-11-24 00:30", tokyo), NEW_YORK) == at("2026-11-23 00:00")


@given(
    st.integers(0, 4_102_444_800),
    st.sampled_from([Window.DAY, Window.MONTH]),
    st.sampled_from(["America/New_York", "UTC", "Asia/Kolkata", "America/Santiago", "Pacific/Auckland"]),
)
def test_every_moment_lies_in_exactly_one_window(second: int, window: Window, zone_name: str) -> None:
    zone, now_ns = ZoneInfo(zone_name), second * NS_PER_S
    start_ns, end_ns = window_start_ns(window, now_ns, zone), window_end_ns(window, now_ns, zone)
    assert start_ns <= now_ns < end_ns
    assert window_start_ns(window, end_ns, zone) == end_ns
    assert window_end_ns(window, end_ns - 1, zone) == end_ns


ANCHOR = Anchor(Bounds(1_000 * NS_PER_S, 1_000 * NS_PER_S), 50 * NS_PER_S, "boot")


def seen(wall_s: float, monotonic_s: float, boot: str = "boot") -> Moment:
    return Moment(int(wall_s * NS_PER_S), int(monotonic_s * NS_PER_S), boot)


def between(earliest_s: float, latest_s: float) -> Bounds:
    return Bounds(int(earliest_s * NS_PER_S), int(latest_s * NS_PER_S))


@pytest.mark.parametrize(
    ("moment", "believed"),
    [
        pytest.param(seen(1_010, 60), between(1_010, 1_010), id="both clocks agree"),
        pytest.param(seen(5_000, 60), between(1_010, 5_000), id="stepped forward"),
        pytest.param(seen(400, 60), between(400, 1_010), id="stepped back"),
        pytest.param(seen(5_000, 1, "another"), between(5_000, 5_000), id="after a reboot"),
        pytest.param(seen(400, 1, "another"), between(400, 1_000), id="gone back over a reboot"),
    ],
)
def test_after_a_step_it_may_be_either_time(moment: Moment, believed: Bounds) -> None:
    assert believe(ANCHOR, moment) == believed


def test_without_an_anchor_the_wall_clock_is_believed() -> None:
    assert believe(None, seen(77, 1)) == between(77, 77)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(-5_000, 5_000)), max_size=30))
def test_the_truth_stays_between_the_bounds_whatever_the_clock_does(steps: list[tuple[int, int]]) -> None:
    true_s, wall_off_s, anchor = 1_000, 0, None
    for passed_s, jump_s in steps:
        moment = seen(true_s + wall_off_s, true_s)
        bounds = believe(anchor, moment)
        assert bounds.earliest_ns <= true_s * NS_PER_S <= bounds.latest_ns
        narrowed = confirm(bounds, true_s * NS_PER_S)
        assert narrowed.earliest_ns <= true_s * NS_PER_S <= narrowed.latest_ns
        assert narrowed.doubt_ns <= min(bounds.doubt_ns, 7 * NS_PER_S)
        anchor = Anchor(bounds, moment.monotonic_ns, "boot")
        true_s += passed_s
        wall_off_s += jump_s


def test_a_provider_that_contradicts_both_bounds_widens_them() -> None:
    assert confirm(between(5_000, 5_000), 1_400 * NS_PER_S) == between(1_400, 5_000)
