"""Ticks straight from the decoder: the fast way accepts and refuses exactly what the careful way does."""

from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from firmquote.board import Board, Entry, Feed
from firmquote.model import FeedClass, Output, Quote, Tick, UnknownSymbol
from firmquote.quality import Band, GradePolicy, PlausibilityPolicy, check_quote
from firmquote.safety import Restrictions
from firmquote.testing.clock import NOON_NS

NOW_NS = NOON_NS
NOW_MS = NOW_NS // 1_000_000
NAMES = {"IBM.wire": "IBM", "SPY.wire": "SPY"}
POLICY = PlausibilityPolicy()


class WireTick(Struct, frozen=True):
    symbol: str
    bid: float
    ask: float
    bid_size: int
    ask_size: int
    time: int
    sequence: int


class Scripted:
    """A protocol whose next frame is what the test put there."""

    url = ""
    tick_type: type = WireTick
    tick_ns = 1_000_000
    lot_shares = 1

    def __init__(self) -> None:
        self.next: Sequence[Output] = ()

    def make_quote(self, tick: Tick, received_ns: int) -> Quote | UnknownSymbol:
        symbol = NAMES.get(tick.symbol)
        if symbol is None:
            return UnknownSymbol(provider="p", spelling=tick.symbol, received_ns=received_ns)
        sizes = tick.bid_size, tick.ask_size
        sides = tick.bid or None, tick.ask or None
        return Quote(symbol, "p", *sides, *sizes, tick.time * 1_000_000, received_ns, tick.sequence)

    def on_frame(self, frame: bytes | memoryview, received_ns: int) -> Sequence[Output]:
        del frame, received_ns
        return self.next

    def on_connected(self, now_ns: int) -> Sequence[Output]:
        del now_ns
        return ()

    def subscribe(self, symbols: Sequence[str]) -> Sequence[Output]:
        del symbols
        return ()

    unsubscribe = subscribe
    on_timer = on_connected


class Codec:
    def to_provider(self, canonical: str) -> str:
        return f"{canonical}.wire"

    def from_provider(self, spelling: str) -> str:
        return NAMES[spelling]


def new_board(wake: Callable[[], None] = lambda: None) -> tuple[Board, Feed, Scripted]:
    board = Board(["IBM", "SPY"], grading=GradePolicy(), plausibility=POLICY, wake=wake)
    feed = board.add_feed("p", FeedClass.CONSOLIDATED)
    protocol = Scripted()
    feed.expect_ticks(protocol, Codec())
    for symbol in board.entries:
        board.elect(symbol, "p")
    return board, feed, protocol


def receive(board: Board, feed: Feed, protocol: Scripted, *outputs: Output) -> None:
    protocol.next = outputs
    board.receive(feed, protocol, b"", NOW_NS)


ticks = st.builds(
    WireTick,
    symbol=st.sampled_from(["IBM.wire", "SPY.wire", "NOPE"]),
    bid=st.sampled_from([0.0, 95.0, 99.0, 100.0, 101.0, 104.0, 109.0, 300.0]),
    ask=st.sampled_from([0.0, 96.0, 99.0, 100.0, 102.0, 110.0, 301.0, float("nan"), float("inf")]),
    bid_size=st.sampled_from([-1, 0, 100]),
    ask_size=st.sampled_from([0, 100]),
    time=st.integers(NOW_MS - 3_000, NOW_MS + 2_000),
    sequence=st.integers(0, 6),
)


@given(st.lists(st.lists(ticks, max_size=6), max_size=12))
def test_the_fast_way_accepts_and_refuses_exactly_what_check_quote_says(frames: list[list[WireTick]]) -> None:
    board, feed, protocol = new_board()
    believed: dict[str, Quote] = {}
    bands = {"IBM": Band(), "SPY": Band()}
    refused: dict[str, int] = {}
    unknown = accepted = 0
    for frame in frames:
        receive(board, feed, protocol, *frame)
        for tick in frame:
            quote = protocol.make_quote(tick, NOW_NS)
            if isinstance(quote, UnknownSymbol):
                unknown += 1
                continue
            reason = check_quote(quote, believed.get(quote.symbol), bands[quote.symbol], POLICY)
            if reason is None:
                accepted += 1
                believed[quote.symbol] = quote
            else:
                refused[reason.value] = refused.get(reason.value, 0) + 1
    counts = feed.counts()
    assert (accepted, refused, unknown) == (counts.accepted, counts.refused, counts.unknown_symbols)
    for symbol in ("IBM", "SPY"):
        assert believed.get(symbol) == board.view(symbol, NOW_NS).price


