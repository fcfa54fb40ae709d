"""Sessions of the New York exchanges: pre, regular, after, closed, on each day with its holidays and early closes.

The days come from a small table that `scripts/make-calendar.py` writes from exchange-calendars, whose import would
cost every start 0.3 s and more. The zone's rules come from the system, or from tzdata.
"""

from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, Session

EASTERN = ZoneInfo("America/New_York")
# Pre-market, regular, after hours, and nothing until the next morning: nyse.com "Trading hours", read 2026-11-24.
# On an early close both the close and the end of after-hours trading move forward by three hours.
_DAY = (time(4), time(9, 30), time(16), time(20))
_SHORT_DAY = (time(4), time(9, 30), time(13), time(17))
_BEGINS = (Session.PRE, Session.REGULAR, Session.AFTER, Session.CLOSED)
_SATURDAY = 5


class CalendarTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days from `first_day` to `last_day`, both included: all but weekends and `holidays` are trading days."""

    exchange: str
    source: str
    first_day: date
    last_day: date
    holidays: tuple[date, ...]
    early_closes: tuple[date, ...]


class TradingCalendar:
    """Answers for any moment within its table; outside of it everything is closed, and `covers` says so."""

    def __init__(self, table: CalendarTable) -> None:
        """Work out every change of session once.

        Raises:
            ConfigError: an early close on a day without trading.
        """
        holidays, short = frozenset(table.holidays), frozenset(table.early_closes)
        span = range((table.last_day - table.first_day).days + 1)
        all_days = (table.first_day + timedelta(days=day) for day in span)
        self._days = tuple(day for day in all_days if day.weekday() < _SATURDAY and day not in holidays)
        wrong = short.difference(self._days)
        if wrong:
            raise ConfigError(f"calendar {table.exchange}: no trading on {min(wrong)}, so no early close. Remove it.")
        self._changes_ns = tuple(
            ns for day in self._days for ns in _moments_ns(day, _SHORT_DAY if day in short else _DAY)
        )
        self._first_ns = _midnight_ns(table.first_day)
        self._end_ns = _midnight_ns(table.last_day + timedelta(days=1))

    def covers(self, now_ns: int) -> bool:
        """Say whether the table knows the day of `now_ns` (New York time)."""
        return self._first_ns <= now_ns < self._end_ns

    def session_at(self, now_ns: int) -> Session:
        """Return the session of a moment; a session begins at its first nanosecond."""
        passed = bisect_right(self._changes_ns, now_ns)
        return _BEGINS[(passed - 1) % len(_BEGINS)] if passed else Session.CLOSED

    def next_change_ns(self, now_ns: int) -> int | None:
        """Return when the session changes next, always after `now_ns`; `None` past the last change of the table."""
        passed = bisect_right(self._changes_ns, now_ns)
        return self._changes_ns[passed] if passed < len(self._changes_ns) else None

    def trading_day_at(self, now_ns: int) -> date | None:
        """Return the newest trading day whose pre-market has begun: the night and the weekend belong to the day before.

        A corporate action of a day takes effect when this becomes that day. `None` before the first of the table.
        """
        passed = bisect_right(self._changes_ns, now_ns)
        return self._days[(passed - 1) // len(_BEGINS)] if passed else None


def decode_calendar(data: bytes) -> TradingCalendar:
    """Build a calendar from the JSON of a `CalendarTable`. Raises ConfigError for anything else."""
    try:
        table = msgspec.json.decode(data, type=CalendarTable)
    except msgspec.DecodeError as error:
        raise ConfigError(f"calendar: {error}. Write it anew with scripts/make-calendar.py.") from error
    return TradingCalendar(table)


@cache  # one entry: the table is part of the package
def xnys_calendar() -> TradingCalendar:
    """Return the calendar of the New York Stock Exchange, which Nasdaq, NYSE Arca and Cboe share."""
    return decode_calendar(Path(__file__).with_name("xnys.json").read_bytes())


def _moments_ns(day: date, times: tuple[time, ...]) -> tuple[int, ...]:
    midnight_ns = _midnight_ns(day)  # clocks change on Sundays, so a trading day has one offset
    return tuple(midnight_ns + (moment.hour * 60 + moment.minute) * 60 * NS_PER_S for moment in times)


def _midnight_ns(day: date) -> int:
    return int(datetime.combine(day, time(), EASTERN).timestamp()) * NS_PER_S
