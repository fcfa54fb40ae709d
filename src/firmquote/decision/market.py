"""What the engine sees of one symbol, taken from the board."""

from collections.abc import Sequence
from typing import cast

from msgspec import Struct

from firmquote.board import Board, Entry, Line, visible_line
from firmquote.model import BPS, NS_PER_MS, FeedClass, Grade, Graded, Price, Quote, Shares
from firmquote.model.trading import QuoteUsed
from firmquote.quality import age_ns, grade, is_plainly_firm

NO_PRICE = Graded(Grade.NONE)
FIRM = Graded(Grade.FIRM)
_CONSOLIDATED = FeedClass.CONSOLIDATED  # on the hot path; naming a member of an enum takes 80 ns on Python 3.11


class MarketView(Struct, frozen=True, gc=False):
    """One symbol at one moment. `last` is set where the provider sells no bid and ask, and then `mid` is the same."""

    symbol: str
    graded: Graded
    provider: str | None
    bid: Price | None
    ask: Price | None
    last: Price | None
    mid: Price | None
    age_ms: float | None
    received_ns: int = 0
    bid_shares: Shares = 0
    ask_shares: Shares = 0

    @property
    def grade(self) -> Grade:
        """How far the price may be trusted."""
        return self.graded.grade

    @property
    def spread_bps(self) -> float | None:
        """The spread in basis points of the mid, or `None` without two sides."""
        if self.bid is None or self.ask is None:
            return None
        return (self.ask - self.bid) / (self.ask + self.bid) * 2 * BPS

    def quote_used(self) -> QuoteUsed:
        """Return it as documents show it."""
        return QuoteUsed(
            bid=self.bid,
            ask=self.ask,
            last=self.last,
            grade=self.grade.label,
            reasons=tuple(reason.value for reason in self.graded.reasons),
            provider=self.provider,
            age_ms=self.age_ms,
        )


def view_entry(board: Board, entry: Entry, now_ns: int) -> MarketView:
    """Return what the board shows of a symbol."""
    return view_entries(board, (entry,), now_ns)[0]


def view_entries(board: Board, entries: Sequence[Entry], now_ns: int) -> list[MarketView]:
    """Return what the board shows of some symbols, in their order."""
    if board.restricted:
        lines = [visible_line(entry, board.restrictions)[0] for entry in entries]
    else:
        lines = [entry.elected for entry in entries]
    if None in lines:
        return [
            _view_nothing(e) if s is None else view_line(board, s, now_ns) for e, s in zip(entries, lines, strict=True)
        ]
    return view_lines(board, cast("list[Line]", lines), now_ns)


def view_line(board: Board, line: Line, now_ns: int) -> MarketView:
    """Return one provider's price of a symbol, shown or not."""
    return view_lines(board, (line,), now_ns)[0]


def view_lines(board: Board, lines: Sequence[Line], now_ns: int) -> list[MarketView]:
    """Return what lines say, in their order. This is the hot path.

    A tick that has nothing unusual about it is read as it came, without making a quote of it.
    """
    views = []
    grading = board.grading
    for line in lines:
        entry, feed, tick, received_ns = line.entry, line.feed, line.tick, line.received_ns
        if (
            tick is not None
            and line.verdict is None
            and not entry.halts
            and entry.band is None
            and feed.feed_class is _CONSOLIDATED
            and received_ns >= line.since_ns
            and received_ns >= entry.resumed_ns
        ):
            bid, ask, lot_shares = tick.bid, tick.ask, feed.lot_shares
            bid_shares, ask_shares = tick.bid_size * lot_shares, tick.ask_size * lot_shares
            born_ns = tick.time * feed.tick_ns
            born_ns = min(born_ns, received_ns)
            if bid and ask and is_plainly_firm(grading, now_ns, born_ns, bid_shares, ask_shares):
                age_ms = (now_ns - born_ns) / NS_PER_MS if now_ns > born_ns else 0.0
                mid = (bid + ask) / 2
                views.append(
                    MarketView(
                        entry.symbol, FIRM, feed.provider, bid, ask, None, mid, age_ms,
                        received_ns, bid_shares, ask_shares,
                    )
                )  # fmt: skip
                continue
        views.append(_view_slowly(board, line, now_ns))
    return views


def view_others(board: Board, entry: Entry, now_ns: int) -> tuple[MarketView, ...]:
    """Return what the providers that are not shown have of a symbol; those without a price are left out."""
    shown = visible_line(entry, board.restrictions)[0]
    lines = (line for line in entry.lines.values() if shown is None or line.provider != shown.provider)
    return tuple(view for view in (view_line(board, line, now_ns) for line in lines) if view.received_ns)


def _view_nothing(entry: Entry) -> MarketView:
    return MarketView(entry.symbol, NO_PRICE, None, None, None, None, None, None)


def _view_slowly(board: Board, line: Line, now_ns: int) -> MarketView:
    standing = line.standing()
    price = standing.price
    graded = grade(standing, board.grading, now_ns=now_ns)
    symbol, provider = line.entry.symbol, line.feed.provider
    if isinstance(price, Quote):
        return _view_quote(price, graded, provider, now_ns)
    if price is None:
        return MarketView(symbol, graded, provider, None, None, None, None, None)
    age_ms = age_ns(price, now_ns) / NS_PER_MS
    return MarketView(symbol, graded, provider, None, None, price.price, price.price, age_ms, price.received_ns)


def _view_quote(quote: Quote, graded: Graded, provider: str, now_ns: int) -> MarketView:
    bid, ask = quote.bid, quote.ask
    return MarketView(
        quote.symbol,
        graded,
        provider,
        bid,
        ask,
        None,
        None if bid is None or ask is None else (bid + ask) / 2,
        age_ns(quote, now_ns) / NS_PER_MS,
        quote.received_ns,
        quote.bid_size_shares,
        quote.ask_size_shares,
    )
