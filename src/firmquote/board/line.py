"""What is known of one symbol: a line for each provider, and the entry that shows one of them."""

from firmquote.model import FeedClass, LastPrice, Quote
from firmquote.quality import Band, Standing


class Line:
    """One provider's newest price of one symbol."""

    __slots__ = ("band", "changed_ns", "entry", "feed_class", "last", "provider", "quote", "since_ns", "updates")

    def __init__(self, provider: str, feed_class: FeedClass, entry: "Entry") -> None:
        self.provider = provider
        self.feed_class = feed_class
        self.entry = entry
        self.band = Band()
        self.quote: Quote | None = None
        self.last: LastPrice | None = None
        self.changed_ns = 0
        """When `last` changed its price; a quote has a time of its own."""
        self.since_ns = 0
        """First-quote rule: when this line was (re)subscribed."""
        self.updates = 0

    @property
    def price(self) -> Quote | LastPrice | None:
        """The newest accepted price, of whichever kind the provider sells."""
        return self.quote if self.quote is not None else self.last

    @property
    def has_price(self) -> bool:
        """Whether a price has arrived since the line was subscribed or trading resumed."""
        price = self.price
        return price is not None and price.received_ns >= max(self.since_ns, self.entry.resumed_ns)

    def standing(self) -> Standing:
        """Return what the grade of this line depends on."""
        return Standing(
            price=self.price,
            feed_class=self.feed_class,
            changed_ns=self.changed_ns,
            tradable_from_ns=max(self.since_ns, self.entry.resumed_ns),
            halted=self.entry.halted,
        )


class Entry:
    """One symbol on the board. It shows its elected line as it is: one provider's, never a mixture."""

    __slots__ = ("dirty", "elected", "halted", "lines", "resumed_ns", "symbol", "updates")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.lines: dict[str, Line] = {}
        self.elected: Line | None = None
        self.dirty = False
        self.updates = 0
        """Changes of what is shown; a reader that skips some knows how many by the difference."""
        self.halted = False
        self.resumed_ns = 0
