"""A split day and a rename day from end to end: quotes, decisions, paper orders, positions, and a restart in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import date, datetime, time
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from msgspec import structs
from tests.patience import PATIENCE_S

from firmquote.decision import CorroborationPolicy, PaperPolicy, Position
from firmquote.model import NS_PER_MS, NS_PER_S, Quote
from firmquote.model.trading import AdviceInput, Order
from firmquote.runtime import Config, Gateway, SystemClock, load_config
from firmquote.runtime.corporate import CorporateDesk
from firmquote.runtime.turns import at_once
from firmquote.store import open_symbol_record
from firmquote.symbols import EASTERN, OPERATOR, Rename, Split
from firmquote.testing import ManualClock

pytestmark = pytest.mark.scenario
DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"
FRIDAY, MONDAY = date(2024, 6, 7), date(2024, 6, 10)
STEP_NS = 50 * NS_PER_MS
KEYS = {"FIRMQUOTE_POLYGON_API_KEY": "k", "FIRMQUOTE_ALPHAVANTAGE_API_KEY": "k"}


def at(day: date, hour: int, minute: int = 0) -> int:
    return int(datetime.combine(day, time(hour, minute), EASTERN).timestamp()) * NS_PER_S


def trading_config(directory: Path) -> Config:
    config = load_config(DEMO)
    quotes = structs.replace(config.feeds.quotes, provider_active="polygon", provider_warm="alphavantage")
    decision = structs.replace(
        config.decision,
        strategies={},
        unit_usd=1_660.0,
        paper=PaperPolicy(latency_ms_min=0, latency_ms_max=0, slippage_bps_min=1, slippage_bps_max=1),
        corroboration=CorroborationPolicy(move_bps=5_000),
    )
    return structs.replace(
        config,
        feeds=structs.replace(config.feeds, quotes=quotes),
        quality=structs.replace(config.quality, calendar="XNYS"),
        decision=decision,
        serve=structs.replace(config.serve, port=0, state_dir=str(directory)),
    )


class Process:
    """A gateway without its sockets, from a start to an end of the process; one provider is fed by hand."""

    def __init__(self, gateway: Gateway, clock: ManualClock) -> None:
        self.gateway = gateway
        self.clock = clock
        gateway.conductor.on_ready("polygon")

    async def turn(self, symbol: str, mid: float) -> None:
        """One quote and everything that the shell does in 50 ms."""
        gateway = self.gateway
        self.clock.advance(STEP_NS)
        now_ns = self.clock.now_ns()
        quote = Quote(symbol, "polygon", round(mid - 0.01, 4), round(mid + 0.01, 4), 9_000, 9_000, now_ns, now_ns, 0)
        gateway.board.apply(gateway.feeds["polygon"], [quote], now_ns)
        self.second()
        gateway.conductor.advance()
        gateway.board.flush()
        gateway.trading.on_moved([gateway.board.entries[symbol]])
        at_once(gateway.trading.on_timer(now_ns))
        await SystemClock().sleep_until(SystemClock.monotonic_ns() + NS_PER_MS)

    async def idle(self) -> None:
        """A second in which nothing comes."""
        self.second()
        await SystemClock().sleep_until(SystemClock.monotonic_ns() + 5 * NS_PER_MS)

    def second(self) -> None:
        now_ns = self.clock.now_ns()
        self.gateway.trading.second(now_ns, self.gateway.session_at(now_ns))
        self.gateway.corporate.second()

    def go_to(self, ns: int) -> None:
        self.clock.advance(ns - self.clock.now_ns())
        self.second()

    async def until(self, condition: Callable[[], bool], symbol: str, mid: float) -> None:
        for _ in range(400):
            if condition():
                return
            await self.turn(symbol, mid)
        raise AssertionError(self.gateway.report.decision(symbol))

    def advise(self, symbol: str, score: float) -> None:
        given = AdviceInput(symbol=symbol, score=score, source="desk", ttl_s=3_600)
        self.gateway.trading.advise(given, self.clock.now_ns())

    def held(self, symbol: str) -> Position | None:
        return self.gateway.trading.desk.book.portfolio.positions.get(symbol)

    def shares(self, symbol: str) -> int:
        position = self.held(symbol)
        return 0 if position is None else position.shares

    def orders(self) -> list[Order]:
        return [view.order for view in self.gateway.trading.orders.values()]

    def working(self) -> int:
        return len(self.gateway.trading.desk.book.orders.by_key)

    def filled(self, known: set[str]) -> int:
        """Shares filled of stored orders that are not among the known ones."""
        return sum(order.filled_shares for order in self.orders() if order.key not in known)

    def cash_micros(self) -> int:
        return self.gateway.trading.desk.book.portfolio.account.cash_micros


@asynccontextmanager
async def process(directory: Path, clock: ManualClock) -> AsyncIterator[Process]:
    """Run a process; what is not in `directory` is gone afterwards."""
    config = trading_config(directory)
    with closing(open_symbol_record(directory / "symbols.sqlite")) as record:
        corporate = CorporateDesk(record, config, clock)
        gateway = Gateway(corporate.rename(config), KEYS, clock, Random(1), corporate=corporate)
        await gateway.trading.open()
        running = asyncio.create_task(gateway.trading.run())
        try:
            yield Process(gateway, clock)
        finally:
            running.cancel()
            await asyncio.wait({running})
            gateway.trading.close()
            corporate.save()


def play(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await body()

    asyncio.run(main())


async def buy(running: Process, symbol: str, mid: float) -> int:
    """Buy on advice, and return how many shares are held once everything is filled and stored."""
    for _ in range(40):
        await running.turn(symbol, mid)
    running.advise(symbol, 1.0)
    await running.until(lambda: running.shares(symbol) > 0 and not running.working(), symbol, mid)
    running.advise(symbol, 0.0)
    for _ in range(10):
        await running.turn(symbol, mid)
    return running.shares(symbol)


RESTARTS = [
    pytest.param([], id="no restart"),
    pytest.param([at(FRIDAY, 20)], id="in the evening before"),
    pytest.param([at(MONDAY, 4)], id="when it takes effect"),
    pytest.param([at(FRIDAY, 21), at(MONDAY, 3, 59), at(MONDAY, 4, 1), at(MONDAY, 9, 29)], id="again and again"),
]


@pytest.mark.parametrize("restarts", RESTARTS)
def test_a_split_day_leaves_positions_and_orders_right_to_the_share(tmp_path: Path, restarts: list[int]) -> None:
    clock = ManualClock(at(FRIDAY, 15))

    async def body() -> None:
        async with process(tmp_path, clock) as running:
            running.gateway.corporate.tell(OPERATOR, [Split(symbol="IBM", effective=MONDAY, ratio=Fraction(3, 2))])
            before = await buy(running, "IBM", 181.0)
            assert before > 1
            position, cash = running.held("IBM"), running.cash_micros()
            assert position is not None
            orders = running.orders()
            if not restarts:
                running.go_to(at(MONDAY, 4))
                await running.turn("IBM", 181.0 / 1.5)
        for ns in restarts:
            clock.advance(ns - clock.now_ns())
            async with process(tmp_path, clock) as running:
                await running.idle()
        if clock.now_ns() < at(MONDAY, 9, 31):
            clock.advance(at(MONDAY, 9, 31) - clock.now_ns())
        async with process(tmp_path, clock) as running:
            for _ in range(40):
                await running.turn("IBM", 181.0 / 1.5)
            after = running.held("IBM")
            assert after is not None
            whole, half = divmod(before * 3, 2)
            assert (after.shares, running.working()) == (whole, 0)
            assert after.average_cost == pytest.approx((position.average_cost or 0) / 1.5)
            in_lieu_micros = half * position.cost_micros / before / 1.5 / 2
            assert running.cash_micros() - cash == pytest.approx(in_lieu_micros, abs=2)
            assert {order.key for order in running.orders()} == {order.key for order in orders}, "no order came or went"
            assert running.gateway.feeds["polygon"].refused == {}, "the band followed the split"
            running.advise("IBM", -1.0)
            known = {order.key for order in orders}
            await running.until(lambda: running.filled(known) == whole, "IBM", 181.0 / 1.5)
            assert (running.shares("IBM"), running.working()) == (0, 0)

    play(body)


@pytest.mark.parametrize("restarts", RESTARTS)
def test_a_rename_day_leaves_the_position_under_the_new_name(tmp_path: Path, restarts: list[int]) -> None:
    clock = ManualClock(at(FRIDAY, 15))

    async def body() -> None:
        async with process(tmp_path, clock) as running:
            running.gateway.corporate.tell(OPERATOR, [Rename(symbol="IBM", effective=MONDAY, new_symbol="BIG")])
            before = await buy(running, "IBM", 181.0)
            position = running.held("IBM")
            known = {order.key for order in running.orders()}
            assert position is not None
            if not restarts:
                running.go_to(at(MONDAY, 4))
                assert running.gateway.corporate.renamed.is_set(), "whoever runs it begins anew"
        for ns in restarts:
            clock.advance(ns - clock.now_ns())
            async with process(tmp_path, clock) as running:
                await running.idle()
        clock.advance(max(0, at(MONDAY, 9, 31) - clock.now_ns()))
        async with process(tmp_path, clock) as running:
            assert "IBM" not in running.gateway.symbols
            for _ in range(40):
                await running.turn("BIG", 182.0)
            after = running.held("BIG")
            assert after is not None
            assert (after.shares, running.shares("IBM"), after.average_cost) == (before, 0, position.average_cost)
            running.advise("BIG", -1.0)
            await running.until(lambda: running.filled(known) == before, "BIG", 182.0)
            assert (running.shares("BIG"), running.working()) == (0, 0)

    play(body)
