"""While an answer is overdue somebody else is asked, and shown if that is newer."""

from firmquote.board import Board
from firmquote.model import NS_PER_S, FeedClass
from firmquote.quality import GradePolicy, PlausibilityPolicy
from firmquote.routing import ProviderManager, RoutingPolicy
from firmquote.runtime.hedging import Hedger
from firmquote.testing import last_price
from firmquote.testing.clock import NOON_NS


class Asked:
    def __init__(self) -> None:
        self.symbols: list[str] = []

    def hedge(self, symbol: str) -> None:
        self.symbols.append(symbol)

    def spare(self, symbol: str) -> None:
        self.symbols.remove(symbol)


class Two:
    """Polled providers `a` (serving) and `b`, and the mock."""

    def __init__(self) -> None:
        self.board = Board(["IBM", "SPY"], grading=GradePolicy(), plausibility=PlausibilityPolicy())
        self.feeds = {name: self.board.add_feed(name, FeedClass.LAST_PRICE) for name in ("a", "b", "mock")}
        self.manager = ProviderManager(
            ["a", "b", "mock"], RoutingPolicy(), chance=lambda: 0.5, now_ns=NOON_NS, symbols=["IBM", "SPY"]
        )
        for name in ("a", "b"):
            self.manager.on_ready(name, NOON_NS)
        self.manager.advance({}, NOON_NS)
        self.asked = Asked()
        self.hedger = Hedger(self.board, self.manager, {"b": self.asked})

    def put(self, provider: str, age_ms: float) -> None:
        self.board.apply(self.feeds[provider], [last_price("IBM", provider=provider, age_ms=age_ms)], NOON_NS)

    def shown(self) -> str:
        self.hedger.look()
        return self.manager.showing("IBM").order[0]


def test_the_second_provider_is_asked_for_just_that_symbol() -> None:
    two = Two()
    two.hedger.on_overdue("a", ["IBM"])
    assert two.asked.symbols == ["IBM"]
    assert two.hedger.counts["a"] == 1


def test_it_is_shown_only_once_it_has_something_newer_and_only_until_the_answer_comes() -> None:
    two = Two()
    two.put("a", age_ms=3_000)
    two.put("b", age_ms=5_000)
    two.hedger.on_overdue("a", ["IBM"])
    assert two.shown() == "a"
    two.put("b", age_ms=0)
    assert two.shown() == "b"
    two.hedger.on_settled("a", ["IBM"], answered=True)
    assert two.shown() == "a", "at once, without the time that an unfit line must wait"


def test_no_role_moves_and_nothing_is_told() -> None:
    two = Two()
    two.put("a", age_ms=3_000)
    two.put("b", age_ms=0)
    two.hedger.on_overdue("a", ["IBM"])
    assert two.shown() == "b"
    assert two.manager.advance({}, NOON_NS + NS_PER_S) == []
    assert two.manager.serving == "a"
    assert two.manager.lines.symbols_against("a") == {}, "the line is as fit as before"


def test_nobody_is_asked_instead_of_a_provider_that_does_not_serve() -> None:
    two = Two()
    two.hedger.on_overdue("b", ["IBM"])
    assert two.asked.symbols == []
    assert not two.hedger.counts


def test_who_was_asked_instead_need_not_once_the_answer_came_and_must_if_it_never_will() -> None:
    for answered, still in ((True, []), (False, ["IBM"])):
        two = Two()
        two.hedger.on_overdue("a", ["IBM"])
        two.hedger.on_settled("a", ["IBM"], answered=answered)
        assert two.asked.symbols == still
