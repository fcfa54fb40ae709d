"""Alpha Vantage's wire structs under its own field names: every value is a JSON string.

https://www.alphavantage.co/documentation/, read 2026-11-24.
"""

from datetime import date

from msgspec import Raw, Struct, field


class GlobalQuote(Struct, frozen=True, gc=False):
    """`GLOBAL_QUOTE`: all fields are absent for a symbol that it does not know."""

    symbol: str | None = field(name="01. symbol", default=None)
    price: str | None = field(name="05. price", default=None)
    volume: str | None = field(name="06. volume", default=None)
    latest_trading_day: str | None = field(name="07. latest trading day", default=None)
    previous_close: str | None = field(name="08. previous close", default=None)


class BulkRow(Struct, frozen=True, gc=False):
    """One symbol of `REALTIME_BULK_QUOTES`; `timestamp` is US/Eastern wall clock without a zone."""

    symbol: str
    timestamp: str = ""
    close: str = ""
    volume: str = ""
    previous_close: str = ""
    extended_hours_quote: str = ""


class SplitRow(Struct, frozen=True, gc=False):
    """A row of `SPLITS`: new shares for each old one, rounded to four digits; a spin-off looks like an odd split."""

    effective_date: date
    split_factor: str


class DividendRow(Struct, frozen=True, gc=False):
    """A row of `DIVIDENDS`; the ex-date is `None` in words where it is not known yet."""

    ex_dividend_date: str
    amount: str


class Answer(Struct, frozen=True, gc=False):
    """Everything that an answer may hold beside the `Global Quote…` key, whose name changes with the entitlement."""

    error: str | None = field(name="Error Message", default=None)
    information: str | None = field(name="Information", default=None)
    note: str | None = field(name="Note", default=None)
    message: str | None = None
    data: Raw = Raw()
    """Empty where there is none."""
