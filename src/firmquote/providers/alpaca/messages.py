"""Alpaca's wire structs under its own field names. Fields that we do not use are not declared: skipping is free.

https://docs.alpaca.markets/docs/real-time-stock-pricing-data, read 2026-11-24.
"""

from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Raw, Struct, field

from firmquote.model import NS_PER_S


class Moment(int):
    """Nanoseconds since 1970-01-01 UTC, on the wire as e.g. `2021-02-22T15:51:45.335689322Z`.

    The fraction has up to nine digits, without trailing zeros, or is absent.
    """


def read_moment(_: type, text: str) -> Moment:
    """Read a time with its nanoseconds, which msgspec's own `datetime` would lose; ValueError for any other text."""
    if text[19:20] not in (".", "Z") or text[-1] != "Z":
        raise ValueError(f"{text!r} is no time")
    return Moment(_second_ns(text[:19]) + int(text[20:-1].ljust(9, "0")))


@lru_cache(maxsize=64)
def _second_ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_S


class QuoteMessage(Struct, frozen=True, gc=False, tag_field="T", tag="q"):
    """A change of the best bid or offer of the feed, named as `model.Tick` so that the board can keep it as it is.

    A price of 0 means no such side. There is no sequence number.
    """

    symbol: str = field(name="S")
    time: Moment = field(name="t")
    bid: float = field(name="bp", default=0.0)
    bid_size: int = field(name="bs", default=0)
    ask: float = field(name="ap", default=0.0)
    ask_size: int = field(name="as", default=0)

    @property
    def sequence(self) -> int:
        """Alpaca has none."""
        return 0


class StatusMessage(Struct, frozen=True, gc=False, tag_field="T", tag="s"):
    """A trading status; the codes differ by tape."""

    symbol: str = field(name="S")
    time: Moment = field(name="t")
    code: str = field(name="sc")
    words: str = field(name="sm", default="")
    cause: str = field(name="rm", default="")


class BandMessage(Struct, frozen=True, gc=False, tag_field="T", tag="l"):
    """Limit up, limit down: between these prices it may trade."""

    symbol: str = field(name="S")
    time: Moment = field(name="t")
    high: float = field(name="u")
    low: float = field(name="d")


class SuccessMessage(Struct, frozen=True, gc=False, tag_field="T", tag="success"):
    """`connected` and `authenticated`."""

    msg: str = ""


class ErrorMessage(Struct, frozen=True, gc=False, tag_field="T", tag="error"):
    """A refusal by number."""

    code: int
    msg: str = ""


class SubscriptionMessage(Struct, frozen=True, gc=False, tag_field="T", tag="subscription"):
    """The answer to every change: the entire set as it stands now, not what was just asked for."""

    quotes: tuple[str, ...] = ()


class OtherMessage(Struct, frozen=True, gc=False):
    """Any message at all: enough to tell a type that we did not ask for from a broken one."""

    T: str


class LatestQuote(Struct, frozen=True, gc=False):
    """A quote of the REST answer."""

    t: Moment
    bp: float = 0.0
    bs: int = 0
    ap: float = 0.0
    ask_size: int = field(name="as", default=0)


class LatestQuotes(Struct, frozen=True, gc=False):
    """`/v2/stocks/quotes/latest`: a symbol that Alpaca does not know, or has no quote of, is absent or null."""

    quotes: dict[str, Raw]


class ErrorAnswer(Struct, frozen=True, gc=False):
    """Any refusal by HTTP."""

    message: str = ""
