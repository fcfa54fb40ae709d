"""When a symbol is decided on again although its price stands still, and what reaches the engine once a second."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec import json
from structlog.testing import capture_logs
from tests.crash.trader import SYMBOLS, build

from firmquote.board import Entry
from firmquote.decision import Announcement, MarketView, Panel
from firmquote.model import NS_PER_MS, NS_PER_S, Quote, Secret, Session
from firmquote.model.trading import AdviceInput
from firmquote.runtime import SystemClock
from firmquote.runtime.alpaca_broker import AlpacaBroker
from firmquote.runtime.owners_files import OwnersFile
from firmquote.runtime.trading import TURNS, UNSEEN_NS, Trading
from firmquote.runtime.turns import at_once
from firmquote.symbols import Dividend, Split


def quoted(trading: Trading, *symbols: str) -> list[Entry]:
    """Put a firm quote on the board for each of `symbols`, and return what is to be decided on."""
    now_ns = SystemClock.now_ns()
    for symbol in symbols:
        feed = next(iter(trading.board.entries[symbol].lines.values())).feed
        trading.board.apply(feed, [Quote(symbol, "made", 99.99, 100.01, 90, 90, now_ns, now_ns, now_ns)], now_ns)
    return trading.board.flush()


def noon_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 17, tzinfo=UTC).timestamp()) * NS_PER_S


def settled_until_ns(entry: Entry) -> int:
    assert entry.elected is not None
    return entry.elected.settled_until_ns


def test_after_a_decision_a_price_that_stands_still_is_left_alone_for_a_moment(tmp_path: Path) -> None:
    trading = build(tmp_path)
    before_ns = SystemClock.now_ns()
    trading.on_moved(quoted(trading, *SYMBOLS))
    after_ns = SystemClock.now_ns()
    for symbol, entry in trading.board.entries.items():
        assert before_ns <= settled_until_ns(entry) - trading.engine.paces_ns[symbol] <= after_ns


def test_not_all_symbols_are_decided_on_again_at_one_moment(tmp_path: Path) -> None:
    trading = build(tmp_path)
    paces_ns = trading.engine.paces_ns
    assert len(set(paces_ns.values())) == len(SYMBOLS)
    assert 600 * NS_PER_MS <= min(paces_ns.values()) < max(paces_ns.values()) < 900 * NS_PER_MS


def test_an_order_that_waits_to_be_filled_sees_every_quote(tmp_path: Path) -> None:
    trading = build(tmp_path)
    trading.advise(AdviceInput(symbol="A", score=1.0, source="made"), SystemClock.now_ns())
    trading.on_moved(quoted(trading, *SYMBOLS))
    assert list(trading.desk.book.orders.by_symbol) == ["A"]
    entries = trading.board.entries
    assert [symbol for symbol in SYMBOLS if settled_until_ns(entries[symbol]) == 0] == ["A"]


def test_advice_and_a_new_permission_count_with_the_next_quote(tmp_path: Path) -> None:
    trading = build(tmp_path)
    trading.on_moved(quoted(trading, *SYMBOLS))
    trading.advise(AdviceInput(symbol="A", score=0.1, source="made"), SystemClock.now_ns())
    entries = trading.board.entries
    assert [symbol for symbol in SYMBOLS if settled_until_ns(entries[symbol]) == 0] == ["A"]
    trading.think_again()
    assert {settled_until_ns(entry) for entry in entries.values()} == {0}


def test_time_looks_at_every_symbol_but_those_that_a_quote_had_looked_at_lately(tmp_path: Path) -> None:
    trading = build(tmp_path)
    trading.board.flush()
    trading.on_moved(quoted(trading, "A"))
    seen_ns, engine = trading.engine.seen_ns("A"), trading.engine

    def looks(now_ns: int) -> int:
        before = engine.decided
        for _ in range(TURNS):
            at_once(trading.on_timer(now_ns))
        return engine.decided - before

    assert looks(seen_ns + UNSEEN_NS - 1) == len(SYMBOLS) - 1
    trading.on_moved(quoted(trading, *SYMBOLS))
    newest_ns = max(map(engine.seen_ns, SYMBOLS))
    assert looks(newest_ns + UNSEEN_NS) == len(SYMBOLS), "all are due"
    assert looks(newest_ns - 3_600 * NS_PER_S) == len(SYMBOLS), "a clock that was set back keeps nobody from looking"


@pytest.mark.parametrize("turns", range(10))
def test_what_is_on_its_way_to_the_disk_when_the_gateway_stops_gets_there(tmp_path: Path, turns: int) -> None:
    async def body() -> tuple[set[str], set[str]]:
        trading = build(tmp_path)
        await trading.open()
        trading.second(SystemClock.now_ns(), Session.REGULAR)
        running = asyncio.create_task(trading.run())
        for symbol in SYMBOLS:
            trading.advise(AdviceInput(symbol=symbol, score=1.0, source="made"), SystemClock.now_ns())
        trading.on_moved(quoted(trading, *SYMBOLS))
        for _ in range(turns):
            await SystemClock().sleep_until(0)
        running.cancel()
        await asyncio.wait({running})
        trading.close()
        after = build(tmp_path)
        await after.open()
        after.close()
        return set(trading.desk.book.orders.by_key), set(after.orders)

    ordered, stored = asyncio.run(body())
    assert len(ordered) == len(SYMBOLS)
    assert ordered == stored


def test_files_of_the_owner_may_write_symbols_as_people_type_them(tmp_path: Path) -> None:
    trading = build(tmp_path)
    now_ns = SystemClock.now_ns()
    day = datetime.fromtimestamp(now_ns / NS_PER_S, UTC).date()
    advice, earnings = tmp_path / "advice.json", tmp_path / "earnings.json"
    advice.write_bytes(json.encode([AdviceInput(symbol="a", score=0.4, source="file")]))
    earnings.write_bytes(json.encode([Announcement(symbol="b", day=day, when="during")]))
    trading._advice_file = OwnersFile(str(advice), AdviceInput)
    trading._earnings_file = OwnersFile(str(earnings), Announcement)
    trading.second(now_ns, Session.REGULAR)
    trading.on_moved(quoted(trading, *SYMBOLS))
    decision = trading.engine.current("A")
    assert decision is not None
    assert decision.per_strategy == {"file": 0.4}
    assert trading.engine.embargoes.on("B", noon_ns(day)) == f"earnings during the session of {day}"


class Forgetful:
    """A strategy that remembers what it was told to forget."""

    name = "forgetful"

    def __init__(self) -> None:
        self.forgot: list[str] = []

    def on_view(self, view: MarketView, now_ns: int) -> None:
        del view, now_ns

    def forget(self, symbol: str) -> None:
        self.forgot.append(symbol)


def test_what_was_learnt_of_a_symbol_is_forgotten_once_with_each_action_held_or_not(tmp_path: Path) -> None:
    trading = build(tmp_path)
    strategy = Forgetful()
    trading.engine.panel = Panel([strategy])
    today = trading.desk.book.portfolio.account.day
    days = {"A": today, "B": today + timedelta(days=1), "C": today - timedelta(days=1)}
    actions = tuple(Split(symbol=symbol, effective=day, ratio=Fraction(2)) for symbol, day in days.items())
    for _ in range(2):
        trading.carry(actions)
    assert strategy.forgot == ["A"], "the one of yesterday was over when the gateway began"
    trading.desk.begin_day(today + timedelta(days=1))
    for _ in range(2):
        trading.carry(actions)
    assert strategy.forgot == ["A", "B"]
    later = Dividend(symbol="A", effective=today, cash_usd=9.0)
    for _ in range(2):
        trading.carry((*actions, later))
    assert strategy.forgot == ["A", "B", "A"], "what is told late is an action too"


class Broken:
    """A strategy with a defect."""

    name = "broken"

    def on_view(self, view: MarketView, now_ns: int) -> None:
        raise ZeroDivisionError(f"{view.symbol} at {now_ns}")


def test_a_strategy_with_a_defect_stops_nobody_and_is_told_of_once(tmp_path: Path) -> None:
    trading = build(tmp_path)
    trading.engine.panel = Panel([Broken()])
    with capture_logs() as written:
        for _ in range(2):
            trading.on_moved(quoted(trading, *SYMBOLS))
            at_once(trading.on_timer(SystemClock.now_ns()))
            trading.second(SystemClock.now_ns(), Session.REGULAR)
    assert [(line["strategy"], line["why"][:21]) for line in written] == [("broken", "ZeroDivisionError: A ")]
    assert all(trading.engine.current(symbol) is not None for symbol in SYMBOLS)


def test_only_a_decision_that_a_quote_asks_for_counts_as_a_delay(tmp_path: Path) -> None:
    trading = build(tmp_path)
    trading.board.flush()  # the election asks for a decision too
    trading.on_moved(quoted(trading, *SYMBOLS))
    assert len(trading.latencies_ns()) == len(SYMBOLS)
    trading.board.touch(trading.board.entries["A"])
    trading.on_moved(trading.board.flush())
    assert len(trading.latencies_ns()) == len(SYMBOLS), "its quote is old, and nobody was slow"


def at_alpaca(directory: Path) -> tuple[Trading, AlpacaBroker]:
    broker = AlpacaBroker("http://127.0.0.1:9", Secret("a:b"), SystemClock())  # nobody runs it: no socket is opened
    return build(directory, broker), broker


def test_nothing_is_opened_before_what_the_broker_holds_agrees_with_our_books(tmp_path: Path) -> None:
    trading, broker = at_alpaca(tmp_path)
    assert not broker.on_positions({}, set()), "our books are not read yet"
    asyncio.run(trading.open())
    trading.advise(AdviceInput(symbol="A", score=1.0, source="made"), SystemClock.now_ns())
    trading.on_moved(quoted(trading, "A"))
    assert trading.desk.book.orders.by_key == {}
    assert "not compared with our books yet" in trading.engine.pauses["broker"]
    assert broker.on_positions({"A": 1}, set())
    assert trading.engine.pauses["broker"] == "alpaca and our books disagree (A: 1 there, 0 in our books)"
    assert broker.on_positions({}, set())
    trading.think_again()
    trading.on_moved(quoted(trading, "A"))
    assert list(trading.desk.book.orders.by_symbol) == ["A"]
    trading.close()


def test_what_an_order_may_change_this_moment_is_not_compared_and_ends_no_pause(tmp_path: Path) -> None:
    trading, broker = at_alpaca(tmp_path)
    asyncio.run(trading.open())
    assert not broker.on_positions({"A": 1}, {"A"})
    assert "not compared with our books yet" in trading.engine.pauses["broker"]
    assert not broker.on_positions({"A": 1, "B": 2}, {"A"})
    assert "(B: 2 there, 0 in our books)" in trading.engine.pauses["broker"]
    broker.on_positions({}, set())
    assert trading.engine.pauses == {}
    trading.close()


def test_while_the_broker_carries_no_orders_out_nothing_is_opened(tmp_path: Path) -> None:
    trading, broker = at_alpaca(tmp_path)
    asyncio.run(trading.open())
    broker.on_positions({}, set())
    broker.on_trouble("alpaca: /v2/orders answered 403.")
    assert "does not carry orders out (alpaca: /v2/orders answered 403.)" in trading.engine.pauses["broker"]
    broker.on_positions({}, set())
    assert trading.engine.pauses == {}
    trading.close()


def test_an_order_from_before_a_restart_is_not_taken_for_one_that_was_never_sent(tmp_path: Path) -> None:
    trading, broker = at_alpaca(tmp_path)
    asyncio.run(trading.open())
    broker.on_positions({}, set())
    trading.advise(AdviceInput(symbol="A", score=1.0, source="made"), SystemClock.now_ns())
    trading.on_moved(quoted(trading, "A"))
    (key,) = trading.desk.book.orders.by_key
    trading.close()
    again, broker = at_alpaca(tmp_path)
    asyncio.run(again.open())
    broker.cancel(key)
    assert list(broker.take(0)) == [], "only Alpaca can say whether it was sent"
    assert list(again.desk.book.orders.by_key) == [key]
    again.close()
