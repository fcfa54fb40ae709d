"""From one line to another without a step back in time, a repeated quote, or an unmarked jump."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from firmquote.board import Board
from firmquote.model import NS_PER_MS, FeedClass, LastPrice, Quote
from firmquote.quality import GradePolicy, PlausibilityPolicy
from firmquote.routing import Showing
from firmquote.testing import last_price, quote
from firmquote.testing.clock import NOON_NS


class Two:
    """A board of one symbol with lines of `a` and `b`, and of `c` that sells last prices; `want` says who should be shown."""

    def __init__(self, *, fastest: bool = False) -> None:
        self.board = Board(["IBM"], grading=GradePolicy(), plausibility=PlausibilityPolicy(), fastest=fastest)
        self.feeds = {name: self.board.add_feed(name, FeedClass.CONSOLIDATED) for name in ("a", "b", "c")}
        self.reader = self.board.add_reader("test")
        self.now_ns = NOON_NS

    def put(self, provider: str, at_ms: int, *, bid: float = 100.0, spread: float = 0.02, size: int = 200) -> None:
        arrived = quote(
            bid=bid,
            ask=bid + spread,
            bid_size_shares=size,
            provider=provider,
            now_ns=NOON_NS + at_ms * NS_PER_MS,
            sequence=at_ms,
        )
        self.board.apply(self.feeds[provider], [arrived], arrived.received_ns)

    def put_last(self, provider: str, price: float) -> None:
        self.board.apply(self.feeds[provider], [last_price(price=price, provider=provider)], NOON_NS)

    def want(self, *order: str, barred: Sequence[str] = ()) -> list[str]:
        plan = Showing(order, frozenset(barred))
        return self.board.show(lambda _: plan, ["IBM"], NOON_NS)

    @property
    def shown(self) -> tuple[str | None, int | None]:
        """The provider shown, and the milliseconds of its quote's time."""
        view = self.board.view("IBM", NOON_NS)
        price = view.price
        return view.provider, (price.event_ns - NOON_NS) // NS_PER_MS if isinstance(price, Quote) else None

    def updates(self) -> int:
        return self.board.entries["IBM"].updates


def test_a_newer_line_takes_over_in_the_same_call() -> None:
    two = Two()
    two.put("a", 1)
    two.want("a")
    two.put("b", 2)
    assert two.want("b", "a") == []
    assert two.shown == ("b", 2)


def test_an_older_line_waits_for_its_next_newer_quote_and_the_old_one_stays_meanwhile() -> None:
    two = Two()
    two.put("b", 1, bid=99.99)
    two.put("a", 5)
    two.want("a")
    assert two.want("b") == ["IBM"]
    assert two.shown == ("a", 5)
    two.put("b", 4, bid=99.98)
    assert two.shown == ("a", 5), "still older than what was shown"
    two.put("b", 6)
    assert two.shown == ("b", 6)


def test_a_line_that_must_be_left_is_not_followed_any_further_even_if_it_is_always_a_little_ahead() -> None:
    two = Two()
    two.put("a", 5, bid=101.0)
    two.put("b", 4)
    two.want("a")
    assert two.want("b") == ["IBM"]
    two.put("a", 8, bid=102.0)
    assert two.shown == ("a", 5), "a is no longer followed"
    two.put("b", 7)
    assert two.shown == ("b", 7), "although a has brought 8"


def test_the_same_quote_of_another_line_takes_over_without_being_news() -> None:
    two = Two()
    two.put("a", 5)
    two.put("b", 5)
    two.want("a")
    before = two.updates()
    assert two.want("b") == []
    assert two.shown == ("b", 5)
    assert two.updates() == before


def test_a_barred_line_is_left_at_once_even_for_nothing() -> None:
    two = Two()
    two.put("b", 1)
    two.put("a", 5)
    two.want("a", "b")
    two.want("b", barred=["a"])
    assert two.shown == ("b", 1)
    two.want(barred=["a", "b"])
    assert two.board.view("IBM", NOON_NS).price is None


