"""From decoded events to what readers see."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.board import Board, Feed
from firmquote.errors import UnknownSymbolError
from firmquote.model import (
    FeedClass,
    Grade,
    Halt,
    LineState,
    LineStatus,
    Output,
    Quote,
    Reason,
    Send,
    UnknownSymbol,
    Unparsed,
)
from firmquote.quality import Band, GradePolicy, PlausibilityPolicy, check_quote
from firmquote.testing import last_price, quote
from firmquote.testing.clock import NOON_NS


def new_board(symbols: Sequence[str] = ("IBM", "SPY"), **options: object) -> Board:
    return Board(symbols, grading=GradePolicy(), plausibility=PlausibilityPolicy(), **options)  # type: ignore[arg-type]  # passed through


def new_feed(board: Board, provider: str = "polygon", *, elected: bool = True) -> Feed:
    feed = board.add_feed(provider, FeedClass.CONSOLIDATED)
    if elected:
        for symbol in board.entries:
            board.elect(symbol, provider)
    return feed


def put(board: Board, feed: Feed, *events: Output) -> None:
    board.apply(feed, events, NOON_NS)


def test_an_elected_line_is_shown_as_it_is() -> None:
    board = new_board()
    arrived = quote("IBM", bid=180.01, ask=180.03)
    put(board, new_feed(board), arrived)
    view = board.view("IBM", NOON_NS)
    assert (arrived, "polygon", Grade.FIRM) == (view.price, view.provider, view.graded.grade)


def test_a_line_that_is_not_elected_is_kept_warm_and_shown_the_moment_it_is() -> None:
    board = new_board()
    put(board, new_feed(board, "polygon"), quote("IBM", bid=1, ask=2))
    warm = quote("IBM", bid=1.1, ask=2.1, provider="alpaca")
    put(board, new_feed(board, "alpaca", elected=False), warm)
    assert board.view("IBM", NOON_NS).provider == "polygon"
    board.elect("IBM", "alpaca")
    assert warm == board.view("IBM", NOON_NS).price


def test_a_symbol_without_any_quote_has_grade_none() -> None:
    assert new_board().view("IBM", NOON_NS).graded.grade == Grade.NONE


def test_a_symbol_that_is_not_served_is_an_error_that_says_what_is() -> None:
    with pytest.raises(UnknownSymbolError, match=r"MSFT: not served here.*IBM, SPY"):
        new_board().view("MSFT", NOON_NS)


def test_every_decoded_event_is_counted_exactly_once() -> None:
    board = new_board()
    feed = new_feed(board)
    put(
        board,
        feed,
        quote("IBM"),
        quote("IBM"),
        quote("IBM", bid=5, ask=4),
        quote("NOPE"),
        last_price("SPY"),
        Halt(symbol="SPY", provider="polygon", halted=True, received_ns=NOON_NS),
        Unparsed(provider="polygon", received_ns=NOON_NS, sample=b"{"),
        UnknownSymbol(provider="polygon", spelling="XX", received_ns=NOON_NS),
        LineStatus(provider="polygon", state=LineState.READY, received_ns=NOON_NS),
    )
    counts = feed.counts()
    assert (counts.accepted, counts.refused) == (2, {"duplicate": 1, "crossed": 1})
    assert (counts.halts, counts.unparsed, counts.unknown_symbols, counts.statuses) == (1, 1, 2, 1)


def test_statuses_and_effects_go_to_the_control_in_wire_order() -> None:
    heard: list[object] = []
    board = new_board()
    feed = board.add_feed("polygon", FeedClass.CONSOLIDATED, heard.append)
    said: list[Output] = [
        Send(payload=b"x"),
        LineStatus(provider="polygon", state=LineState.READY, received_ns=NOON_NS),
    ]
    put(board, feed, *said)
    assert said == heard


def test_a_halt_costs_firmness_and_a_resumption_needs_a_fresh_quote() -> None:
    board = new_board()
    feed = new_feed(board)
    put(board, feed, quote("IBM", age_ms=20), Halt(symbol="IBM", provider="polygon", halted=True, received_ns=NOON_NS))
    assert board.view("IBM", NOON_NS).graded.reasons == (Reason.HALTED,)
    put(board, feed, Halt(symbol="IBM", provider="polygon", halted=False, received_ns=NOON_NS))
    assert board.view("IBM", NOON_NS).graded.reasons == (Reason.AWAITING_FIRST_QUOTE,)
    put(board, feed, quote("IBM"))
    assert board.view("IBM", NOON_NS).graded.grade == Grade.FIRM


def test_nothing_is_tradable_between_a_subscription_and_its_first_quote() -> None:
    board = new_board()
    feed = new_feed(board)
    put(board, feed, quote("IBM", age_ms=5))
    board.begin(feed, ["IBM"], NOON_NS)
    assert board.view("IBM", NOON_NS).graded.grade == Grade.STALE


def test_a_slow_reader_sees_each_symbol_once_with_its_newest_quote_and_an_exact_count_of_what_it_missed() -> None:
    board = new_board()
    feed = new_feed(board)
    board.flush()
    fast, slow = board.add_reader("fast"), board.add_reader("slow")
    for entry in board.entries.values():
        slow._seen[entry.symbol] = fast._seen[entry.symbol] = entry.updates
    for number in range(1, 101):
        put(board, feed, quote("IBM", age_ms=200 - number, sequence=number))
        board.flush()
        list(fast.take())
    (entry,) = slow.take()
    assert entry.elected is not None
    assert entry.elected.quote is not None
    assert entry.elected.quote.sequence == 100
    assert (slow.delivered, slow.conflated, len(slow)) == (1, 99, 0)
    assert (fast.delivered, fast.conflated) == (100, 0)


def test_readers_are_woken_once_per_batch() -> None:
    wakes: list[int] = []
    board = new_board(wake=lambda: wakes.append(1))
    feed = new_feed(board)
    board.flush()
    wakes.clear()
    put(board, feed, *(quote("IBM", age_ms=100 - n, sequence=n) for n in range(50)), quote("SPY"))
    assert len(wakes) == 1


events = st.lists(
    st.builds(
        quote,
        st.sampled_from(["IBM", "SPY"]),
        bid=st.sampled_from([None, 0.0, 95.0, 99.0, 100.0, 101.0, 300.0]),
        ask=st.sampled_from([None, 96.0, 99.0, 100.0, 102.0, 301.0, float("nan"), float("inf")]),
        bid_size_shares=st.sampled_from([-1, 0, 100]),
        age_ms=st.integers(-2_000, 2_000),
        sequence=st.integers(0, 5),
    ),
    max_size=40,
)


@given(events)
def test_the_hot_path_accepts_and_refuses_exactly_what_check_quote_says(arrived: list[Quote]) -> None:
    board = new_board()
    feed = new_feed(board)
    policy = PlausibilityPolicy()
    believed: dict[str, Quote] = {}
    bands = {"IBM": Band(), "SPY": Band()}
    refused: dict[str, int] = {}
    for event in arrived:
        event_now = quote(
            event.symbol,
            bid=event.bid,
            ask=event.ask,
            bid_size_shares=event.bid_size_shares,
            age_ms=(NOON_NS - event.event_ns) / 1_000_000,
            lag_ms=(NOON_NS - event.event_ns) / 1_000_000,
            sequence=event.sequence,
        )
        put(board, feed, event_now)
        reason = check_quote(event_now, believed.get(event.symbol), bands[event.symbol], policy)
        if reason is None:
            believed[event.symbol] = event_now
        else:
            refused[reason.value] = refused.get(reason.value, 0) + 1
    assert refused == feed.counts().refused
    for symbol in ("IBM", "SPY"):
        assert believed.get(symbol) == board.view(symbol, NOON_NS).price


def test_delays_are_those_of_the_last_frames_and_can_be_forgotten() -> None:
    feed = new_feed(new_board())
    for delay_ns in range(3_000):
        feed.note_frame(NOON_NS, delay_ns)
    assert feed.delays_ns() == list(range(3_000 - 1_024, 3_000))
    feed.forget_delays()
    assert feed.delays_ns() == []
    feed.note_frame(NOON_NS, 7)
    assert feed.delays_ns() == [7]
    feed.note_frame(NOON_NS, 6)
    assert feed.delays_ns(since_frames=3_001) == [6]
    assert feed.delays_ns(since_frames=3_002) == []
