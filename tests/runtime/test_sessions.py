"""The exchange's day decides how old a quote may be."""

from datetime import datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from firmquote.model import NS_PER_S, Grade
from firmquote.quality import SessionGrading
from firmquote.runtime import Config, Gateway, load_config
from firmquote.testing import ManualClock, quote

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
NEW_YORK = ZoneInfo("America/New_York")


def at(day: str, time: str) -> int:
    return int(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=NEW_YORK).timestamp()) * NS_PER_S


def gateway_at(now_ns: int) -> tuple[Gateway, ManualClock]:
    config = load_config(DEMO)
    quotes = structs.replace(config.feeds.quotes, live_enabled=False)
    quality = structs.replace(config.quality, calendar="XNYS", grading=SessionGrading())
    changed: Config = structs.replace(config, feeds=structs.replace(config.feeds, quotes=quotes), quality=quality)
    clock = ManualClock(now_ns)
    return Gateway(changed, {}, clock, Random(1)), clock


@pytest.mark.parametrize(
    ("day", "time", "session", "age_s", "grade"),
    [
        pytest.param("2026-11-24", "12:00", "regular", 2, Grade.FIRM, id="noon"),
        pytest.param("2026-11-24", "12:00", "regular", 6, Grade.STALE, id="six seconds old at noon"),
        pytest.param("2026-11-24", "08:00", "pre", 6, Grade.FIRM, id="six seconds old before the open"),
        pytest.param("2026-11-24", "16:00", "after", 61, Grade.STALE, id="a minute old after the close"),
        pytest.param("2026-11-26", "12:00", "closed", 6, Grade.FIRM, id="Thanksgiving"),
        pytest.param("2026-11-27", "13:00", "after", 6, Grade.FIRM, id="the day after closes early"),
    ],
)
def test_the_age_limit_is_the_sessions(day: str, time: str, session: str, age_s: int, grade: Grade) -> None:
    now_ns = at(day, time)
    gateway, _ = gateway_at(now_ns)
    assert gateway.session.value == session
    feed = gateway.board.add_feed("test", gateway.feeds["mock"].feed_class.CONSOLIDATED)
    gateway.board.elect("IBM", "test")
    gateway.board.apply(feed, [quote("IBM", now_ns=now_ns, age_ms=age_s * 1_000)], now_ns)
    assert gateway.board.view("IBM", now_ns).graded.grade is grade


def test_a_change_of_session_changes_the_limits_of_a_running_gateway() -> None:
    gateway, clock = gateway_at(at("2026-11-24", "15:59"))
    before = gateway.board.grading
    clock.advance(60 * NS_PER_S)
    gateway._follow_session(clock.now_ns())
    assert (gateway.session.value, gateway.report.health().session) == ("after", "after")
    assert gateway.board.grading.ceiling_ms > before.ceiling_ms


def test_price_limits_hold_in_regular_hours_alone() -> None:
    gateway, clock = gateway_at(at("2026-11-24", "09:29"))
    entry = gateway.board.entries["IBM"]
    entry.band = (1.0, 2.0)
    clock.advance(60 * NS_PER_S)
    gateway._follow_session(clock.now_ns())
    assert gateway.session.value == "regular"
    assert entry.band is not None, "the first of a day may come a moment early"
    clock.advance(7 * 3_600 * NS_PER_S)
    gateway._follow_session(clock.now_ns())
    assert gateway.session.value == "after"
    assert gateway.board.entries["IBM"].band is None


def test_the_demo_is_always_in_regular_hours() -> None:
    assert load_config(DEMO).quality.calendar == "always_regular"
