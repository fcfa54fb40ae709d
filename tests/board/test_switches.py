"""Ten thousand changes of lines at random moments of real ticks."""

from collections import deque
from random import Random

from firmquote.board import Board
from firmquote.board.arbitration import SEAM_SPREADS
from firmquote.lab import TapeQuote, load_tape
from firmquote.model import NS_PER_MS, FeedClass, Quote
from firmquote.quality import GradePolicy, PlausibilityPolicy
from firmquote.routing import Showing

SWITCHES = 10_000
LATER_MS = {"a": 2, "b": 8, "c": 60}
"""How much later each provider brings the same quote."""
LOST_BY_C = 0.05
"""The share of quotes that one provider never brings."""


class Board3:
    """Three providers of the tape's quotes; `order` says who should be shown."""

    def __init__(self, symbols: tuple[str, ...], random: Random) -> None:
        self.random = random
        self.board = Board(symbols, grading=GradePolicy(), plausibility=PlausibilityPolicy())
        self.feeds = {name: self.board.add_feed(name, FeedClass.CONSOLIDATED) for name in LATER_MS}
        self.waiting: dict[str, deque[Quote]] = {name: deque() for name in LATER_MS}
        self.reader = self.board.add_reader("test")
        self.order = list(LATER_MS)
        self.shown: dict[str, tuple[str, Quote]] = {}
        self.before: dict[tuple[str, str], Quote | None] = {}
        """The last quote but one that a provider brought of a symbol."""
        self.seams = 0
        self.changes_of_line = 0

    def happen(self, row: TapeQuote, sequence: int) -> None:
        for name, later_ms in LATER_MS.items():
            if name == "c" and self.random.random() < LOST_BY_C:
                continue
            received_ns = row.ts_ns + later_ms * NS_PER_MS
            sides, sizes = (row.bid, row.ask), (row.bid_size_shares, row.ask_size_shares)
            self.waiting[name].append(Quote(row.symbol, name, *sides, *sizes, row.ts_ns, received_ns, sequence))

    def deliver(self, now_ns: int) -> None:
        due = [
            self.waiting[name].popleft()
            for name in LATER_MS
            for _ in range(sum(quote.received_ns <= now_ns for quote in self.waiting[name]))
        ]
        for quote in sorted(due, key=lambda quote: quote.received_ns):
            self.before[quote.provider, quote.symbol] = self.feeds[quote.provider].lines[quote.symbol].quote
            self.board.apply(self.feeds[quote.provider], [quote], quote.received_ns)
            self.check(quote.received_ns)

    def switch(self, now_ns: int) -> None:
        self.order.insert(0, self.order.pop(self.random.randrange(1, 3)))
        plan = Showing(tuple(self.order), frozenset())
        self.board.show(lambda _: plan, self.board.entries, now_ns)
        self.check(now_ns)

    def check(self, now_ns: int) -> None:
        """Look at every change that readers see."""
        marked = {seam.symbol for seam in self.board.seams}
        self.seams += len(self.board.seams)
        self.board.seams.clear()
        self.board.flush()
        for entry in self.reader.take():
            view = self.board.view(entry.symbol, now_ns)
            quote = view.price
            before = self.shown.get(entry.symbol)
            if before is None and quote is None:
                continue  # the first quote of this symbol is still on its way
            assert isinstance(quote, Quote), "no symbol without its quote"
            assert view.provider is not None
            self.shown[entry.symbol] = view.provider, quote
            if before is None:
                continue
            provider, old = before
            assert quote.event_ns >= old.event_ns, "no event time backward"
            same = (quote.bid, quote.ask, quote.bid_size_shares, quote.ask_size_shares, quote.event_ns) == (
                old.bid, old.ask, old.bid_size_shares, old.ask_size_shares, old.event_ns
            )  # fmt: skip
            if provider != view.provider:
                self.changes_of_line += 1
                assert not same, "no duplicate"
                known = self.before.get((view.provider, entry.symbol))
                moved = known is not None and (known.bid, known.ask) == (old.bid, old.ask)  # the market itself
                assert moved or jump(old, quote) <= SEAM_SPREADS or entry.symbol in marked, "no unmarked jump"


def jump(old: Quote, new: Quote) -> float:
    assert old.bid is not None
    assert old.ask is not None
    assert new.bid is not None
    assert new.ask is not None
    spread = max(old.ask - old.bid, new.ask - new.bid, (new.bid + new.ask) / 2 * 1e-4)
    return abs(new.bid + new.ask - old.bid - old.ask) / 2 / spread


def test_ten_thousand_switches_never_go_back_repeat_or_jump_unmarked() -> None:
    tape = load_tape()
    random = Random(20131008)
    boards = Board3(tape.symbols, random)
    rows = [row for row in tape.rows if isinstance(row, TapeQuote)]
    every = len(rows) // SWITCHES
    switches = 0
    for sequence, row in enumerate(rows, start=1):
        boards.happen(row, sequence)
        boards.deliver(row.ts_ns)
        if len(boards.shown) < len(tape.symbols):
            boards.board.show(lambda _: Showing(("a", "b", "c"), frozenset()), boards.board.entries, row.ts_ns)
        elif sequence % every == 0:
            boards.switch(row.ts_ns + random.randrange(0, 5) * NS_PER_MS)
            switches += 1
    assert switches >= SWITCHES
    assert boards.changes_of_line > SWITCHES / 2, "the switches did change what is shown"
    assert all(view.price is not None for view in (boards.board.view(s, rows[-1].ts_ns) for s in tape.symbols))
