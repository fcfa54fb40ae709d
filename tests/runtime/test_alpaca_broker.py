"""Orders at Alpaca, over real sockets: sent once whatever breaks, filled once, ended as Alpaca says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.patience import PATIENCE_S

from firmquote.decision import BrokerEvent, OrderUpdate
from firmquote.errors import ConfigError
from firmquote.lab.alpaca_trading import AlpacaTrading
from firmquote.lab.simulator import LAB_KEY
from firmquote.model import NS_PER_S, Secret
from firmquote.model.trading import Fill, Order, OrderState, Side
from firmquote.runtime import SystemClock, alpaca_broker, load_config
from firmquote.runtime.alpaca_broker import AlpacaBroker
from firmquote.runtime.brokerage import differences, open_broker

pytestmark = pytest.mark.scenario
DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alpaca_broker, "POLL_NS", NS_PER_S // 100)
    monkeypatch.setattr(alpaca_broker, "RETRY_NS", NS_PER_S // 100)
    monkeypatch.setattr(alpaca_broker, "POSITIONS_EVERY", 1)


def order(key: str = "IBM-3-20261124", *, side: Side = Side.BUY, shares: int = 10, limit: float | None = None) -> Order:
    now_ns = SystemClock.now_ns()
    return Order(
        key=key, symbol="IBM", decision=3, day="2026-11-24", side=side, quantity_shares=shares, limit_price=limit,
        intent="BUY_1X", cause="test", created_ns=now_ns, expires_ns=now_ns + 60 * NS_PER_S,
    )  # fmt: skip


class Desk:
    """A simulator, a broker, and everything that the broker told."""

    def __init__(self, sim: AlpacaTrading) -> None:
        self.sim = sim
        self.events: list[BrokerEvent] = []
        self.held: list[dict[str, int]] = []
        self.troubles: list[str] = []
        self.broker = self.connect()

    def connect(self, key: str = LAB_KEY) -> AlpacaBroker:
        broker = AlpacaBroker(self.sim.url, Secret(key), SystemClock())
        broker.on_positions = self.hear
        broker.on_trouble = self.troubles.append
        return broker

    def hear(self, held: Mapping[str, int], unsettled: AbstractSet[str]) -> bool:
        self.held.append({symbol: shares for symbol, shares in held.items() if symbol not in unsettled})
        return not unsettled

    async def until(self, condition: Callable[[], bool]) -> None:
        clock = SystemClock()
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.events += self.broker.take(clock.now_ns())
                await clock.sleep_until(clock.monotonic_ns() + 2_000_000)

    def fills(self) -> list[Fill]:
        return [event for event in self.events if isinstance(event, Fill)]

    def states(self) -> list[OrderState]:
        return [event.state for event in self.events if isinstance(event, OrderUpdate)]


@asynccontextmanager
async def desk(**settings: int) -> AsyncIterator[Desk]:
    sim = AlpacaTrading(SystemClock(), **settings)  # type: ignore[arg-type]  # the test's own
    sim.quotes["IBM"] = (100.0, 100.02)
    await sim.start()
    made = Desk(sim)
    running = asyncio.create_task(made.broker.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait({running})
        await sim.stop()


def play(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await body()

    asyncio.run(main())


def test_an_order_is_sent_filled_and_told_of() -> None:
    async def body() -> None:
        async with desk() as made:
            made.broker.place(order(), 0)
            await made.until(lambda: bool(made.fills()))
            (fill,) = made.fills()
            assert (fill.shares, fill.number, round(fill.price, 6)) == (10, 1, 100.02)
            assert made.sim.held() == {"IBM": 10}
            await made.until(lambda: {"IBM": 10} in made.held)

    play(body)


def test_an_order_that_is_filled_in_parts_adds_up_to_what_alpaca_says() -> None:
    async def body() -> None:
        async with desk(shares_at_once=3) as made:
            made.broker.place(order(), 0)
            await made.until(lambda: sum(fill.shares for fill in made.fills()) == 10)
            assert [fill.number for fill in made.fills()] == list(range(1, len(made.fills()) + 1))
            assert len(made.fills()) > 1

    play(body)


def test_an_order_whose_answer_was_lost_is_one_order() -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.lose_next_answers = 1
            made.broker.place(order(), 0)
            await made.until(lambda: bool(made.fills()))
            assert len(made.sim.orders) == 1
            assert sum(fill.shares for fill in made.fills()) == 10

    play(body)


def test_a_restart_with_an_order_that_may_have_been_sent_sends_it_once() -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.quotes["IBM"] = (100.0, 200.0)  # beyond the limit: it rests
            made.broker.place(order(limit=150.0), 0)
            await made.until(lambda: OrderState.SENT in made.states())
            again = made.broker = made.connect()
            running = asyncio.create_task(again.run())
            again.recover(order(limit=150.0), 0)  # as the outbox has it: pending
            made.sim.quotes["IBM"] = (100.0, 149.0)
            await made.until(lambda: bool(made.fills()))
            assert len(made.sim.orders) == 1
            running.cancel()
            await asyncio.wait({running})

    play(body)


def test_what_was_filled_before_a_restart_is_not_filled_again() -> None:
    async def body() -> None:
        async with desk(shares_at_once=4) as made:
            made.broker.place(order(), 0)
            await made.until(lambda: sum(fill.shares for fill in made.fills()) == 10)
            known = next(fill for fill in made.fills() if fill.number == 1)
            made.events.clear()
            again = made.broker = made.connect()
            running = asyncio.create_task(again.run())
            half = replace(
                order(),
                state=OrderState.SENT,
                filled_shares=known.shares,
                filled_micros=round(known.shares * known.price * 1e6),
                fills=1,
            )
            again.recover(half, 0)
            await made.until(lambda: bool(made.fills()))
            assert [(fill.number, fill.shares) for fill in made.fills()] == [(2, 10 - known.shares)]
            running.cancel()
            await asyncio.wait({running})

    play(body)


@pytest.mark.parametrize("status", [429, 500, 401])
def test_a_refusal_that_may_pass_is_tried_again(status: int) -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.fail_next = [status] * 3
            made.broker.place(order(), 0)
            await made.until(lambda: bool(made.fills()))
            assert len(made.sim.orders) == 1

    play(body)


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("GET", 404), ("POST", 200), ("POST", 403)])
def test_an_answer_that_is_not_alpacas_is_no_answer_and_the_order_is_tried_again(method: str, status: int) -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.garbled = {method: status}
            made.broker.place(order(), 0)
            await made.until(lambda: len(made.troubles) > 1)
            assert made.states() in ([], [OrderState.SENT])
            made.sim.garbled.clear()
            made.held.clear()
            await made.until(lambda: bool(made.fills()))
            assert len(made.sim.orders) == 1
            await made.until(lambda: {"IBM": 10} in made.held)
            assert "with a body that is not Alpaca's" in made.troubles[0] or f"answered {status}" in made.troubles[0]

    play(body)


def test_while_an_order_cannot_be_sent_others_are_cancelled_and_followed() -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.quotes["IBM"] = (100.0, 200.0)  # beyond the limit: it rests
            made.broker.place(order("a-1-1", limit=101.0), 0)
            await made.until(lambda: OrderState.SENT in made.states())
            made.sim.garbled = {"POST": 403}
            made.broker.place(order("b-1-1"), 0)
            made.broker.cancel("a-1-1")
            await made.until(lambda: OrderState.CANCELLED in made.states())

    play(body)


def test_a_cancel_that_did_not_get_through_is_asked_for_again() -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.quotes["IBM"] = (100.0, 200.0)
            made.broker.place(order(limit=101.0), 0)
            await made.until(lambda: OrderState.SENT in made.states())
            made.sim.garbled = {"DELETE": 403}
            made.broker.cancel(order().key)
            await made.until(lambda: bool(made.troubles))
            made.sim.garbled.clear()
            await made.until(lambda: OrderState.CANCELLED in made.states())

    play(body)


def test_a_defect_is_told_and_does_not_end_the_following_of_orders() -> None:
    def defect(held: Mapping[str, int], unsettled: AbstractSet[str]) -> bool:
        del held, unsettled
        raise RuntimeError("odd")

    async def body() -> None:
        async with desk() as made:
            made.broker.on_positions = defect
            made.broker.place(order(), 0)
            await made.until(lambda: bool(made.troubles))
            assert made.troubles[0].startswith("RuntimeError('odd')")
            made.broker.on_positions = made.hear
            await made.until(lambda: {"IBM": 10} in made.held)
            assert sum(fill.shares for fill in made.fills()) == 10

    play(body)


def test_an_order_that_is_cancelled_before_it_was_sent_is_never_sent() -> None:
    async def body() -> None:
        async with desk() as made:
            made.broker.place(order(), 0)
            made.broker.cancel(order().key)
            (ended,) = made.broker.take(0)
            assert ended == OrderUpdate(order().key, OrderState.CANCELLED, "cancelled before it was sent")
            made.broker.place(order("b-1-1"), 0)
            await made.until(lambda: bool(made.fills()))
            assert [each.client_order_id for each in made.sim.orders.values()] == ["b-1-1"]

    play(body)


def test_an_order_whose_answer_was_lost_and_that_is_cancelled_is_found_and_ended() -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.quotes["IBM"] = (100.0, 200.0)
            made.sim.lose_next_answers = 1
            made.broker.place(order(limit=101.0), 0)
            await made.until(lambda: bool(made.sim.orders))
            made.broker.cancel(order().key)
            await made.until(lambda: OrderState.CANCELLED in made.states())
            assert [each.status for each in made.sim.orders.values()] == ["canceled"]

    play(body)


def test_an_order_that_is_cancelled_and_may_have_been_sent_before_a_restart_is_found_and_ended() -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.quotes["IBM"] = (100.0, 200.0)
            made.broker.place(order(limit=101.0), 0)
            await made.until(lambda: OrderState.SENT in made.states())
            made.events.clear()
            again = made.broker = made.connect()
            again.recover(order(limit=101.0), 0)  # as the outbox has it: pending
            again.cancel(order().key)
            running = asyncio.create_task(again.run())
            await made.until(lambda: OrderState.CANCELLED in made.states())
            assert [each.status for each in made.sim.orders.values()] == ["canceled"]
            running.cancel()
            await asyncio.wait({running})

    play(body)


def test_positions_are_compared_while_orders_work_but_not_those_that_they_may_change() -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.quotes |= {"IBM": (100.0, 200.0), "SPY": (50.0, 50.01)}
            made.broker.place(order(limit=101.0), 0)
            made.broker.place(replace(order("SPY-4-20261124"), symbol="SPY"), 0)
            await made.until(lambda: {"SPY": 10} in made.held)
            assert OrderState.CANCELLED not in made.states()

    play(body)


def test_a_refusal_for_good_rejects_the_order_in_alpacas_words() -> None:
    async def body() -> None:
        async with desk() as made:
            made.broker.place(order(side=Side.SELL), 0)
            await made.until(lambda: OrderState.REJECTED in made.states())
            words = [event.words for event in made.events if isinstance(event, OrderUpdate)]
            assert words == ["insufficient qty available for order"]

    play(body)


def test_an_order_is_cancelled_when_asked_and_when_its_time_is_over() -> None:
    async def body() -> None:
        async with desk() as made:
            made.sim.quotes["IBM"] = (100.0, 200.0)
            made.broker.place(order("a-1-1", limit=101.0), 0)
            other = replace(order("b-1-1", limit=101.0), expires_ns=SystemClock.now_ns() + 3_600 * NS_PER_S)
            made.broker.place(other, 0)
            await made.until(lambda: made.states().count(OrderState.SENT) == 2)
            made.broker.cancel("a-1-1")
            made.events += made.broker.take(other.expires_ns)
            await made.until(lambda: made.states().count(OrderState.CANCELLED) == 2)
            assert made.sim.held() == {}

    play(body)


def test_an_order_whose_time_was_over_before_it_was_sent_is_never_sent() -> None:
    async def body() -> None:
        async with desk() as made:
            made.broker.place(replace(order(), expires_ns=1), 0)
            await made.until(lambda: OrderState.EXPIRED in made.states())
            assert made.sim.orders == {}

    play(body)


def test_no_address_but_paper_tradings_is_taken() -> None:
    config = load_config(DEMO)
    with pytest.raises(ConfigError, match=r"api.alpaca.markets is not Alpaca's paper trading API"):
        open_broker(
            replace(
                config, decision=replace(config.decision, broker="alpaca", alpaca_url="https://api.alpaca.markets")
            ),
            {"FIRMQUOTE_ALPACA_API_KEY": "a:b"},
            SystemClock(),
        )
    with pytest.raises(ConfigError, match="alpaca: no key"):
        open_broker(replace(config, decision=replace(config.decision, broker="alpaca")), {}, SystemClock())


def test_a_key_is_in_no_repr() -> None:
    made = AlpacaBroker("https://paper-api.alpaca.markets", Secret("the-id:the-secret"), SystemClock())
    assert "the-secret" not in repr(made)


def test_differences_between_broker_and_books_are_named() -> None:
    assert differences({"IBM": 10}, []) == ["IBM: 10 there, 0 in our books"]
    assert differences({}, []) == []
