"""Where days and months begin in a provider's zone, with its changes between summer and winter time."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from firmquote.model import NS_PER_S, Window


def window_start_ns(window: Window, at_ns: int, zone: ZoneInfo) -> int:
    """Return when the day or month of `at_ns` began."""
    day = datetime.fromtimestamp(at_ns // NS_PER_S, zone).date()
    return _midnight_ns(day if window is Window.DAY else day.replace(day=1), zone)


def window_end_ns(window: Window, at_ns: int, zone: ZoneInfo) -> int:
    """Return when the day or month of `at_ns` ends: the first nanosecond of the next."""
    day = datetime.fromtimestamp(at_ns // NS_PER_S, zone).date()
    if window is Window.DAY:
        return _midnight_ns(day + timedelta(days=1), zone)
    return _midnight_ns((day.replace(day=28) + timedelta(days=4)).replace(day=1), zone)


def _midnight_ns(day: date, zone: ZoneInfo) -> int:
    # Where midnight occurs twice the first counts; where it does not exist, the moment at which the clocks jump.
    return int(datetime.combine(day, time(), zone).timestamp()) * NS_PER_S
