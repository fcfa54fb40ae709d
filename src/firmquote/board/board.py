"""The board: what every symbol's quote is right now."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from copy import copy

from firmquote.board.arbitration import Seam, choose, find_seam, find_swing, is_same_quote, may_follow
from firmquote.board.feed import Feed
from firmquote.board.halts import halt_entry, resume_entry
from firmquote.board.line import Entry, Line
from firmquote.board.peers import begin_band, confirm_claim
from firmquote.board.reader import Reader
from firmquote.board.showing import BoardView, look_at
from firmquote.errors import UnknownSymbolError
from firmquote.model import (
    NS_PER_MS,
    CloseLine,
    FeedClass,
    Halt,
    LastPrice,
    LineStatus,
    Output,
    PriceBand,
    Quote,
    Reason,
    Send,
    StreamProtocol,
    Tick,
    UnknownSymbol,
    Unparsed,
)
from firmquote.quality import GradePolicy, PlausibilityPolicy, check_last_price, check_quote
from firmquote.routing import Showing
from firmquote.safety import NO_RESTRICTIONS, Restrictions

SEAMS_KEPT = 1_024
"""Seams that wait to be reported; beyond it the oldest are lost."""
_NO_RIVALS: frozenset[Line] = frozenset()


class Board:
    """Owns the lines of all symbols over all providers. Single-threaded; nothing here waits or reads a clock."""

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        grading: GradePolicy,
        plausibility: PlausibilityPolicy,
        wake: Callable[[], None] = lambda: None,
        fastest: bool = False,
    ) -> None:
        self.fastest = fastest
        """Whether every usable line of a symbol races: the newest quote is shown, whoever brings it."""
        self.seams: deque[Seam] = deque(maxlen=SEAMS_KEPT)
        self.entries = {symbol: Entry(symbol) for symbol in symbols}
        self.grading = grading
        self.plausibility = plausibility
        self.restrictions = NO_RESTRICTIONS
        self.restricted = False
        """Whether anything is forbidden at all: the hot path asks this first."""
        self._future_ns = plausibility.future_ms_max * NS_PER_MS
        self._wake = wake
        self._providers: set[str] = set()
        self._called = False
        self._dirty: list[Entry] = []
        self._moved: list[Entry] = []
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
        self._providers.add(provider)
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
        readers = self._readers
        accepted = time = 0
        for output in protocol.on_frame(frame, received_ns):
            if type(output) is tick_type:
                tick: Tick = output  # type: ignore[assignment]  # its type was just looked at
                line = lines.get(tick.symbol)
                if line is not None:
                    previous = line.tick
                    band = line.band
                    bid, ask, moment = tick.bid, tick.ask, tick.time
                    if (  # all that check_quote says, for the quote that has nothing unusual about it
                        previous is not None
                        and band.low < bid <= ask < band.high
                        and previous.time <= moment <= latest
                        and (previous.sequence < tick.sequence or previous.time < moment)
                        and tick.bid_size >= 0
                        and tick.ask_size >= 0
                    ):
                        accepted += 1
                        time = moment
                        line.tick = tick
                        line.received_ns = received_ns
                        line.made = None
                        settled = received_ns < line.settled_until_ns and bid == previous.bid and ask == previous.ask
                        if settled and not readers:
                            continue
                        entry = line.entry
                        if entry.elected is line:
                            entry.updates += 1
                            if not settled and not entry.moved:
                                self._move(entry, received_ns)
                            if readers and not entry.dirty:
                                self._mark(entry)
                        elif line in entry.rivals:
                            self._contend(entry, line, received_ns)
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
        """Show `provider`'s line for `symbol` from now on, with the quote that it already holds, whatever was shown."""
        entry = self.entries[symbol]
        line = None if provider is None else entry.lines[provider]
        if entry.elected is not line:
            self._change_lines(entry, line)

    def show(self, showing: Callable[[str], Showing], symbols: Iterable[str], now_ns: int) -> list[str]:
        """Show each of `symbols` from the line that should serve it now: make before break.

        A line that is not yet as new as what is shown takes over with its next quote. A symbol that nobody has stays on
        the line that it is on, if that has a price, however old: its grade decays. A barred line is left at once.
        Returns the symbols that are not shown from the first of their order, so that somebody looks again.
        """
        waiting = []
        for symbol in symbols:
            entry, plan = self.entries[symbol], showing(symbol)
            self._arbitrate(entry, choose(entry, plan, fastest=self.fastest), plan, now_ns)
            shown = entry.elected
            wanted = plan.order if self.fastest else plan.order[:1]
            if shown is None or shown.provider not in wanted:
                waiting.append(symbol)
        return waiting

    def begin(self, feed: Feed, symbols: Iterable[str], now_ns: int) -> None:
        """First-quote rule: these lines were (re)subscribed; nothing older is tradable."""
        for symbol in symbols:
            feed.lines[symbol].since_ns = now_ns

    def restrict(self, restrictions: Restrictions) -> None:
        """Show nothing that `restrictions` forbid, from this call on, and tell the readers."""
        if restrictions != self.restrictions:
            self.restrictions = restrictions
            self.restricted = restrictions != NO_RESTRICTIONS
            for entry in self.entries.values():
                self.touch(entry)

    def touch(self, entry: Entry, came_ns: int = 0) -> None:
        """Count a change of what `entry` shows: a decision is due on it, and the readers are told.

        `came_ns` is when a quote came that is shown from now on; 0 for any other reason.
        """
        entry.updates += 1
        if not entry.moved:
            self._move(entry, came_ns)
        if self._readers and not entry.dirty:
            self._mark(entry)

    # -- reading

    def flush(self) -> list[Entry]:
        """Return the symbols to decide on, and hand every changed one to every reader, once.

        A quote with the bid and the ask of the one before asks for no decision before `Line.settled_until_ns`. The
        shell calls this once per wake-up.
        """
        self._called = False
        moved, self._moved = self._moved, []
        for entry in moved:
            entry.moved = False
        dirty, self._dirty = self._dirty, []
        for entry in dirty:
            entry.dirty = False
        for reader in self._readers:
            reader.mark(dirty)
        return moved

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
        return look_at(entry, self.restrictions, self.grading, now_ns)

    # -- arbitration

    def _arbitrate(self, entry: Entry, line: Line | None, plan: Showing, now_ns: int) -> None:
        shown = entry.elected
        pending = _NO_RIVALS
        if shown is not None and shown.provider in plan.barred:
            self._change_lines(entry, line, None if line is None else find_seam(entry, line, now_ns))
        elif line is None:
            if shown is None and plan.order:
                self._change_lines(entry, entry.lines[plan.order[0]])
        elif line is not shown:
            if shown is None or shown.price is None or may_follow(entry, line):
                self._change_lines(entry, line, find_seam(entry, line, now_ns))
            elif is_same_quote(line, shown):
                entry.elect(line)  # what readers see stays as it is, so there is nothing to tell them
            else:
                pending = frozenset((line,))
                if shown.provider not in plan.order:
                    entry.elect(copy(shown))  # what it brings from now on is not shown any more
        if self.fastest:
            pending = frozenset(entry.lines[name] for name in plan.order if entry.lines[name] is not entry.elected)
        entry.rivals = pending

    def _contend(self, entry: Entry, line: Line, now_ns: int) -> None:
        if may_follow(entry, line):
            old = entry.elected
            entry.rivals -= {line}
            if self.fastest and old is not None:
                entry.rivals |= {old}
            find = find_swing if self.fastest else find_seam
            self._change_lines(entry, line, find(entry, line, now_ns))

    def _change_lines(self, entry: Entry, line: Line | None, seam: Seam | None = None) -> None:
        old = entry.elected
        if old is not None and old.quote is not None:
            entry.shown_ns = max(entry.shown_ns, old.quote.event_ns)
        if seam is not None:
            self.seams.append(seam)
        entry.elect(line)
        self.touch(entry)

    # -- the less frequent events

    def _move(self, entry: Entry, came_ns: int) -> None:
        entry.moved = True
        entry.came_ns = came_ns
        self._moved.append(entry)
        self._call()

    def _mark(self, entry: Entry) -> None:
        entry.dirty = True
        self._dirty.append(entry)
        self._call()

    def _call(self) -> None:
        if not self._called:
            self._called = True
            self._wake()

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
        if line.band.mid is None:
            begin_band(line, self.plausibility, now_ns=quote.received_ns)
        reason = check_quote(quote, line.quote, line.band, self.plausibility)
        if reason is Reason.JUMP and confirm_claim(line, self.plausibility, now_ns=quote.received_ns):
            reason = None
        if reason is not None:
            feed.refuse(reason)
            line.note_refusal(reason, quote.received_ns)
            return
        line.tick = tick
        line.received_ns = quote.received_ns
        line.made = quote
        feed.accepted += 1
        feed.last_accepted_ns = quote.received_ns
        if tick is not None:  # what was asked for is as old as it is; only what is streamed can be late
            feed.note_frame(quote.received_ns, quote.received_ns - quote.event_ns)
        if line.entry.elected is line:
            self.touch(line.entry, quote.received_ns)
        elif line in line.entry.rivals:
            self._contend(line.entry, line, quote.received_ns)

    def _apply_other(self, feed: Feed, event: Output) -> None:
        match event:
            case LastPrice():
                self._apply_last(feed, event)
            case PriceBand():
                self._apply_band(feed, event)
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
        if line.band.mid is None:
            begin_band(line, self.plausibility, now_ns=last.received_ns)
        reason = check_last_price(last, line.band, self.plausibility)
        if reason is Reason.JUMP and confirm_claim(line, self.plausibility, now_ns=last.received_ns):
            reason = None
        if reason is not None:
            feed.refuse(reason)
            line.note_refusal(reason, last.received_ns)
            return
        if before is None or before.price != last.price:
            line.changed_ns = last.received_ns
            line.changed_after_ns = 0 if before is None else before.received_ns
        line.last = last
        feed.accepted += 1
        feed.last_accepted_ns = last.received_ns
        if line.entry.elected is line:
            self.touch(line.entry, last.received_ns)

    def _apply_band(self, feed: Feed, band: PriceBand) -> None:
        entry = self.entries.get(band.symbol)
        if entry is None or not 0 < band.low < band.high:
            feed.unknown_symbols += 1
            return
        feed.halts += 1
        entry.band = band.low, band.high
        self.touch(entry)

    def _apply_halt(self, feed: Feed, halt: Halt) -> None:
        entry = self.entries.get(halt.symbol)
        if entry is None:
            feed.unknown_symbols += 1
            return
        feed.halts += 1
        if halt.halted:
            halt_entry(entry, feed.provider, halt.cause or "halted")
        else:  # the market's word, whichever provider brings it; an operator's halt stays
            resume_entry(entry, self._providers, now_ns=halt.received_ns)
        self.touch(entry)
