"""The paper broker: late, a little worse than shown, no more than shown, and only on firm quotes."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.decision.builders import FIRM, HALTED, LAST_ONLY, MOCK, STALE, view

from firmquote.decision import BrokerEvent, OrderUpdate, PaperBroker, PaperPolicy
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.model.trading import Fill, Order, OrderState, Side
from firmquote.testing.clock import NOON_NS

LATE = NOON_NS + 2_000 * NS_PER_MS
NO_SLIP = PaperPolicy(latency_ms_min=0, latency_ms_max=0, slippage_bps_min=0, slippage_bps_max=0)


def order(
    side: Side = Side.BUY, shares: int = 100, *, limit: float | None = None, key: str = "IBM-1-20261124"
) -> Order:
    return Order(
        key=key, symbol="IBM", decision=1, day="2026-11-24", side=side, quantity_shares=shares, limit_price=limit,
        intent="BUY_1X", cause="test", created_ns=NOON_NS, expires_ns=NOON_NS + 60 * NS_PER_S,
    )  # fmt: skip


def fills(events: list[BrokerEvent]) -> list[Fill]:
    return [event for event in events if isinstance(event, Fill)]


def shown(
    broker: PaperBroker, *, now_ns: int = LATE, bid: float = 100.00, ask: float = 100.02, shares: int = 10_000
) -> list[Fill]:
    broker.on_view(view(bid=bid, ask=ask, shares=shares, received_ns=now_ns), now_ns)
    return fills(list(broker.take(now_ns)))


def test_an_order_is_acknowledged_and_filled_after_its_latency_and_slippage() -> None:
    broker = PaperBroker(PaperPolicy())
    broker.place(order(), NOON_NS)
    assert [OrderUpdate("IBM-1-20261124", OrderState.SENT)] == list(broker.take(NOON_NS))
    assert shown(broker, now_ns=NOON_NS + 99 * NS_PER_MS) == []
    (fill,) = shown(broker)
    assert (fill.shares, fill.number) == (100, 1)
    assert 100.02 * 1.0001 <= fill.price <= 100.02 * 1.0005


def test_a_sale_is_filled_at_the_bid_and_a_little_worse() -> None:
    broker = PaperBroker(PaperPolicy())
    broker.place(order(Side.SELL), NOON_NS)
    (fill,) = shown(broker)
    assert 100.00 * 0.9995 <= fill.price <= 100.00 * 0.9999


def test_no_more_is_filled_than_the_quote_shows_and_the_rest_waits_for_another() -> None:
    broker = PaperBroker(NO_SLIP)
    broker.place(order(shares=100), NOON_NS)
    assert [fill.shares for fill in shown(broker, shares=30)] == [30]
    assert shown(broker, shares=30) == []
    assert [fill.shares for fill in shown(broker, now_ns=LATE + 1, shares=300)] == [70]
    assert shown(broker, now_ns=LATE + 2) == []


def test_two_orders_share_what_one_quote_shows() -> None:
    broker = PaperBroker(NO_SLIP)
    broker.place(order(shares=50, key="a"), NOON_NS)
    broker.place(order(shares=50, key="b"), NOON_NS)
    assert [(fill.key, fill.shares) for fill in shown(broker, shares=60)] == [("a", 50), ("b", 10)]


def test_a_limit_is_filled_at_its_price_or_better_or_not_at_all() -> None:
    broker = PaperBroker(PaperPolicy(slippage_bps_min=5, slippage_bps_max=5))
    broker.place(order(limit=100.02), NOON_NS)
    assert shown(broker, ask=100.03) == []
    assert [fill.price for fill in shown(broker, now_ns=LATE + 1, ask=100.02)] == [100.02]
    broker.place(order(Side.SELL, limit=100.00, key="s"), NOON_NS)
    assert shown(broker, now_ns=LATE + 2, bid=99.99) == []
    assert [fill.price for fill in shown(broker, now_ns=LATE + 3, bid=100.00)] == [100.00]


def test_nothing_is_filled_on_a_quote_that_is_not_firm() -> None:
    broker = PaperBroker(NO_SLIP)
    broker.place(order(), NOON_NS)
    for graded in (HALTED, LAST_ONLY, MOCK, STALE):
        broker.on_view(view(graded), LATE)
    broker.on_view(view(FIRM, bid=None, ask=None), LATE)
    assert fills(list(broker.take(LATE))) == []


def test_what_is_not_filled_in_time_expires_and_what_is_cancelled_ends() -> None:
    broker = PaperBroker(NO_SLIP)
    broker.place(order(key="late"), NOON_NS)
    broker.place(order(key="unwanted"), NOON_NS)
    broker.cancel("unwanted")
    broker.cancel("never heard of")
    broker.take(NOON_NS)
    ends = broker.take(NOON_NS + 60 * NS_PER_S)
    assert [(e.key, e.state) for e in ends if isinstance(e, OrderUpdate)] == [("late", OrderState.EXPIRED)]
    assert shown(broker, now_ns=NOON_NS + 61 * NS_PER_S) == []


def test_an_order_that_is_placed_again_is_one_order_and_goes_on_where_it_was() -> None:
    broker = PaperBroker(NO_SLIP)
    half = replace(order(shares=100), filled_shares=40, fills=1)
    broker.place(half, NOON_NS)
    broker.place(half, NOON_NS)
    assert [(fill.shares, fill.number) for fill in shown(broker)] == [(60, 2)]


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 400)), max_size=30), st.integers(1, 500))
def test_an_order_is_never_filled_beyond_its_size_whatever_quotes_come(
    sizes: list[tuple[int, int]], wanted: int
) -> None:
    broker = PaperBroker(NO_SLIP)
    broker.place(order(shares=wanted), NOON_NS)
    found: list[Fill] = []
    now_ns = NOON_NS
    for shares, gap_ms in sizes:
        now_ns += gap_ms * NS_PER_MS
        found += shown(broker, now_ns=now_ns, shares=shares)
    assert sum(fill.shares for fill in found) <= wanted
    assert [fill.number for fill in found] == list(range(1, len(found) + 1))
    if now_ns < NOON_NS + 60 * NS_PER_S:
        assert sum(fill.shares for fill in found) == min(wanted, sum(shares for shares, _ in sizes))
