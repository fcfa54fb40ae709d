"""A split day and a rename day, with a restart in the middle; halts; a record that outlives the process."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, time
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec import structs

from firmquote.board import Board, Feed
from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, FeedClass, Grade, Quote, Reason
from firmquote.quality import GradePolicy, PlausibilityPolicy
from firmquote.routing import Change
from firmquote.runtime import Config, load_config
from firmquote.runtime.corporate import CorporateDesk
from firmquote.runtime.instruments import halted_by, read_actions
from firmquote.store import open_symbol_record
from firmquote.symbols import (
    EASTERN,
    OPERATOR,
    CorporateAction,
    Delisting,
    Rename,
    SpinOff,
    Split,
    TradingHalt,
)
from firmquote.testing import ManualClock

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
FRIDAY, MONDAY, TUESDAY = date(2024, 6, 7), date(2024, 6, 10), date(2024, 6, 11)
SPLIT = Split(symbol="IBM", effective=MONDAY, ratio=Fraction(10))
RENAME = Rename(symbol="IBM", effective=MONDAY, new_symbol="BIG")


def at(day: date, hour: int, minute: int = 0) -> int:
    return int(datetime.combine(day, time(hour, minute), EASTERN).timestamp()) * NS_PER_S


class Process:
    """A board with two providers beside the desk, from a start to an end of the process."""

    def __init__(self, desk: CorporateDesk, clock: ManualClock, config: Config) -> None:
        self.desk = desk
        self.clock = clock
        self.config = desk.rename(config)
        self.symbols = self.config.feeds.quotes.live_symbols_allowlist
        self.board = Board(self.symbols, grading=GradePolicy(), plausibility=PlausibilityPolicy())
        self.feeds = {name: self.board.add_feed(name, FeedClass.CONSOLIDATED) for name in ("active", "warm")}
        for symbol in self.symbols:
            self.board.elect(symbol, "active")
        self.carried: list[tuple[CorporateAction, ...]] = []
        self.told: list[Change] = []
        desk.attach(self.board, carry=lambda actions: self.carried.append(tuple(actions)), publish=self.told.extend)

    def go_to(self, ns: int) -> None:
        self.clock.advance(ns - self.clock.now_ns())
        self.desk.second()

    def say(self, symbol: str, mid: float, provider: str = "active") -> Feed:
        now_ns = self.clock.now_ns()
        feed = self.feeds[provider]
        quote = Quote(symbol, provider, mid - 0.01, mid + 0.01, 100, 100, now_ns, now_ns, now_ns)
        self.board.apply(feed, [quote], now_ns)
        return feed

    def mid(self, symbol: str, provider: str = "active") -> float | None:
        price = self.feeds[provider].lines[symbol].price
        assert price is None or isinstance(price, Quote)
        return None if price is None or price.bid is None else round(price.bid + 0.01, 4)


@contextmanager
def process(directory: Path, clock: ManualClock, **symbols: object) -> Iterator[Process]:
    """Run a process; everything but what is in `directory` is gone afterwards."""
    config = load_config(DEMO)
    config = structs.replace(
        config,
        quality=structs.replace(config.quality, calendar="XNYS"),
        symbols=structs.replace(config.symbols, **symbols),
    )
    with closing(open_symbol_record(directory / "symbols.sqlite")) as record:
        desk = CorporateDesk(record, config, clock)
        yield Process(desk, clock, config)
        desk.save()


def test_a_split_takes_effect_with_the_pre_market_of_its_day_and_old_quotes_are_put_into_its_terms(
    tmp_path: Path,
) -> None:
    clock = ManualClock(at(FRIDAY, 15))
    with process(tmp_path, clock) as running:
        running.desk.tell(OPERATOR, [SPLIT])
        running.say("IBM", 1_200.0)
        running.go_to(at(MONDAY, 3, 59))
        assert running.mid("IBM") == 1_200.0
        running.go_to(at(MONDAY, 4))
        quote = running.feeds["active"].lines["IBM"].quote
        assert quote is not None
        assert quote.bid is not None
        assert quote.bid == pytest.approx(119.999)
        graded = running.board.view("IBM", clock.now_ns()).graded
        assert (graded.grade, graded.reasons[0]) == (Grade.STALE, Reason.AWAITING_FIRST_QUOTE)
        assert running.say("IBM", 1_205.0).refused == {Reason.JUMP: 1}, "a provider that has not applied it"
        running.say("IBM", 120.5)
        assert running.mid("IBM") == 120.5
        assert running.board.view("IBM", clock.now_ns()).graded.grade is Grade.FIRM
        assert [change.symbol for change in running.told if change.kind == "action"] == ["IBM"]


@pytest.mark.parametrize(
    "restarts", [[], [at(FRIDAY, 20)], [at(MONDAY, 5)], [at(FRIDAY, 20), at(MONDAY, 4), at(MONDAY, 9)]]
)
def test_a_split_is_applied_to_the_last_price_once_however_often_the_process_restarts(
    tmp_path: Path, restarts: list[int]
) -> None:
    clock = ManualClock(at(FRIDAY, 15))
    with process(tmp_path, clock) as running:
        running.desk.tell(OPERATOR, [SPLIT])
        running.say("IBM", 1_200.0)
    for ns in restarts:
        clock.advance(ns - clock.now_ns())
        with process(tmp_path, clock) as running:
            running.desk.second()
    clock.advance(at(MONDAY, 9, 31) - clock.now_ns())
    with process(tmp_path, clock) as running:
        running.desk.second()
        band = running.feeds["active"].lines["IBM"].band
        assert band.mid == pytest.approx(120.0)
        assert running.say("IBM", 1_200.0).refused == {Reason.JUMP: 1}
        running.say("IBM", 121.0)
        assert running.mid("IBM") == 121.0


def test_a_split_that_is_told_late_confirms_the_level_that_was_in_quarantine(tmp_path: Path) -> None:
    clock = ManualClock(at(FRIDAY, 15))
    with process(tmp_path, clock) as running:
        running.say("IBM", 1_200.0)
        running.go_to(at(MONDAY, 9, 31))
        for _ in range(5):
            clock.advance(NS_PER_S)
            running.say("IBM", 120.1)
        assert running.mid("IBM") == 1_200.0
        running.desk.tell("polygon", [SPLIT])
        clock.advance(NS_PER_S)
        running.say("IBM", 120.2)
        assert running.mid("IBM") == 120.2


def test_an_action_that_sources_disagree_about_is_withheld_until_the_operator_settles_it(tmp_path: Path) -> None:
    clock = ManualClock(at(FRIDAY, 15))
    with process(tmp_path, clock) as running:
        running.say("IBM", 1_200.0)
        running.desk.tell("polygon", [SPLIT])
        running.desk.tell("alpaca", [structs.replace(SPLIT, ratio=Fraction(20))])
        assert [str(conflict) for conflict in running.desk.agreed.conflicts] != []
        running.go_to(at(MONDAY, 4))
        assert running.mid("IBM") == 1_200.0
        running.desk.tell(OPERATOR, [SPLIT])
        assert running.desk.agreed.conflicts == ()
        assert running.feeds["active"].lines["IBM"].band.mid == pytest.approx(120.0)


def test_a_spin_off_of_unknown_worth_leaves_no_price_to_compare_with(tmp_path: Path) -> None:
    clock = ManualClock(at(FRIDAY, 15))
    with process(tmp_path, clock) as running:
        running.desk.tell(OPERATOR, [SpinOff(symbol="IBM", effective=MONDAY, child="KD", child_shares=Fraction(1, 5))])
        running.say("IBM", 120.0)
        running.go_to(at(MONDAY, 4))
        assert running.mid("IBM") is None
        running.say("IBM", 95.0)
        assert running.mid("IBM") == 95.0


@pytest.mark.parametrize("restart_ns", [None, at(FRIDAY, 20), at(MONDAY, 4)])
def test_a_rename_ends_the_gateway_and_the_next_one_serves_the_new_name_ever_after(
    tmp_path: Path, restart_ns: int | None
) -> None:
    clock = ManualClock(at(FRIDAY, 15))
    with process(tmp_path, clock) as running:
        running.desk.tell(OPERATOR, [RENAME])
        running.say("IBM", 180.0)
        if restart_ns is None:
            carried = len(running.carried)
            running.go_to(at(MONDAY, 4))
            assert running.desk.renamed.is_set()
            assert len(running.carried) == carried, "positions follow when the new name is served"
        else:
            running.desk.second()
    if restart_ns is not None:
        clock.advance(restart_ns - clock.now_ns())
    for day in (MONDAY, TUESDAY):
        clock.advance(at(day, 9, 31) - clock.now_ns())
        with process(tmp_path, clock) as running:
            assert running.symbols == ("AIG", "BAC", "BIG", "SPY")
            assert running.config.feeds.quotes.canary_symbols == ("BIG",)
            running.desk.second()
            assert not running.desk.renamed.is_set()
            assert running.carried[-1] == (RENAME,)
            band = running.feeds["active"].lines["BIG"].band
            assert band.mid == pytest.approx(180.0)


def test_a_name_that_passes_to_another_instrument_on_the_same_day_is_not_followed_twice(tmp_path: Path) -> None:
    chain = [
        Rename(symbol="IBM", effective=MONDAY, new_symbol="BAC"),
        Rename(symbol="BAC", effective=MONDAY, new_symbol="CAB"),
    ]
    clock = ManualClock(at(FRIDAY, 15))
    with process(tmp_path, clock) as running:
        running.desk.tell(OPERATOR, chain)
    clock.advance(at(TUESDAY, 9) - clock.now_ns())
    with process(tmp_path, clock) as running:
        assert running.symbols == ("AIG", "CAB", "BAC", "SPY")


def test_an_operators_halt_lasts_over_a_restart_and_a_provider_cannot_lift_it(tmp_path: Path) -> None:
    clock = ManualClock(at(MONDAY, 10))
    with process(tmp_path, clock) as running:
        running.desk.halt("IBM", "news pending")
    with process(tmp_path, clock) as running:
        running.say("IBM", 180.0)
        graded = running.board.view("IBM", clock.now_ns()).graded
        assert (graded.grade, graded.reasons) == (Grade.INDICATIVE, (Reason.HALTED,))
        clock.advance(NS_PER_S)
        assert running.desk.resume("IBM", "it came")
        assert running.board.view("IBM", clock.now_ns()).graded.reasons[0] is Reason.AWAITING_FIRST_QUOTE
        clock.advance(NS_PER_S)
        running.say("IBM", 181.0)
        assert running.board.view("IBM", clock.now_ns()).graded.grade is Grade.FIRM
    with process(tmp_path, clock) as running:
        assert not running.board.entries["IBM"].halted


def test_a_suspension_of_whole_days_ends_by_itself_and_a_delisting_does_not() -> None:
    suspended = TradingHalt(symbol="IBM", effective=MONDAY, last_day=MONDAY)
    assert [halted_by("IBM", [suspended], day) is not None for day in (FRIDAY, MONDAY, TUESDAY)] == [False, True, False]
    assert halted_by("IBM", [Delisting(symbol="IBM", effective=MONDAY)], TUESDAY) == "delisted since 2024-06-10"
    assert halted_by("SPY", [suspended], MONDAY) is None


def test_a_file_of_actions_is_a_source_that_wins_over_providers(tmp_path: Path) -> None:
    file = tmp_path / "actions.yaml"
    file.write_text("- {type: split, symbol: IBM, effective: 2024-06-10, ratio: 3/2}\n")
    clock = ManualClock(at(MONDAY, 10))
    with process(tmp_path, clock, actions_file=str(file)) as running:
        running.desk.tell("polygon", [SPLIT])
        assert [action.ratio for action in running.desk.agreed.actions if isinstance(action, Split)] == [Fraction(3, 2)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {type: split, symbol: IBM, effective: 2024-06-10, ratio: much}", "Invalid literal for Fraction"),
        ("- {type: merger, symbol: IBM}", "merger"),
        ("- {type: split, symbol: IBM, effective: 2024-06-10, ratio: 1}", "is no split"),
    ],
)
def test_a_file_that_cannot_be_meant_is_an_error_that_says_where(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "actions.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_actions(tmp_path / "actions.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_actions(tmp_path / "missing.yaml")
