"""The engine's view of the board: the quick way and the careful way say the same."""

from copy import copy

from hypothesis import given
from hypothesis import strategies as st

from firmquote.board import Board, halt_entry
from firmquote.decision import view_entry, view_line, view_others
from firmquote.model import NS_PER_MS, FeedClass, Grade, LastPrice, Quote
from firmquote.quality import GradePolicy, PlausibilityPolicy, age_ns, grade
from firmquote.safety import Restrictions
from firmquote.testing.clock import NOON_NS

SIDES = st.one_of(st.none(), st.just(100.0))


@given(
    feed_class=st.sampled_from(FeedClass),
    bid=SIDES,
    ask=st.one_of(st.none(), st.just(100.02)),
    age_ms=st.sampled_from([0, 2_999, 3_000, 3_001, 5_000, 5_001]),
    size=st.sampled_from([0, 100, 50_000_000, 50_000_001]),
    began_ms=st.sampled_from([0, 3_000, 10_000]),
    resumed_ms=st.sampled_from([None, 3_000, 0]),
    halted=st.booleans(),
    band=st.sampled_from([None, (90.0, 110.0), (100.0, 110.0)]),
)
def test_the_quick_view_has_the_grade_that_the_grader_gives(
    feed_class: FeedClass, bid: float | None, ask: float | None, age_ms: int, size: int, began_ms: int,
    resumed_ms: int | None, halted: bool, band: tuple[float, float] | None,
) -> None:  # fmt: skip
    board = Board(["IBM"], grading=GradePolicy(), plausibility=PlausibilityPolicy())
    feed = board.add_feed("a", feed_class)
    board.elect("IBM", "a")
    entry, line = board.entries["IBM"], feed.lines["IBM"]
    received_ns = NOON_NS - age_ms * NS_PER_MS
    line.made = quote = Quote("IBM", "a", bid, ask, size, size, received_ns, received_ns, 1)
    line.received_ns = received_ns
    line.since_ns = NOON_NS - began_ms * NS_PER_MS
    if resumed_ms is not None:
        entry.resumed_ns = NOON_NS - resumed_ms * NS_PER_MS
    entry.band = band
    if halted:
        halt_entry(entry, "test", "test")
    view = view_entry(board, entry, NOON_NS)
    assert view == view_line(board, line, NOON_NS)
    assert view.graded == grade(line.standing(), board.grading, now_ns=NOON_NS)
    assert (view.bid, view.ask, view.bid_shares) == (bid, ask, size)
    assert view.age_ms == age_ns(quote, NOON_NS) / NS_PER_MS
    assert view.mid == (None if bid is None or ask is None else (bid + ask) / 2)


def test_a_last_price_is_its_own_mid_and_nothing_is_nothing() -> None:
    board = Board(["IBM", "BAC"], grading=GradePolicy(), plausibility=PlausibilityPolicy())
    feed = board.add_feed("a", FeedClass.LAST_PRICE)
    other = board.add_feed("b", FeedClass.CONSOLIDATED)
    board.elect("IBM", "a")
    board.apply(feed, [LastPrice(symbol="IBM", provider="a", price=99.0, received_ns=NOON_NS)], NOON_NS)
    view = view_entry(board, board.entries["IBM"], NOON_NS)
    assert (view.last, view.mid, view.spread_bps, view.grade) == (99.0, 99.0, None, Grade.INDICATIVE)
    assert view_others(board, board.entries["IBM"], NOON_NS) == ()
    board.apply(other, [Quote("IBM", "b", 98.0, 98.1, 1, 1, NOON_NS, NOON_NS, 1)], NOON_NS)
    (seen,) = view_others(board, board.entries["IBM"], NOON_NS)
    assert (seen.provider, seen.bid) == ("b", 98.0)
    assert view_entry(board, board.entries["BAC"], NOON_NS).grade is Grade.NONE


def test_the_others_are_those_that_are_not_shown_whatever_hides_or_keeps_the_elected_line() -> None:
    board = Board(["IBM"], grading=GradePolicy(), plausibility=PlausibilityPolicy())
    entry = board.entries["IBM"]
    for provider, feed_class in (("a", FeedClass.CONSOLIDATED), ("mock", FeedClass.SYNTHETIC)):
        quote = Quote("IBM", provider, 98.0, 98.1, 1, 1, NOON_NS, NOON_NS, 1)
        board.apply(board.add_feed(provider, feed_class), [quote], NOON_NS)
    board.elect("IBM", "a")
    entry.elect(copy(entry.lines["a"]))  # as the board does while a line waits to take over
    assert [seen.provider for seen in view_others(board, entry, NOON_NS)] == ["mock"]
    board.restrict(Restrictions(force_mock=True))
    assert view_entry(board, entry, NOON_NS).provider == "mock"
    assert [seen.provider for seen in view_others(board, entry, NOON_NS)] == ["a"]
