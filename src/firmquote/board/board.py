"""The board: what every symbol's quote is right now."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from firmquote.board.feed import Feed
from firmquote.board.line import Entry, Line
from firmquote.board.reader import Reader
from firmquote.errors import UnknownSymbolError
from firmquote.model import (
    NS_PER_MS,
    CloseLine,
    FeedClass,
    Graded,
    Halt,
    LastPrice,
    LineStatus,
    Output,
    Quote,
    Send,
    StreamProtocol,
    Tick,
    UnknownSymbol,
    Unparsed,
)
from firmquote.quality import GradePolicy, PlausibilityPolicy, Standing, age_ns, check_last_price, check_quote, grade

_NOTHING = Standing(price=None, feed_class=FeedClass.CONSOLIDATED)


class BoardView(Struct, frozen=True, kw_only=True):
    """One symbol as it stands at `now_ns`."""

    symbol: str
    provider: str | None
    price: Quote | LastPrice | None
    graded: Graded
    halted: bool
    age_ns: int | None
    updates: int
    now_ns: int


class Board:
    """Owns the lines of all symbols over all providers. Single-threaded; nothing here waits or reads a clock."""

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        grading: GradePolicy,
        plausibility: PlausibilityPolicy,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.entries = {symbol: Entry(symbol) for symbol in symbols}
        self.grading = grading
        self.plausibility = plausibility
        self._future_ns = plausibility.future_ms_max * NS_PER_MS
        self._wake = wake
        self._dirty: list[Entry] = []
        self._readers: list[Reader] = []

    # -- assembling

    def add_feed(
        self,
        provider: str,
        feed_class: FeedClass,
        control: Callable[[LineStatus | Send | CloseLine], None] = lambda _: None,
    ) -> Feed:
        """Give every symbol a line of `provider`; none is shown before it is elected."""
        feed = Feed(provider, feed_class, control)
        for entry in self.entries.values():
            line = Line(feed, entry)
            entry.lines[provider] = feed.lines[entry.symbol] = line
        return feed

    def add_reader(self, name: str) -> Reader:
        """Return a new reader; it is told of every change from now on."""
        reader = Reader(name)
        self._readers.append(reader)
        return reader

    # -- writing

    def receive(self, feed: Feed, protocol: StreamProtocol, frame: bytes | memoryview, received_ns: int) -> None:
        """Take one frame from the socket to the board, in this call. This is the hot path."""
        lines = feed.spelled
        tick_type = feed.tick_type
        latest = (received_ns + self._future_ns) // feed.tick_ns
        accepted = time = 0
        for output in protocol.on_frame(frame, received_ns):
            if type(output) is tick_type:
                tick: Tick = output  # type: ignore[assignment]  # its type was just looked at
                line = lines.get(tick.symbol)
                if line is not None:
                    previous = line.tick
                    band = line.band
                    if (  # all that check_quote says, for the quote that has nothing unusual about it
                        previous is not None
                        and band.low < tick.bid <= tick.ask < band.high
                        and previous.time <= tick.time <= latest
                        and previous.sequence < tick.sequence
                        and tick.bid_size >= 0
                        and tick.ask_size >= 0
                    ):
                        accepted += 1
                        time = tick.time
                        line.tick = tick
                        line.received_ns = received_ns
                        line.made = None
                        entry = line.entry
                        if entry.elected is line:
                            entry.updates += 1
                            if not entry.dirty:
                                self._mark(entry)
                        continue
            self._apply(feed, output, received_ns)
        if accepted:
            feed.accepted += accepted
            feed.note_frame(received_ns, received_ns - time * feed.tick_ns)

    def apply(self, feed: Feed, outputs: Sequence[Output], received_ns: int) -> None:
        """Put what a provider said on its lines, in order; what is no price goes to `feed.control`."""
        for output in outputs:
            self._apply(feed, output, received_ns)

    def elect(self, symbol: str, provider: str | None) -> None:
        """Show `provider`'s line for `symbol` from now on, with the quote that it already holds."""
        entry = self.entries[symbol]
        line = None if provider is None else entry.lines[provider]
        if entry.elected is line:
            return
        entry.elected = line
        self.touch(entry)

    def show(self, order: Sequence[str]) -> list[str]:
        """Show every symbol from the first provider in `order` that has a tradable price of it: make before break.

        A symbol that none has stays on the line that it is on, if that has a price, however old: its grade decays.
        Returns the symbols that wait for the first provider's price.
        """
        waiting = []
        for symbol, entry in self.entries.items():
            candidates = list(order) if entry.elected is None else [*order, entry.elected.provider]
            provider = next((name for name in candidates if entry.lines[name].has_price), order[0])
            if not entry.lines[order[0]].has_price:
                waiting.append(symbol)
            self.elect(symbol, provider)
        return waiting

    def begin(self, feed: Feed, symbols: Iterable[str], now_ns: int) -> None:
        """First-quote rule: these lines were (re)subscribed; nothing older is tradable."""
        for symbol in symbols:
            feed.lines[symbol].since_ns = now_ns

    def touch(self, entry: Entry) -> None:
        """Count a change of what `entry` shows and tell the readers."""
        entry.updates += 1
        if not entry.dirty:
            self._mark(entry)

    # -- reading

    def flush(self) -> None:
        """Hand every changed symbol to every reader, once. The shell calls this once per wake-up."""
        dirty, self._dirty = self._dirty, []
        for entry in dirty:
            entry.dirty = False
        for reader in self._readers:
            reader.mark(dirty)

    def view(self, symbol: str, now_ns: int) -> BoardView:
        """Return what is shown for `symbol`, graded at `now_ns`.

        Raises:
            UnknownSymbolError: the symbol is not on this board.
        """
        entry = self.entries.get(symbol)
        if entry is None:
            known = ", ".join(sorted(self.entries)[:8])
            raise UnknownSymbolError(
                f"{symbol}: not served here. Add it to feeds.quotes.live_symbols_allowlist, or ask for one of: {known}."
            )
        line = entry.elected
        standing = _NOTHING if line is None else line.standing()
        return BoardView(
            symbol=symbol,
            provider=None if line is None else line.provider,
            price=standing.price,
            graded=grade(standing, self.grading, now_ns=now_ns),
            halted=entry.halted,
            age_ns=None if standing.price is None else age_ns(standing.price, now_ns),
            updates=entry.updates,
            now_ns=now_ns,
        )

    # -- the less frequent events

    def _mark(self, entry: Entry) -> None:
        entry.dirty = True
        if not self._dirty:
            self._wake()
        self._dirty.append(entry)

    def _apply(self, feed: Feed, output: Output, received_ns: int) -> None:
        if type(output) is feed.tick_type:
            tick: Tick = output  # type: ignore[assignment]  # its type was just looked at
            made = feed.make_quote(tick, received_ns)
            if isinstance(made, Quote):
                self._apply_quote(feed, made, tick)
            else:
                feed.unknown_symbols += 1
        elif isinstance(output, Quote):
            self._apply_quote(feed, output, None)
        else:
            self._apply_other(feed, output)

    def _apply_quote(self, feed: Feed, quote: Quote, tick: Tick | None) -> None:
        line = feed.lines.get(quote.symbol)
        if line is None:
            feed.unknown_symbols += 1
            return
        reason = check_quote(quote, line.quote, line.band, self.plausibility)
        if reason is not None:
            feed.refuse(reason)
            return
        line.tick = tick
        line.received_ns = quote.received_ns
        line.made = quote
        feed.accepted += 1
        feed.last_accepted_ns = quote.received_ns
        if tick is not None:  # what was asked for is as old as it is; only what is streamed can be late
            feed.note_frame(quote.received_ns, quote.received_ns - quote.event_ns)
        if line.entry.elected is line:
            self.touch(line.entry)

    def _apply_other(self, feed: Feed, event: Output) -> None:
        match event:
            case LastPrice():
                self._apply_last(feed, event)
            case Halt():
                self._apply_halt(feed, event)
            case Unparsed():
                feed.unparsed += 1
                feed.sample = event.sample
            case UnknownSymbol():
                feed.unknown_symbols += 1
            case LineStatus() | Send() | CloseLine():
                feed.statuses += isinstance(event, LineStatus)
                feed.control(event)

    def _apply_last(self, feed: Feed, last: LastPrice) -> None:
        line = feed.lines.get(last.symbol)
        if line is None:
            feed.unknown_symbols += 1
            return
        before = line.last
        elapsed_ns = 0 if before is None else last.received_ns - before.received_ns
        reason = check_last_price(last, line.band, self.plausibility, elapsed_ns=elapsed_ns)
        if reason is not None:
            feed.refuse(reason)
            return
        if before is None or before.price != last.price:
            line.changed_ns = last.received_ns
            feed.changes += 1
        line.last = last
        feed.accepted += 1
        feed.last_accepted_ns = last.received_ns
        if line.entry.elected is line:
            self.touch(line.entry)

    def _apply_halt(self, feed: Feed, halt: Halt) -> None:
        entry = self.entries.get(halt.symbol)
        if entry is None:
            feed.unknown_symbols += 1
            return
        feed.halts += 1
        entry.halted = halt.halted
        if not halt.halted:
            entry.resumed_ns = halt.received_ns
        self.touch(entry)
