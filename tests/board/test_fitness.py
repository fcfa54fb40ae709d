"""What verdicts and the other lines' prices do to a symbol on the board."""

from firmquote.board import Board, Feed
from firmquote.model import FeedClass, Grade, PriceBand, Quote, Reason
from firmquote.quality import GradePolicy, PlausibilityPolicy, Verdict
from firmquote.testing import quote
from firmquote.testing.clock import NOON_NS

UNFIT = Verdict(Reason.DIVERGENT, "words", NOON_NS)
QUARANTINED = Verdict(Reason.SPLIT_MISMATCH, "words", NOON_NS, quarantines=True)


def new_board() -> tuple[Board, Feed, Feed]:
    board = Board(["IBM"], grading=GradePolicy(), plausibility=PlausibilityPolicy())
    return board, board.add_feed("active", FeedClass.CONSOLIDATED), board.add_feed("warm", FeedClass.CONSOLIDATED)


def say(board: Board, feed: Feed, mid: float, *, age_ms: float = 0) -> None:
    new = quote(bid=mid - 0.01, ask=mid + 0.01, provider=feed.provider, age_ms=age_ms)
    board.apply(feed, [new], new.received_ns)


def test_a_contradicted_price_is_indicative_and_says_why() -> None:
    board, active, _ = new_board()
    say(board, active, 100.0)
    board.elect("IBM", "active")
    active.lines["IBM"].verdict = UNFIT
    graded = board.view("IBM", NOON_NS).graded
    assert (graded.grade, graded.reasons) == (Grade.INDICATIVE, (Reason.DIVERGENT,))


def test_a_symbol_in_quarantine_is_for_nobody() -> None:
    board, active, _ = new_board()
    say(board, active, 100.0)
    board.elect("IBM", "active")
    active.lines["IBM"].verdict = QUARANTINED
    graded = board.view("IBM", NOON_NS).graded
    assert (graded.grade, graded.reasons) == (Grade.NONE, (Reason.SPLIT_MISMATCH,))


def test_two_providers_that_see_the_same_new_level_believe_each_other() -> None:
    board, active, warm = new_board()
    say(board, active, 100.0, age_ms=900)
    say(board, warm, 100.0, age_ms=900)
    for age_ms in (800, 700, 600):
        say(board, active, 50.0, age_ms=age_ms)
        say(board, warm, 50.0, age_ms=age_ms)
    assert [price(feed) for feed in (active, warm)] == [50.0, 50.0]


def test_one_that_jumps_alone_is_not_believed() -> None:
    board, active, warm = new_board()
    say(board, active, 100.0, age_ms=900)
    for age_ms in (800, 700, 600, 500):
        say(board, warm, 100.0, age_ms=age_ms)
        say(board, active, 1_000.0, age_ms=age_ms)
    assert price(active) == 100.0
    assert active.refused == {Reason.JUMP: 4}
    refusals = active.lines["IBM"].refusals
    assert refusals is not None
    assert (refusals.count, refusals.reason) == (4, Reason.JUMP)


def test_a_provider_that_comes_later_begins_at_the_price_of_the_others() -> None:
    board, active, warm = new_board()
    say(board, active, 100.0, age_ms=900)
    say(board, warm, 10.0, age_ms=800)
    assert warm.lines["IBM"].price is None
    say(board, warm, 100.1, age_ms=700)
    assert price(warm) == 100.1


def price(feed: Feed) -> float:
    found = feed.lines["IBM"].price
    assert isinstance(found, Quote)
    assert found.bid is not None
    return round(found.bid + 0.01, 4)


def test_a_symbol_at_its_price_limit_is_not_firm_until_the_limits_move() -> None:
    board, active, _ = new_board()
    say(board, active, 100.0)
    board.elect("IBM", "active")
    for low, high, grade in ((95.0, 99.99, Grade.INDICATIVE), (95.0, 105.0, Grade.FIRM), (105.0, 95.0, Grade.FIRM)):
        board.apply(
            active, [PriceBand(symbol="IBM", provider="active", low=low, high=high, received_ns=NOON_NS)], NOON_NS
        )
        assert board.view("IBM", NOON_NS).graded.grade is grade
    assert active.counts().unknown_symbols == 1, "limits that are none are counted and change nothing"
