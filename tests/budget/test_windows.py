"""Days and months in a provider's zone, and what time may be believed."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.budget import Anchor, Moment, believe, confirm, window_end_ns, window_start_ns
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


ANCHOR = Anchor(1_000 * NS_PER_S, 50 * NS_PER_S, "boot")


def seen(wall_s: float, monotonic_s: float, boot: str = "boot") -> Moment:
    return Moment(int(wall_s * NS_PER_S), int(monotonic_s * NS_PER_S), boot)


@pytest.mark.parametrize(
    ("moment", "believed_s"),
    [
        pytest.param(seen(1_010.0, 60), 1_010.0, id="both clocks agree"),
        pytest.param(seen(1_010.4, 60), 1_010.4, id="a small correction"),
        pytest.param(seen(5_000.0, 60), 1_010.0, id="stepped forward"),
        pytest.param(seen(400.0, 60), 400.0, id="stepped back"),
        pytest.param(seen(5_000.0, 1, "another"), 5_000.0, id="after a reboot"),
        pytest.param(seen(1_000.2, 40), 1_000.2, id="noted by another process a moment later"),
    ],
)
def test_a_step_forward_is_not_believed_and_a_step_back_is(moment: Moment, believed_s: float) -> None:
    assert believe(ANCHOR, moment) == int(believed_s * NS_PER_S)


def test_without_an_anchor_the_wall_clock_is_believed() -> None:
    assert believe(None, seen(77, 1)) == 77 * NS_PER_S


def test_a_stepped_clock_gains_nothing_by_being_asked_often() -> None:
    anchor, asked = ANCHOR, 1_000
    for number in range(asked):
        moment = seen(90_000, 50 + number / 1_000)
        anchor = Anchor(believe(anchor, moment), moment.monotonic_ns, moment.boot)
    assert anchor.believed_ns == 1_000 * NS_PER_S + (asked - 1) * NS_PER_S // 1_000


def test_a_providers_own_time_ends_the_doubt_but_never_runs_ahead_of_ours() -> None:
    moment = seen(5_000, 60)
    assert confirm(1_010 * NS_PER_S, 4_999 * NS_PER_S, moment) == 4_999 * NS_PER_S
    assert confirm(1_010 * NS_PER_S, 9_000 * NS_PER_S, moment) == 5_000 * NS_PER_S
    assert confirm(1_010 * NS_PER_S, 3 * NS_PER_S, moment) == 1_010 * NS_PER_S