def test_a_last_price_stands_in_at_once_and_the_quotes_that_follow_do_not_go_back() -> None:
    two = Two()
    two.put("a", 5)
    two.want("a")
    two.put_last("c", 100.01)
    two.want("c", "a")
    assert isinstance(two.board.view("IBM", NOON_NS).price, LastPrice)
    two.want("a", "c")
    assert two.shown == ("a", 5), "the last quote that was shown is still the newest"


def test_a_jump_at_a_change_of_lines_is_marked_and_a_small_step_is_not() -> None:
    two = Two()
    two.put("a", 1, bid=100.00)
    two.want("a")
    two.put("b", 2, bid=100.01)
    two.want("b")
    assert not two.board.seams
    two.put("a", 3, bid=100.50)
    two.want("a")
    (seam,) = two.board.seams
    assert (seam.symbol, seam.before, seam.after) == ("IBM", "b", "a")
    assert seam.spreads > 20


def test_in_fastest_mode_a_price_that_jumps_to_and_fro_is_marked_once_a_minute() -> None:
    two = Two(fastest=True)
    two.put("a", 1, bid=100.00)
    two.want("a", "b")
    two.put("b", 2, bid=100.30)
    assert not two.board.seams, "it may be the market that moved"
    two.put("a", 3, bid=100.00)
    (seam,) = two.board.seams
    assert (seam.symbol, seam.before, seam.after) == ("IBM", "b", "a")
    for at_ms in range(4, 60_000, 1_000):
        two.put("b", at_ms, bid=100.30)
        two.put("a", at_ms + 1, bid=100.00)
    assert len(two.board.seams) == 1
    for at_ms in range(60_004, 62_000, 1_000):
        two.put("b", at_ms, bid=100.30)
        two.put("a", at_ms + 1, bid=100.00)
    assert len(two.board.seams) == 2


def test_in_fastest_mode_a_market_that_moves_makes_no_seam() -> None:
    two = Two(fastest=True)
    two.put("a", 1, bid=100.00)
    two.want("a", "b")
    for at_ms in range(2, 40, 2):
        two.put("b", at_ms, bid=100 + at_ms / 10)
        two.put("a", at_ms + 1, bid=100 + at_ms / 10)
    assert not two.board.seams


def test_in_fastest_mode_leaving_a_barred_line_with_a_jump_is_marked() -> None:
    two = Two(fastest=True)
    two.put("a", 1, bid=100.00)
    two.want("a")
    two.put("b", 2, bid=100.30)
    two.want("b", barred=["a"])
    assert len(two.board.seams) == 1


def test_in_fastest_mode_the_newest_quote_is_shown_whoever_brings_it_and_copies_are_dropped() -> None:
    two = Two(fastest=True)
    two.put("a", 1)
    two.want("a", "b")
    two.put("b", 1)
    before = two.updates()
    assert two.shown == ("a", 1), "a copy is no news"
    two.put("b", 2, size=300)
    assert two.shown == ("b", 2)
    two.put("a", 2, size=300)
    assert two.updates() == before + 1
    two.put("a", 3)
    assert two.shown == ("a", 3)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "switch", "last"]),
            st.integers(0, 3),
            st.sampled_from([99.99, 100.0, 100.01]),
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_whatever_happens_no_time_goes_back_and_no_quote_is_shown_twice(
    steps: list[tuple[str, int, float]], fastest: bool
) -> None:
    two = Two(fastest=fastest)
    order = ["a", "b", "c"]
    times = {"a": 0, "b": 0}
    newest: tuple[int, float] | None = None
    seen = 0
    for what, by_ms, price in steps:
        if what == "switch":
            order = order[1:] + order[:1]
        elif what == "last":
            two.put_last("c", price)
        else:
            times[what] += by_ms
            two.put(what, times[what], bid=price)
        two.want(*order)
        shown = two.board.view("IBM", NOON_NS).price
        if isinstance(shown, Quote) and two.updates() != seen:
            assert newest is None or shown.event_ns >= newest[0]
            newest = (shown.event_ns, shown.bid or 0.0)
        seen = two.updates()
