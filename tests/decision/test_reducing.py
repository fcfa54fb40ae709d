"""Reducing risk: nothing that is meant to limit risk stands in its way, nor does a smaller order."""

import pytest
from msgspec.structs import replace
from tests.decision.builders import LAST_ONLY, QUICK, Permits, advice, desk, hold, store, turn, view

from firmquote.decision import DecisionConfig, Desk, OrderPolicy, PaperPolicy, Permission
from firmquote.model import NS_PER_MS, NS_PER_S, Price
from firmquote.testing.clock import NOON_NS

FAST = DecisionConfig(paper=QUICK)
REDUCE_ONLY = Permission(switch="risk may only be reduced", may_reduce=True)


def pass_time(made: Desk, price: Price, *, from_s: float, until_s: float) -> float | None:
    """Show a price ten times a second; returns when the desk was flat first, in seconds."""
    for tick in range(round(from_s * 10), round(until_s * 10)):
        now_ns = NOON_NS + tick * 100 * NS_PER_MS
        turn(made, view(bid=price, ask=price + 0.02, received_ns=now_ns), now_ns)
        if not made.book.portfolio.shares("IBM"):
            return tick / 10
    return None


def test_where_risk_may_only_be_reduced_a_stop_still_sells() -> None:
    permits = Permits()
    slow = PaperPolicy(latency_ms_min=300, latency_ms_max=300)
    made = desk(config=replace(FAST, paper=slow), permits=permits)
    hold(made, 60)
    permits.now = REDUCE_ONLY
    assert pass_time(made, 97.0, from_s=0, until_s=2) == pytest.approx(0.3)


def test_where_risk_may_only_be_reduced_what_still_buys_is_cancelled() -> None:
    permits = Permits()
    made = desk(config=FAST, permits=permits)
    made.engine.advise(advice(1.0))
    made.on_view(view(), NOON_NS)
    store(made)
    permits.now = REDUCE_ONLY
    made.on_timer(NOON_NS)
    made.on_timer(NOON_NS)
    assert made.book.orders.by_key == {}


def test_a_stop_does_not_wait_behind_a_smaller_sale_that_nobody_fills() -> None:
    made = desk(config=FAST)
    hold(made, 60)
    made.engine.advise(advice(-0.4))
    made.on_view(view(), NOON_NS)
    (unit,) = store(made)
    assert (unit.quantity_shares, unit.limit_price) == (10, 99.9)
    flat_s = pass_time(made, 97.0, from_s=0.1, until_s=5)
    assert flat_s is not None
    assert flat_s <= 1.5, "not the minute after which the limit expires"


def test_a_score_that_gives_up_everything_waits_neither_for_a_smaller_sale_nor_for_its_rhythm() -> None:
    made = desk(config=replace(FAST, cooldown_s=3_600.0))
    hold(made, 60)
    made.engine.advise(advice(-0.4))
    made.on_view(view(), NOON_NS)
    store(made)
    made.engine.advise(advice(-1.0))
    flat_s = pass_time(made, 99.5, from_s=0.1, until_s=5)  # above the stop, below the limit of the first sale
    assert flat_s is not None
    assert flat_s <= 1.5


def test_a_sale_of_everything_at_a_limit_is_not_cancelled_for_another() -> None:
    made = desk(config=replace(FAST, paper=PaperPolicy(latency_ms_min=2_000, latency_ms_max=2_000)))
    hold(made, 60)
    made.engine.advise(advice(-1.0))
    assert pass_time(made, 99.5, from_s=0, until_s=5) == pytest.approx(2.0)
    assert made.engine.decided
    assert made.next_number == 2, "one order, one receipt"


def test_a_stop_in_the_market_is_left_alone_while_it_is_filled() -> None:
    made = desk(config=replace(FAST, orders=OrderPolicy(type="market")))
    hold(made, 60)
    for tick in range(3):
        now_ns = NOON_NS + tick * 100 * NS_PER_MS
        turn(made, view(bid=97.0, ask=97.1, shares=25, received_ns=now_ns), now_ns)
    assert (made.book.portfolio.shares("IBM"), made.next_number) == (0, 2)


# -- providers that sell no bid and ask


def last_price(made: Desk, price: Price, now_ns: int) -> None:
    seen = replace(view(LAST_ONLY, bid=None, ask=None, received_ns=now_ns), last=price, mid=price)
    made.on_view(seen, now_ns)


def test_a_last_price_below_the_stop_is_acted_on_at_once() -> None:
    made = desk(config=FAST)
    hold(made, 60)
    last_price(made, 100.0, NOON_NS)
    last_price(made, 90.0, NOON_NS + 50 * NS_PER_MS)
    (order,) = store(made)
    assert order.cause.startswith("stop at 98.0000 hit by 90.0000")


def test_a_last_price_marks_what_is_held() -> None:
    made = desk(config=FAST)
    hold(made, 60)
    last_price(made, 103.0, NOON_NS)
    assert made.book.portfolio.marks["IBM"] == made.book.portfolio.positions["IBM"].best == 103.0


def test_a_last_price_that_moves_is_not_frozen() -> None:
    made = desk(config=replace(FAST, min_grade="indicative"))
    for second in range(200):
        last_price(made, 100.0 + second / 100, NOON_NS + second * NS_PER_S)
    made.engine.advise(advice(1.0, now_ns=NOON_NS + 199 * NS_PER_S))
    last_price(made, 102.0, NOON_NS + 200 * NS_PER_S)
    current = made.engine.current("IBM")
    assert current is not None
    assert "frozen" not in [block.gate for block in current.gates_blocked]


# -- where nothing can be stored


def test_where_nothing_is_stored_for_long_decisions_are_counted_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmquote.decision.desk.UNSTORED_MAX", 20)
    made = desk(config=FAST)
    for tick in range(100):
        now_ns = NOON_NS + tick * NS_PER_S
        made.engine.advise(advice(1.0 if tick % 2 else 0.0, now_ns=now_ns))
        made.on_view(view(received_ns=now_ns), now_ns)
    assert made.unstored <= 25
    assert made.engine.unrecorded > 20
    assert "store" in made.engine.pauses
