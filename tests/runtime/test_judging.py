"""The judge over many symbols: each has its turn, and only who is wrong is blamed."""

from firmquote.board import Board
from firmquote.model import NS_PER_MS, FeedClass, Quote, Reason, Session
from firmquote.quality import ClockPolicy, FitnessPolicy, GradePolicy, PlausibilityPolicy
from firmquote.runtime.judging import ENTRIES_PER_LOOK, Judge, Judgement
from firmquote.testing.clock import NOON_NS

NAMES = ("first", "second", "third")


class Market:
    """Three providers that say the same of every symbol, but for what a test changes."""

    def __init__(self, symbols: int) -> None:
        self.symbols = [f"S{number}" for number in range(symbols)]
        self.board = Board(self.symbols, grading=GradePolicy(), plausibility=PlausibilityPolicy())
        self.feeds = {name: self.board.add_feed(name, FeedClass.CONSOLIDATED) for name in NAMES}
        for symbol in self.symbols:
            self.board.elect(symbol, "first")
        self.judge = Judge(self.board, self.feeds, NAMES, FitnessPolicy(), ClockPolicy())
        self.now_ns = NOON_NS
        self.found: list[Judgement] = []

    def run(self, looks: int, wrong: dict[tuple[str, str], float]) -> None:
        """Let every provider quote every symbol anew before each look; `wrong` is (provider, symbol) → price."""
        for number in range(looks):
            self.now_ns += 50 * NS_PER_MS
            for name, feed in self.feeds.items():
                for symbol in self.symbols:
                    mid = wrong.get((name, symbol), 100.0) + (number % 2) / 100
                    quote = Quote(symbol, name, mid - 0.01, mid + 0.01, 100, 100, self.now_ns, self.now_ns, number)
                    self.board.apply(feed, [quote], self.now_ns)
            for some in self.judge.look(self.now_ns, session=Session.REGULAR, today=None):
                self.found += some


def test_the_outlier_of_three_loses_its_symbol_and_nobody_else_does() -> None:
    market = Market(symbols=3)
    market.run(40, {})
    assert market.found == []
    market.run(60, {("second", "S1"): 100.5})
    (found,) = market.found
    assert (found.provider, found.symbol) == ("second", "S1")
    assert found.verdict is not None
    assert (found.verdict.reason, found.verdict.excludes) == (Reason.DIVERGENT, True)
    assert market.judge.counts == {("second", Reason.DIVERGENT): 1}
    market.run(120, {})
    assert [each.verdict for each in market.found[1:]] == [None]


def test_on_a_large_board_every_symbol_has_its_turn() -> None:
    market = Market(symbols=2 * ENTRIES_PER_LOOK + 1)
    last = market.symbols[-1]
    market.run(6, {})
    market.run(60, {("third", last): 100.5})
    assert [(found.provider, found.symbol) for found in market.found] == [("third", last)]


def test_the_shadows_are_compared_with_what_is_shown_and_examples_are_kept() -> None:
    market = Market(symbols=1)
    market.run(60, {("third", "S0"): 100.2})
    second, third = (market.judge.shadows[name].total() for name in ("second", "third"))
    assert second.compared > 0
    assert (second.mismatched, third.mismatched) == (0, third.compared)
    example = market.judge.shadows["third"].examples[0]
    assert (example.symbol, example.against, example.session) == ("S0", "first", "regular")
    assert 15 < example.away_bps < 25
