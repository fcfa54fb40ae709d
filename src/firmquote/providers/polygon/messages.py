"""Polygon's wire structs under its own field names. Fields that we do not use are not declared: skipping is free.

https://massive.com/docs/websocket/stocks/quotes and rest/stocks/snapshots, read 2026-11-24.
"""

from msgspec import Struct, field


class QuoteMessage(Struct, frozen=True, gc=False, tag_field="ev", tag="Q"):
    """An NBBO change on the stream, named as `model.Tick` so that the board can keep it as it is.

    Sizes in shares (or lots, before late 2025); `t` in milliseconds by the documentation. 0 means no such side.
    """

    symbol: str = field(name="sym")
    time: int = field(name="t")
    sequence: int = field(name="q", default=0)
    bid: float = field(name="bp", default=0.0)
    bid_size: int = field(name="bs", default=0)
    ask: float = field(name="ap", default=0.0)
    ask_size: int = field(name="as", default=0)


class StatusMessage(Struct, frozen=True, gc=False, tag_field="ev", tag="status"):
    """What the server says of the line itself."""

    status: str = ""
    message: str = ""


class BandMessage(Struct, frozen=True, gc=False, tag_field="ev", tag="LULD"):
    """Limit up, limit down, and halts of Nasdaq's stocks.

    The ticker's key is `T` here, and the unit of `t` varies (dossier trap 5, section 3).
    """

    ticker: str = field(name="T")
    time: int = field(name="t")
    high: float = field(name="h", default=0.0)
    low: float = field(name="l", default=0.0)
    indicators: tuple[int, ...] = field(name="i", default=())
    tape: int = field(name="z", default=0)


class OtherMessage(Struct, frozen=True, gc=False):
    """Any message at all: enough to tell an event type we did not ask for from a broken one."""

    ev: str


class LastQuote(Struct, frozen=True, gc=False):
    """REST last NBBO and a snapshot's `lastQuote`: lower-case bid, upper-case ask, `t` in ns."""

    t: int
    p: float = 0.0
    s: int = 0
    ask: float = field(name="P", default=0.0)
    ask_size: int = field(name="S", default=0)
    q: int = 0


class NbboAnswer(Struct, frozen=True, gc=False):
    """`/v2/last/nbbo/{ticker}`."""

    results: LastQuote


class TickerSnapshot(Struct, frozen=True, gc=False):
    """One ticker of a snapshot; `lastQuote` is there only if the plan has quotes, and is wiped at 03:30 ET."""

    ticker: str
    last_quote: LastQuote | None = field(name="lastQuote", default=None)


class SnapshotAnswer(Struct, frozen=True, gc=False):
    """`/v2/snapshot/locale/us/markets/stocks/tickers`."""

    tickers: tuple[TickerSnapshot, ...] = ()


class ErrorAnswer(Struct, frozen=True, gc=False):
    """Any refusal: the text is in `error` or in `message`."""

    status: str = ""
    error: str = ""
    message: str = ""
