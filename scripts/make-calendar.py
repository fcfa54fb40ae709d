"""Write src/firmquote/symbols/xnys.json: the holidays and early closes of XNYS, from exchange-calendars.

    uv run python scripts/make-calendar.py [FIRST_YEAR LAST_YEAR]

Run it again after each release of exchange-calendars that knows of a new holiday or an unplanned close, and at least a
year before the last year of the table is reached.
"""

import sys
import warnings
from datetime import date, timedelta
from pathlib import Path

import msgspec

from firmquote.symbols.sessions import CalendarTable

TARGET = Path(__file__).parents[1] / "src/firmquote/symbols/xnys.json"


def make_table(first_day: date, last_day: date) -> CalendarTable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # exchange-calendars uses what pandas 4 will change
        import exchange_calendars  # noqa: PLC0415 - it takes 0.3 s and more, and warns

        calendar = exchange_calendars.get_calendar("XNYS", start=first_day.isoformat(), end=last_day.isoformat())
        sessions = {day.date() for day in calendar.sessions}
        early_closes = tuple(day.date() for day in calendar.early_closes)
    span = range((last_day - first_day).days + 1)
    days = (first_day + timedelta(days=day) for day in span)
    return CalendarTable(
        exchange="XNYS",
        source=f"exchange-calendars {exchange_calendars.__version__}",
        first_day=first_day,
        last_day=last_day,
        holidays=tuple(day for day in days if day.weekday() < 5 and day not in sessions),
        early_closes=early_closes,
    )


def main() -> None:
    first_year, last_year = (int(year) for year in sys.argv[1:] or ("2010", "2030"))
    table = make_table(date(first_year, 1, 1), date(last_year, 12, 31))
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
    print(f"{TARGET}: {len(table.holidays)} holidays, {len(table.early_closes)} early closes, from {table.source}")


if __name__ == "__main__":
    main()
