"""One row of history, and the columns that it is kept in."""

import pyarrow as pa
from msgspec import Struct

from firmquote.model import Price, Shares

SCHEMA = pa.schema(
    [
        ("ts_ns", pa.int64()),
        ("symbol", pa.dictionary(pa.int32(), pa.string())),
        ("provider", pa.dictionary(pa.int32(), pa.string())),
        ("bid", pa.float64()),
        ("bid_size", pa.int64()),
        ("ask", pa.float64()),
        ("ask_size", pa.int64()),
        ("last", pa.float64()),
        ("event_ns", pa.int64()),
        ("sequence", pa.int64()),
    ]
)
"""Nanoseconds since 1970 UTC, dollars, shares. `ts_ns` is when it was shown; an absent side or time is null."""


class QuoteRow(Struct, frozen=True, gc=False):
    """What the board showed of a symbol from `ts_ns` on."""

    ts_ns: int
    symbol: str
    provider: str
    bid: Price | None
    bid_size_shares: Shares
    ask: Price | None
    ask_size_shares: Shares
    last: Price | None
    event_ns: int | None
    sequence: int