def test_a_tick_becomes_a_quote_only_when_somebody_looks() -> None:
    board, feed, protocol = new_board()
    first = WireTick("IBM.wire", 100.0, 100.02, 1, 1, NOW_MS - 2, 1)
    second = WireTick("IBM.wire", 100.0, 100.03, 1, 1, NOW_MS - 1, 2)
    receive(board, feed, protocol, first, second)
    line = feed.lines["IBM"]
    assert (second, None) == (line.tick, line.made)
    assert protocol.make_quote(second, NOW_NS) == board.view("IBM", NOW_NS).price
    assert line.made is not None


def test_a_polled_quote_and_a_tick_of_the_same_line_follow_one_order() -> None:
    board, feed, protocol = new_board()
    later = Quote("IBM", "p", 100.0, 100.1, 1, 1, NOW_NS, NOW_NS, 9)
    board.apply(feed, [later], NOW_NS)
    receive(board, feed, protocol, WireTick("IBM.wire", 99.0, 99.1, 1, 1, NOW_MS - 5, 1))
    assert later == board.view("IBM", NOW_NS).price
    assert feed.counts().refused == {"out_of_order": 1}


def names_of(entries: Sequence[Entry]) -> list[str]:
    return [entry.symbol for entry in entries]


def test_a_quote_that_changes_only_sizes_asks_for_no_decision_until_the_last_one_is_old() -> None:
    board, feed, protocol = new_board()
    board.flush()
    reader = board.add_reader("recording")
    receive(board, feed, protocol, WireTick("IBM.wire", 100.0, 100.02, 1, 1, NOW_MS - 9, 1))
    assert names_of(board.flush()) == ["IBM"]
    board.entries["IBM"].settle(NOW_NS + 1)
    receive(board, feed, protocol, WireTick("IBM.wire", 100.0, 100.02, 7, 7, NOW_MS - 8, 2))
    assert board.flush() == []
    board.entries["IBM"].settle(NOW_NS)
    receive(board, feed, protocol, WireTick("IBM.wire", 100.0, 100.02, 8, 8, NOW_MS - 7, 3))
    assert names_of(board.flush()) == ["IBM"]
    assert (names_of(reader.take()), board.entries["IBM"].updates) == (["IBM"], 4)  # its election was the first


def test_a_bid_or_an_ask_that_moves_and_a_change_of_what_is_allowed_ask_for_a_decision_at_once() -> None:
    board, feed, protocol = new_board()
    receive(board, feed, protocol, WireTick("IBM.wire", 100.0, 100.02, 1, 1, NOW_MS - 9, 1))
    board.flush()
    entry = board.entries["IBM"]
    entry.settle(NOW_NS + 1_000)
    receive(board, feed, protocol, WireTick("IBM.wire", 100.01, 100.02, 1, 1, NOW_MS - 8, 2))
    assert board.flush() == [entry]
    receive(board, feed, protocol, WireTick("IBM.wire", 100.01, 100.03, 1, 1, NOW_MS - 7, 3))
    assert board.flush() == [entry]
    board.restrict(Restrictions(quotes_off=True))
    assert names_of(board.flush()) == ["IBM", "SPY"]


def test_a_line_that_is_shown_no_more_or_again_asks_for_a_decision_with_its_next_quote() -> None:
    board, feed, protocol = new_board()
    board.add_feed("q", FeedClass.CONSOLIDATED)
    entry, line = board.entries["IBM"], feed.lines["IBM"]
    receive(board, feed, protocol, WireTick("IBM.wire", 100.0, 100.02, 1, 1, NOW_MS - 9, 1))
    entry.settle(NOW_NS + 1)
    board.elect("IBM", "q")
    assert line.settled_until_ns == 0
    board.elect("IBM", "p")
    board.flush()
    receive(board, feed, protocol, WireTick("IBM.wire", 100.0, 100.02, 2, 2, NOW_MS - 8, 2))
    assert board.flush() == [entry]


def test_the_shell_is_called_once_however_many_symbols_change_before_it_flushes() -> None:
    calls: list[int] = []
    board, feed, protocol = new_board(wake=lambda: calls.append(1))
    board.flush()
    board.add_reader("recording")
    calls.clear()
    for sequence, symbol in enumerate(["IBM.wire", "SPY.wire", "IBM.wire"], start=1):
        receive(board, feed, protocol, WireTick(symbol, 100.0, 100.0 + sequence / 100, 1, 1, NOW_MS - 3, sequence))
    assert calls == [1]
    assert names_of(board.flush()) == ["IBM", "SPY"]
    receive(board, feed, protocol, WireTick("SPY.wire", 100.0, 100.5, 1, 1, NOW_MS - 2, 4))
    assert calls == [1, 1]
