"""What is known of one symbol: a line for each provider, and the entry that shows one of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs

from firmquote.model import LastPrice, Price, Quote, Reason, Tick
from firmquote.quality import Band, PlausibilityPolicy, Refusals, Standing, Verdict

if TYPE_CHECKING:
    from firmquote.board.feed import Feed


class Line:
    """One provider's newest price of one symbol. A streamed quote is kept as its tick until somebody looks at it."""

    __slots__ = (
        "band",
        "changed_after_ns",
        "changed_ns",
        "entry",
        "feed",
        "last",
        "made",
        "received_ns",
        "refusals",
        "refused",
        "settled_until_ns",
        "since_ns",
        "tick",
        "verdict",
    )

    def __init__(self, feed: "Feed", entry: "Entry") -> None:
        self.feed = feed
        self.entry = entry
        self.band = Band()
        self.tick: Tick | None = None
        """The newest accepted quote as it came, if it came as a tick."""
        self.made: Quote | None = None
        """The newest accepted quote in our words, once somebody looked at it, or if it did not come as a tick."""
        self.received_ns = 0
        """When the newest accepted quote arrived."""
        self.last: LastPrice | None = None
        self.changed_ns = 0
        """When `last` changed its price; a quote has a time of its own."""
        self.changed_after_ns = 0
        """When the answer before that one came, still with the old price: it changed no earlier. 0 for no answer."""
        self.since_ns = 0
        """First-quote rule: when this line was (re)subscribed."""
        self.settled_until_ns = 0
        """Until then a quote that changes only sizes needs no decision; 0 while this line is not shown."""
        self.refusals: Refusals | None = None
        """The newest unbroken row of refused prices; over once a price was accepted after it began."""
        self.refused: dict[Reason, int] = {}
        """Prices that were refused, since the start."""
        self.verdict: Verdict | None = None
        """Why this provider is unfit for this symbol, as whoever judges it last said."""

    @property
    def accepted_ns(self) -> int:
        """When the newest accepted price of any kind arrived; 0 before the first."""
        return self.received_ns if self.last is None else max(self.received_ns, self.last.received_ns)

    def note_refusal(self, reason: Reason, at_ns: int) -> None:
        """Count a refused price, also to the present row of them."""
        self.refused[reason] = self.refused.get(reason, 0) + 1
        row = self.refusals
        if row is None or row.since_ns < self.accepted_ns:
            self.refusals = Refusals(reason, 1, at_ns)
        else:
            self.refusals = Refusals(reason, row.count + 1, row.since_ns)

    @property
    def consecutive_refusals(self) -> int:
        """How many were refused since the newest accepted price."""
        row = self.refusals
        return 0 if row is None or row.since_ns < self.accepted_ns else row.count

    @property
    def quote(self) -> Quote | None:
        """The newest accepted quote."""
        if self.made is None and self.tick is not None:
            made = self.feed.make_quote(self.tick, self.received_ns)
            assert isinstance(made, Quote)
            self.made = made
        return self.made

    @property
    def provider(self) -> str:
        """Whose line this is."""
        return self.feed.provider

    @property
    def price(self) -> Quote | LastPrice | None:
        """The newest accepted price, of whichever kind the provider sells."""
        quote = self.quote
        return quote if quote is not None else self.last

    @property
    def has_price(self) -> bool:
        """Whether a price has arrived since the line was subscribed or trading resumed."""
        price = self.price
        return price is not None and price.received_ns >= max(self.since_ns, self.entry.resumed_ns)

    def restate(self, to_new: Callable[[Price], Price | None], policy: PlausibilityPolicy, now_ns: int) -> None:
        """Put what is held from before a corporate action into its terms; nothing of it is tradable any more."""
        quote, last = self.quote, self.last
        self.tick = None
        self.made = None if quote is None else _restated(quote, to_new)
        self.last = None
        if last is not None and (price := to_new(last.price)) is not None:
            close = None if last.previous_close is None else to_new(last.previous_close)
            self.last = structs.replace(last, price=price, previous_close=close)
        mid = None if self.band.mid is None else to_new(self.band.mid)
        self.band = Band()
        if mid is not None:
            self.band.begin(mid, policy, at_ns=now_ns)
        self.refusals = None
        self.since_ns = now_ns

    def standing(self) -> Standing:
        """Return what the grade of this line depends on."""
        return Standing(
            price=self.price,
            feed_class=self.feed.feed_class,
            changed_ns=self.changed_ns,
            tradable_from_ns=max(self.since_ns, self.entry.resumed_ns),
            halted=self.entry.halted,
            verdict=self.verdict,
            band=self.entry.band,
        )


def _restated(quote: Quote, to_new: Callable[[Price], Price | None]) -> Quote | None:
    bid = None if quote.bid is None else to_new(quote.bid)
    ask = None if quote.ask is None else to_new(quote.ask)
    return None if bid is None and ask is None else structs.replace(quote, bid=bid, ask=ask)


class Entry:
    """One symbol on the board. It shows its elected line as it is: one provider's, never a mixture."""

    __slots__ = (
        "band",
        "came_ns",
        "dirty",
        "elected",
        "halts",
        "leapt_up",
        "lines",
        "moved",
        "resumed_ns",
        "rivals",
        "shown_ns",
        "swings_from_ns",
        "symbol",
        "updates",
    )

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.lines: dict[str, Line] = {}
        self.elected: Line | None = None
        self.rivals: frozenset[Line] = frozenset()
        """Lines that take over with their next quote that is newer than what is shown."""
        self.shown_ns = 0
        """The event time of the last quote shown of a line that was left; what is shown next is newer."""
        self.leapt_up: bool | None = None
        """In a race of lines: where the price jumped to at the last change of lines, if it did."""
        self.swings_from_ns = 0
        """In a race of lines: from when a jump and its way back are told of again."""
        self.dirty = False
        """Whether the readers will be told of it at the next flush."""
        self.moved = False
        """Whether a decision is due on it at the next flush."""
        self.came_ns = 0
        """When the quote came for which that decision is due; 0 where it is due for another reason."""
        self.updates = 0
        """Changes of what is shown, for readers: one that skips some knows how many by the difference."""
        self.halts: dict[str, str] = {}
        """Who says that trading is halted (a provider, an operator, a corporate action) → why."""
        self.resumed_ns = 0
        self.band: tuple[Price, Price] | None = None
        """Between which prices it may trade now (limit up, limit down), as far as a provider tells."""

    @property
    def halted(self) -> bool:
        """Whether anybody says that trading is halted."""
        return bool(self.halts)

    def elect(self, line: Line | None) -> None:
        """Show `line` from now on."""
        if self.elected is not None:
            self.elected.settled_until_ns = 0
        self.elected = line

    def settle(self, until_ns: int) -> None:
        """Whoever decides says until when a quote that changes only sizes needs no decision; 0 for not at all."""
        if self.elected is not None:
            self.elected.settled_until_ns = until_ns
