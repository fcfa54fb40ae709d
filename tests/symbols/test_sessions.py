"""The shipped table and the sessions made of it, against exchange-calendars and against days known by hand."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, Session
from firmquote.symbols import CalendarTable, TradingCalendar, decode_calendar, xnys_calendar

NEW_YORK = ZoneInfo("America/New_York")
XNYS = xnys_calendar()
HOUR_NS = 3600 * NS_PER_S


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * NS_PER_S


def new_york_ns(text: str) -> int:
    return ns(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


def utc_ns(text: str) -> int:
    return ns(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # exchange-calendars uses what pandas 4 will change
def test_every_day_of_five_years_is_as_exchange_calendars_has_it() -> None:
    import exchange_calendars  # noqa: PLC0415 - it warns when used, which only this test allows

    first, last = date(2021, 1, 1), date(2025, 12, 31)
    theirs = exchange_calendars.get_calendar("XNYS", start=first.isoformat(), end=last.isoformat())
    regular = {
        day.date(): (opened.value, closed.value)
        for day, opened, closed in zip(theirs.sessions, theirs.schedule["open"], theirs.schedule["close"], strict=True)
    }
    assert len(regular) > 1250
    for day in (first + timedelta(days=offset) for offset in range((last - first).days + 1)):
        midnight = datetime.combine(day, datetime.min.time(), NEW_YORK)
        noon_ns = ns(midnight.replace(hour=12))
        tomorrow_ns = ns(midnight + timedelta(days=1))
        if day not in regular:
            assert XNYS.session_at(noon_ns) is Session.CLOSED, day
            assert (XNYS.next_change_ns(ns(midnight)) or 0) > tomorrow_ns, day
            continue
        opened_ns, closed_ns = regular[day]
        pre_ns = ns(midnight.replace(hour=4))
        after_hours = 4  # after an early close, too: 13:00 to 17:00
        end_ns = closed_ns + after_hours * HOUR_NS
        changes = [pre_ns, opened_ns, closed_ns, end_ns]
        seen = [XNYS.next_change_ns(pre_ns - 1)]
        while len(seen) < len(changes):
            assert seen[-1] is not None
            seen.append(XNYS.next_change_ns(seen[-1]))
        assert changes == seen, day
        assert (XNYS.next_change_ns(end_ns) or 0) > tomorrow_ns, day
        assert [XNYS.session_at(change_ns) for change_ns in changes] == [
            Session.PRE,
            Session.REGULAR,
            Session.AFTER,
            Session.CLOSED,
        ], day


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
def test_the_shipped_table_is_what_exchange_calendars_says_of_all_its_years() -> None:
    import exchange_calendars  # noqa: PLC0415 - as above

    first, last = date(2010, 1, 1), date(2030, 12, 31)
    theirs = exchange_calendars.get_calendar("XNYS", start=first.isoformat(), end=last.isoformat())
    regular = {day.date() for day in theirs.sessions}
    early = {day.date() for day in theirs.early_closes}
    for day in (first + timedelta(days=offset) for offset in range((last - first).days + 1)):
        noon_ns = ns(datetime(day.year, day.month, day.day, 12, tzinfo=NEW_YORK))
        assert (day in regular) is (XNYS.session_at(noon_ns) is Session.REGULAR), day
        if day in regular:
            assert (day in early) is (XNYS.session_at(noon_ns + 2 * HOUR_NS) is Session.AFTER), day


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        pytest.param("2024-03-08T08:59:59", Session.CLOSED, id="Friday before summer time, before 04:00"),
        pytest.param("2024-03-08T09:00:00", Session.PRE, id="Friday before summer time, 04:00"),
        pytest.param("2024-03-08T14:30:00", Session.REGULAR, id="Friday before summer time, 09:30"),
        pytest.param("2024-03-11T08:00:00", Session.PRE, id="Monday of summer time, 04:00"),
        pytest.param("2024-03-11T13:29:59", Session.PRE, id="Monday of summer time, before 09:30"),
        pytest.param("2024-03-11T13:30:00", Session.REGULAR, id="Monday of summer time, 09:30"),
        pytest.param("2024-03-11T20:00:00", Session.AFTER, id="Monday of summer time, 16:00"),
        pytest.param("2024-03-12T00:00:00", Session.CLOSED, id="Monday of summer time, 20:00"),
        pytest.param("2024-11-01T13:30:00", Session.REGULAR, id="Friday before winter time"),
        pytest.param("2024-11-04T13:30:00", Session.PRE, id="Monday of winter time, an hour later in UTC"),
        pytest.param("2024-11-04T14:30:00", Session.REGULAR, id="Monday of winter time, 09:30"),
        pytest.param("2024-11-29T17:59:59", Session.REGULAR, id="day after Thanksgiving, before 13:00"),
        pytest.param("2024-11-29T18:00:00", Session.AFTER, id="day after Thanksgiving, 13:00"),
        pytest.param("2024-11-29T22:00:00", Session.CLOSED, id="day after Thanksgiving, 17:00"),
        pytest.param("2024-11-28T17:00:00", Session.CLOSED, id="Thanksgiving"),
        pytest.param("2025-01-09T17:00:00", Session.CLOSED, id="day of mourning, a Thursday"),
        pytest.param("2012-10-29T17:00:00", Session.CLOSED, id="hurricane, a Monday"),
        pytest.param("2013-10-07T13:30:00", Session.REGULAR, id="first regular moment of the demo tape's day"),
        pytest.param("2013-10-07T20:00:00", Session.AFTER, id="end of the demo tape's regular session"),
        pytest.param("2026-11-21T17:00:00", Session.CLOSED, id="Saturday"),
    ],
)
def test_known_moments_in_utc(moment: str, session: Session) -> None:
    assert session is XNYS.session_at(utc_ns(moment))


def test_the_last_nanosecond_of_a_session_belongs_to_it() -> None:
    close_ns = new_york_ns("2026-11-24T16:00")
    assert XNYS.session_at(close_ns - 1) is Session.REGULAR
    assert XNYS.session_at(close_ns) is Session.AFTER
    assert XNYS.next_change_ns(close_ns - 1) == close_ns
    assert XNYS.next_change_ns(close_ns) == new_york_ns("2026-11-24T20:00")


def test_over_a_long_weekend_the_next_change_is_the_next_pre_market() -> None:
    friday_evening_ns = new_york_ns("2026-01-16T20:00")
    tuesday_ns = new_york_ns("2026-01-20T04:00")  # Monday is Martin Luther King's day
    assert XNYS.next_change_ns(friday_evening_ns) == tuesday_ns


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        pytest.param("2026-11-24T04:00", date(2026, 11, 24), id="when the pre-market begins"),
        pytest.param("2026-11-24T03:59", date(2026, 11, 23), id="the night before it"),
        pytest.param("2026-11-24T23:59", date(2026, 11, 24), id="the evening"),
        pytest.param("2026-11-22T12:00", date(2026, 11, 20), id="Sunday"),
        pytest.param("2026-11-26T12:00", date(2026, 11, 25), id="Thanksgiving"),
    ],
)
def test_a_trading_day_begins_with_its_pre_market(moment: str, day: date) -> None:
    assert day == XNYS.trading_day_at(new_york_ns(moment))


def test_outside_the_table_everything_is_closed_and_the_calendar_says_that_it_does_not_know() -> None:
    before_ns, after_ns = new_york_ns("2009-12-31T12:00"), new_york_ns("2031-01-02T12:00")
    assert XNYS.session_at(before_ns) is XNYS.session_at(after_ns) is Session.CLOSED
    assert not XNYS.covers(before_ns)
    assert not XNYS.covers(after_ns)
    assert XNYS.covers(new_york_ns("2010-01-01T00:00"))
    assert XNYS.covers(new_york_ns("2030-12-31T23:59"))
    assert XNYS.trading_day_at(before_ns) is None
    assert XNYS.next_change_ns(after_ns) is None


@given(st.integers(new_york_ns("2010-01-01T00:00"), new_york_ns("2030-12-31T00:00")))
def test_the_session_stays_until_the_next_change_and_is_another_one_then(now_ns: int) -> None:
    change_ns = XNYS.next_change_ns(now_ns)
    assert change_ns is not None
    assert change_ns > now_ns
    assert XNYS.session_at(change_ns - 1) is XNYS.session_at(now_ns)
    assert XNYS.session_at(change_ns) is not XNYS.session_at(now_ns)


def table(**changes: object) -> CalendarTable:
    days = {"first_day": date(2026, 11, 23), "last_day": date(2026, 11, 29)}
    known = {"exchange": "XNYS", "source": "test", "holidays": (date(2026, 11, 26),), "early_closes": ()}
    return msgspec.convert(known | days | changes, CalendarTable)


def test_an_unplanned_close_is_one_more_holiday_in_a_table_of_ones_own() -> None:
    wednesday_noon_ns = new_york_ns("2026-11-25T12:00")
    assert TradingCalendar(table()).session_at(wednesday_noon_ns) is Session.REGULAR
    closed = table(holidays=(date(2026, 11, 25), date(2026, 11, 26)))
    assert decode_calendar(msgspec.json.encode(closed)).session_at(wednesday_noon_ns) is Session.CLOSED


def test_a_table_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="no trading on 2026-11-26, so no early close"):
        TradingCalendar(table(early_closes=(date(2026, 11, 26),)))
    for data in (b"", b"{}", b'{"holidays": ["yesterday"]}'):
        with pytest.raises(ConfigError, match=r"scripts/make-calendar\.py"):
            decode_calendar(data)
