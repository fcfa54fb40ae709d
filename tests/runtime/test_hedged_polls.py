"""A polled provider is asked in another's stead, and not once that other has answered after all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from tests.patience import PATIENCE_S

from firmquote.board import Board
from firmquote.budget import AlwaysRegular, Ask, Bounds, BudgetPolicy, Purpose, Refusal, RefusalKind
from firmquote.model import NS_PER_MS, NS_PER_S, Event, FeedClass, ProviderLimits, Request, Response
from firmquote.quality import GradePolicy, PlausibilityPolicy, SilencePolicy
from firmquote.routing import ProviderManager, RoutingPolicy
from firmquote.runtime.conductor import Conductor
from firmquote.runtime.ledger_desk import LedgerDesk
from firmquote.runtime.poll import Poll
from firmquote.runtime.spending import Spending
from firmquote.store import Grant
from firmquote.testing import ManualClock

SYMBOLS = ("IBM", "SPY")
PLANS = {name: ProviderLimits(requests_per_day=1_000) for name in ("a", "b")}


class Protocol:
    """One request a symbol, to a port that nobody listens at."""

    base_url = "http://127.0.0.1:9"
    request_interval_ns = 0

    def plan(self, symbols: Sequence[str]) -> Sequence[Request]:
        return [Request(path=f"/{symbol}", symbols=(symbol,)) for symbol in symbols]

    def on_response(self, request: Request, response: Response) -> Sequence[Event]:
        raise AssertionError((request, response))


class Two:
    """Polled providers `a`, which serves, and `b`, whose poll runs; the budget says yes or "later"."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self.affordable = True
        self.asks: list[Ask] = []
        self.sent: list[tuple[str, ...]] = []
        board = Board(list(SYMBOLS), grading=GradePolicy(), plausibility=PlausibilityPolicy())
        feeds = {name: board.add_feed(name, FeedClass.LAST_PRICE) for name in ("a", "b", "mock")}
        now_ns = self.clock.now_ns()
        manager = ProviderManager(list(feeds), RoutingPolicy(), chance=lambda: 0.5, now_ns=now_ns, symbols=SYMBOLS)
        for name in ("a", "b"):
            manager.on_ready(name, now_ns)
        manager.advance({}, now_ns)
        self.conductor = Conductor(manager, board, self.clock, feeds, SilencePolicy())
        two = self

        class Desk(LedgerDesk):
            async def reserve(self, ask: Ask) -> Grant | Refusal:
                two.asks.append(ask)
                if not two.affordable:
                    return Refusal(kind=RefusalKind.PACE, words="later", wait_ns=NS_PER_S)
                monotonic_ns = two.clock.monotonic_ns()
                return Grant(id=len(two.asks), ask=ask, reserved=Bounds(0, 0), monotonic_ns=monotonic_ns)

            def note_sent(self, grant: Grant) -> None:
                two.sent.append(grant.ask.symbols)

        spending = Spending(
            BudgetPolicy(), PLANS, manager, self.clock, AlwaysRegular(),
            desk=lambda limits, tell: Desk(directory / "ledger", limits, self.clock, tell),
            publish=self.conductor.publish, wanted_first="a",
        )  # fmt: skip
        governor = spending.govern("b", SYMBOLS, (), batch=1)
        governor.note_asked(("SPY",), self.clock.monotonic_ns())  # and has no turn of its own: nothing is known yet
        self.poll = self.conductor.polls["b"] = Poll(
            feeds["b"], Protocol(), board, manager, self.conductor, spending, governor,
            symbols=SYMBOLS, clock=self.clock,
        )  # fmt: skip

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            await self.turns(1)

    async def turns(self, count: int) -> None:
        """Let a tenth of a second pass in each, and whatever follows from it."""
        never = asyncio.get_running_loop().create_future()
        for _ in range(count):
            self.clock.advance(100 * NS_PER_MS)
            for _step in range(10):
                await asyncio.wait({never}, timeout=0)


def play(directory: Path, body: Callable[[Two], Awaitable[None]]) -> None:
    async def main() -> None:
        two = Two(directory)
        running = asyncio.create_task(two.poll.run())
        async with asyncio.timeout(PATIENCE_S):
            await body(two)
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(main())


def test_the_second_provider_is_asked_within_its_ordinary_budget(tmp_path: Path) -> None:
    async def body(two: Two) -> None:
        await two.turns(20)
        assert two.asks == []
        two.conductor.on_overdue("a", ["IBM"])
        await two.until(lambda: bool(two.sent))
        assert two.sent == [("IBM",)]
        assert two.asks[0].purpose is Purpose.ORDINARY

    play(tmp_path, body)


def test_it_is_not_asked_if_the_answer_comes_while_its_request_is_queued(tmp_path: Path) -> None:
    async def body(two: Two) -> None:
        two.conductor.on_overdue("a", ["IBM"])
        two.conductor.on_settled("a", ["IBM"], answered=True)
        await two.turns(20)
        assert two.asks == []

    play(tmp_path, body)


def test_it_is_not_asked_if_the_answer_comes_while_its_request_waits_for_the_budget(tmp_path: Path) -> None:
    async def body(two: Two) -> None:
        two.affordable = False
        two.conductor.on_overdue("a", ["IBM"])
        await two.until(lambda: bool(two.asks))
        two.conductor.on_settled("a", ["IBM"], answered=True)
        two.affordable = True
        await two.turns(40)
        assert two.sent == []

    play(tmp_path, body)


def test_it_is_asked_if_that_answer_will_never_come(tmp_path: Path) -> None:
    async def body(two: Two) -> None:
        two.conductor.on_overdue("a", ["IBM"])
        two.conductor.on_settled("a", ["IBM"], answered=False)
        await two.until(lambda: bool(two.sent))

    play(tmp_path, body)
