"""Which line of a symbol is shown, and how the board passes from one to another without a step back in time.

Make before break: the old line stays until the new one has something at least as new. What is shown never goes back in
event time and never repeats a quote; a jump of the price is marked as a seam.
"""

from msgspec import Struct

from firmquote.board.line import Entry, Line
from firmquote.model import NS_PER_S, LastPrice, Price, Quote, mid
from firmquote.routing import Showing

SEAM_SPREADS = 2.0
"""A mid that moves by more than this many spreads at a change of lines is marked."""
SWINGS_APART_NS = 60 * NS_PER_S
"""Where lines race, one that disagrees takes over many times a second."""
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
    up: bool
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
        up=after > before,
        words=f"from {before:g} to {after:g}, {spreads:.1f} spreads",
    )


def find_swing(entry: Entry, line: Line, now_ns: int) -> Seam | None:
    """Return the seam in a race of lines: a price that jumps to another line's and, with the next change, back.

    A single jump is the market's, seen first by one of them. At most one in `SWINGS_APART_NS` is told of a symbol.
    """
    if now_ns < entry.swings_from_ns:
        return None
    seam = None if _overlap(entry.elected, line) else find_seam(entry, line, now_ns)
    before, entry.leapt_up = entry.leapt_up, None if seam is None else seam.up
    if seam is None or before is None or before is seam.up:
        return None
    entry.swings_from_ns = now_ns + SWINGS_APART_NS
    return seam


def _overlap(shown: Line | None, line: Line) -> bool:
    """The usual case in a race, told cheaply: both quotes were made just before, to compare their times."""
    a, b = None if shown is None else shown.made, line.made
    if a is None or b is None or a.bid is None or a.ask is None or b.bid is None or b.ask is None:
        return False
    return a.bid <= b.ask and b.bid <= a.ask


def _event_ns(line: Line) -> int:
    assert line.quote is not None
    return line.quote.event_ns


def _level(price: Quote | LastPrice) -> tuple[Price | None, Price]:
    if isinstance(price, LastPrice):
        return price.price, 0.0
    if price.bid is None or price.ask is None:
        return price.bid if price.ask is None else price.ask, 0.0
    return mid(price.bid, price.ask), price.ask - price.bid
