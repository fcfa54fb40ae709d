"""Symbols that fall out of a live subscription."""

from firmquote.board import Board
from firmquote.model import NS_PER_MS, FeedClass, Session
from firmquote.quality import GradePolicy, PlausibilityPolicy, SilencePolicy
from firmquote.runtime.frozen_lines import FrozenLines, LineVerdict
from firmquote.testing import last_price, quote
from firmquote.testing.clock import NOON_NS

TICK_MS = 50


class Watching:
    """Streams `a` and `b` of IBM and SPY; every 50 ms what the test says arrives."""

    def __init__(self) -> None:
        self.board = Board(["IBM", "SPY"], grading=GradePolicy(), plausibility=PlausibilityPolicy())
        self.feeds = {name: self.board.add_feed(name, FeedClass.CONSOLIDATED) for name in ("a", "b")}
        self.asked: list[tuple[str, str]] = []
        self.frozen = FrozenLines(
            self.board, SilencePolicy(), lambda provider, symbol: self.asked.append((provider, symbol))
        )
        for name in self.feeds:
            self.frozen.watch(name, 0)
        self.well = {"a": True, "b": True}
        self.ticks = 0
        self.told: list[LineVerdict] = []

    def tick(self, *speaking: str, times: int = 1, stalled: bool = False) -> "Watching":
        """Let lines such as `a.IBM` speak at each of `times` looks."""
        for _ in range(times):
            self.ticks += 1
            now_ns = NOON_NS + self.ticks * TICK_MS * NS_PER_MS
            for name in speaking:
                provider, symbol = name.split(".")
                arrived = quote(symbol, provider=provider, now_ns=now_ns, sequence=self.ticks)
                self.board.apply(self.feeds[provider], [arrived], now_ns)
            monotonic_ns = self.ticks * TICK_MS * NS_PER_MS
            for some in self.frozen.look(self.well, stalled=stalled, monotonic_ns=monotonic_ns):
                self.told += some
        return self

    def warm(self) -> "Watching":
        self.tick("a.IBM", "b.IBM", "a.SPY", "b.SPY", times=20)
        assert self.told == []
        return self

    def frozen_lines(self) -> list[str]:
        return [f"{verdict.provider}.{verdict.symbol}" for verdict in self.told if verdict.words]


def test_a_dropped_symbol_is_told_within_a_second_and_asked_for_again() -> None:
    watching = Watching().warm().tick("b.IBM", "a.SPY", "b.SPY", times=19)
    assert watching.frozen_lines() == ["a.IBM"]
    assert watching.asked == [("a", "IBM")]


def test_it_is_asked_for_again_less_and_less_often() -> None:
    watching = Watching().warm().tick("b.IBM", "a.SPY", "b.SPY", times=20 * 100)
    assert watching.asked == [("a", "IBM")] * 3, "at once, after 30 s and after 60 s more"
    assert watching.frozen_lines() == ["a.IBM"], "told once"


def test_it_is_told_when_it_speaks_again() -> None:
    watching = Watching().warm().tick("b.IBM", "a.SPY", "b.SPY", times=30).tick("a.IBM")
    assert watching.told[-1] == LineVerdict("a", "IBM", None)


def test_a_symbol_that_is_quiet_everywhere_is_not_frozen() -> None:
    assert Watching().warm().tick("a.SPY", "b.SPY", times=2_000).told == []


def test_a_stream_that_is_not_well_is_judged_as_a_whole_and_its_lines_are_not() -> None:
    watching = Watching().warm()
    watching.well["a"] = False
    assert watching.tick("b.IBM", "b.SPY", times=100).told == []


def test_the_word_of_a_stream_that_is_not_well_does_not_count() -> None:
    watching = Watching().warm()
    watching.well["b"] = False
    assert watching.tick("b.IBM", "a.SPY", times=100).told == []


def test_a_halted_symbol_is_not_frozen() -> None:
    watching = Watching().warm()
    watching.board.entries["IBM"].halts["p"] = "news"
    assert watching.tick("b.IBM", "a.SPY", "b.SPY", times=100).told == []


def beside_a_polled_provider(*prices: float) -> Watching:
    """Freeze `a.IBM`, of which a second is a usual gap, for 14 s, while the last prices of IBM elsewhere are these, one after another."""
    watching = Watching()
    polled = watching.board.add_feed("polled", FeedClass.LAST_PRICE)
    watching.well = {"a": True, "b": False, "polled": True}
    for _ in range(70):
        watching.tick("a.SPY", times=19).tick("a.IBM", "a.SPY")
    for price in prices:
        watching.tick("a.SPY", times=40)
        now_ns = NOON_NS + watching.ticks * TICK_MS * NS_PER_MS
        watching.board.apply(polled, [last_price("IBM", provider="polled", price=price, now_ns=now_ns)], now_ns)
    return watching.tick("a.SPY", times=200)


def test_a_polled_price_that_leaves_its_bid_and_ask_freezes_a_line() -> None:
    bid, ask = quote("IBM").bid, quote("IBM").ask
    assert bid is not None
    assert ask is not None
    assert beside_a_polled_provider(bid, ask + 0.05).frozen_lines() == ["a.IBM"]
    assert beside_a_polled_provider(bid, ask).frozen_lines() == [], "within them, it may be quiet"
    assert beside_a_polled_provider(ask + 0.05, ask + 0.05).frozen_lines() == [], "it may have been so before"


def test_another_part_of_the_day_begins_without_what_was_usual() -> None:
    watching = Watching().warm()
    watching.frozen.begin(Session.AFTER, watching.ticks * TICK_MS * NS_PER_MS)
    assert watching.tick("b.IBM", "b.SPY", "a.SPY", times=100).told == []


def test_our_own_standstill_freezes_nothing() -> None:
    watching = Watching().warm().tick("b.IBM", "b.SPY", "a.SPY", times=100, stalled=True)
    assert watching.told == []
