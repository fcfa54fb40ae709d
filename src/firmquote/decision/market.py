"""What the engine sees of one symbol, taken from the board."""

from msgspec import Struct

from firmquote.board import Board, Entry, Line, visible_line
from firmquote.model import BPS, NS_PER_MS, Grade, Graded, LastPrice, Price, Quote, Shares
from firmquote.model.trading import QuoteUsed
from firmquote.quality import age_ns, grade

NO_PRICE = Graded(Grade.NONE)


class MarketView(Struct, frozen=True, gc=False):
    """One symbol at one moment. `last` is set where the provider sells no bid and ask."""

    symbol: str
    graded: Graded
    provider: str | None
    bid: Price | None
    ask: Price | None
    last: Price | None
    age_ms: float | None
    received_ns: int = 0
    bid_shares: Shares = 0
    ask_shares: Shares = 0

    @property
    def grade(self) -> Grade:
        """How far the price may be trusted."""
        return self.graded.grade

    @property
    def mid(self) -> Price | None:
        """The middle of bid and ask, or the last price where there are none."""
        if self.bid is not None and self.ask is not None:
            return (self.bid + self.ask) / 2
        return self.last

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
    line, _ = visible_line(entry, board.restrictions)
    if line is None:
        return MarketView(entry.symbol, NO_PRICE, None, None, None, None, None)
    return view_line(board, line, now_ns)


def view_line(board: Board, line: Line, now_ns: int) -> MarketView:
    """Return one provider's price of a symbol, shown or not."""
    standing = line.standing()
    price = standing.price
    graded = grade(standing, board.grading, now_ns=now_ns)
    symbol, provider = line.entry.symbol, line.feed.provider
    if price is None:
        return MarketView(symbol, graded, provider, None, None, None, None)
    age_ms = age_ns(price, now_ns) / NS_PER_MS
    if isinstance(price, Quote):
        return MarketView(
            symbol,
            graded,
            provider,
            price.bid,
            price.ask,
            None,
            age_ms,
            price.received_ns,
            price.bid_size_shares,
            price.ask_size_shares,
        )
    assert isinstance(price, LastPrice)
    return MarketView(symbol, graded, provider, None, None, price.price, age_ms, price.received_ns)


def view_others(board: Board, entry: Entry, now_ns: int) -> tuple[MarketView, ...]:
    """Return what the providers that are not shown have of a symbol; those without a price are left out."""
    lines = (line for line in entry.lines.values() if line is not entry.elected)
    return tuple(view for view in (view_line(board, line, now_ns) for line in lines) if view.received_ns)
