"""Which line of a symbol is shown, and how the board passes from one to another without a step back in time.

Make before break: the old line stays until the new one has something at least as new. What is shown never goes back in
event time and never repeats a quote; a jump of the price is marked as a seam.
"""

from msgspec import Struct

from firmquote.board.line import Entry, Line
from firmquote.model import LastPrice, Price, Quote, mid
from firmquote.routing import Showing

SEAM_SPREADS = 2.0
"""A mid that moves by more than this many spreads at a change of lines is marked."""
LOCKED_SPREAD = 1e-4
"""What stands in for the spread of a locked quote: a hundredth of a percent of the price."""


class Seam(Struct, frozen=True, kw_only=True):
    """What was shown before and after a change of lines does not fit together smoothly."""

    symbol: str
    at_ns: int
    before: str
    after: str
    spreads: float
    """How far the price moved, in spreads of the wider of the two quotes."""
    words: str


def choose(entry: Entry, showing: Showing, *, fastest: bool) -> Line | None:
    """Return the line that should be shown: the first of the order with a price, or the newest if `fastest`."""
    lines = [line for name in showing.order if (line := entry.lines[name]).has_price]
    if not lines:
        return None
    if fastest:
        quoted = [line for line in lines if line.quote is not None]
        return max(quoted, key=_event_ns, default=lines[0])  # of equally new ones the first
    return lines[0]


def may_follow(entry: Entry, line: Line) -> bool:
    """Say whether showing `line` now would not go back in time or show the same quote twice."""
    new, shown = line.price, None if entry.elected is None else entry.elected.price
    if not isinstance(new, Quote) or shown is None:
        return True
    if not isinstance(shown, Quote):
        return new.event_ns >= entry.shown_ns
    return new.event_ns > max(entry.shown_ns, shown.event_ns) and not is_same_quote(line, entry.elected)


def is_same_quote(line: Line, other: Line | None) -> bool:
    """Say whether two lines hold one and the same quote: equal values, and equal times as far as both can tell."""
    if other is None:
        return False
    a, b = line.quote, other.quote
    if a is None or b is None:
        return False
    resolution_ns = max(line.feed.tick_ns, other.feed.tick_ns)
    return (a.bid, a.ask, a.bid_size_shares, a.ask_size_shares) == (
        b.bid,
        b.ask,
        b.bid_size_shares,
        b.ask_size_shares,
    ) and abs(a.event_ns - b.event_ns) <= resolution_ns


def find_seam(entry: Entry, line: Line, now_ns: int) -> Seam | None:
    """Return the seam that showing `line` instead of the present one makes, if the price jumps."""
    old = entry.elected
    if old is None or old.price is None or line.price is None:
        return None
    before, spread_before = _level(old.price)
    after, spread_after = _level(line.price)
    if before is None or after is None:
        return None
    spreads = abs(after - before) / max(spread_before, spread_after, after * LOCKED_SPREAD)
    if spreads <= SEAM_SPREADS:
        return None
    return Seam(
        symbol=entry.symbol,
        at_ns=now_ns,
        before=old.provider,
        after=line.provider,
        spreads=spreads,
        words=f"from {before:g} to {after:g}, {spreads:.1f} spreads",
    )


def _event_ns(line: Line) -> int:
    assert line.quote is not None
    return line.quote.event_ns


def _level(price: Quote | LastPrice) -> tuple[Price | None, Price]:
    if isinstance(price, LastPrice):
        return price.price, 0.0
    if price.bid is None or price.ask is None:
        return price.bid if price.ask is None else price.ask, 0.0
    return mid(price.bid, price.ask), price.ask - price.bid
