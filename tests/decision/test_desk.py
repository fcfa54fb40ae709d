"""The desk: orders from decisions, positions from fills, and limits that hold in every interleaving."""

from datetime import date
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.decision.builders import (
    DAY,
    LAST_ONLY,
    QUICK,
    STALE,
    Permits,
    advice,
    desk,
    hold,
    store,
    turn,
    view,
)

from firmquote.decision import (
    Caps,
    DecisionConfig,
    Desk,
    DrawdownPolicy,
    MarketView,
    Momentum,
    MomentumConfig,
    OrderPolicy,
    PaperPolicy,
    Permission,
    decide_again,
    identical,
    what_if,
)
from firmquote.errors import FirmquoteError
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.model.trading import MICROS_PER_USD, Fill, NewsInput, OrderState, Side
from firmquote.symbols import Rename, Split
from firmquote.testing.clock import NOON_NS

FAST = DecisionConfig(paper=QUICK)


def test_an_opening_intent_makes_one_order_of_its_units_at_a_limit_beyond_the_ask() -> None:
    made = desk(config=FAST)
    made.engine.advise(advice(1.0))
    made.on_view(view(), NOON_NS)
    batch = made.take_batch()
    (order,) = batch.orders
    assert order.key == "IBM-1-20261124"
    assert (order.side, order.limit_price, order.quantity_shares, order.intent) == (Side.BUY, 100.13, 49, "BUY_5X")
    (receipt,) = batch.receipts
    assert (order.key, "BUY_5X") == (receipt.order, receipt.decision.intent)


@pytest.mark.parametrize("sectors", [{}, {"IBM": "technology"}])
def test_the_limit_of_a_sector_holds_for_a_symbol_without_one_too(sectors: dict[str, str]) -> None:
    config = replace(FAST, sectors=sectors, sector_usd=6_000.0)
    made = desk("IBM", "BAC", config=config)
    hold(made, 51, price=99.0)
    hold(made, 90, symbol="BAC", price=99.0)
    made.engine.advise(advice(0.4))
    made.on_view(view(), NOON_NS)
    (receipt,) = made.take_batch().receipts
    (block,) = receipt.decision.gates_blocked
    name = sectors.get("IBM", "IBM")
    assert (block.gate, block.change) == ("sector_limit", f"at most 6,000 dollars in {name}")


def test_a_split_is_neither_a_fall_to_sell_on_nor_a_move_to_be_confirmed() -> None:
    made = desk(config=FAST, strategies=(Momentum(MomentumConfig(warmup_quotes=2)),))
    hold(made, 10)
    for second in range(120):
        made.on_view(view(received_ns=NOON_NS + second * NS_PER_S), NOON_NS + second * NS_PER_S)
    made.begin_day(date(2026, 11, 25))
    made.carry([Split(symbol="IBM", effective=date(2026, 11, 25), ratio=Fraction(2))])
    made.engine.forget_prices("IBM")
    store(made)
    later_ns = NOON_NS + 121 * NS_PER_S
    for seen_ns in (later_ns, later_ns + NS_PER_S):
        made.on_view(view(bid=50.00, ask=50.01, received_ns=seen_ns), seen_ns)
    assert store(made) == []
    made.engine.advise(advice(1.0, now_ns=later_ns))
    made.on_view(view(bid=50.01, ask=50.02, received_ns=later_ns), later_ns + NS_PER_S)
    (receipt,) = made.take_batch().receipts
    assert (receipt.decision.intent, abs(receipt.situation.move_bps) < 10) == ("BUY_1X", True)


def test_an_order_reaches_the_broker_only_after_it_is_stored() -> None:
    made = desk(config=FAST)
    made.engine.advise(advice(1.0))
    made.on_view(view(), NOON_NS)
    made.on_view(view(), NOON_NS)
    made.on_timer(NOON_NS)
    batch = made.take_batch()
    assert [order.state for order in batch.orders] == [OrderState.PENDING]
    made.on_stored(batch, NOON_NS)
    made.on_view(view(), NOON_NS)
    made.on_timer(NOON_NS)
    assert made.book.portfolio.shares("IBM") == 49


def test_after_an_opening_intent_the_symbol_rests_and_then_may_be_bought_again() -> None:
    made = desk(config=FAST)
    made.engine.advise(advice(0.4))
    intents = []
    for second in (0, 1, 59, 60):
        at_ns = NOON_NS + second * NS_PER_S
        turn(made, view(received_ns=at_ns), at_ns)
        current = made.engine.current("IBM")
        assert current is not None
        intents.append(current.intent)
    assert made.book.portfolio.account.orders_today == 2
    assert intents == ["REJECT"] * 4  # after each purchase the cooldown speaks


def test_a_negative_score_sells_one_unit_at_a_time_and_a_very_negative_one_everything() -> None:
    made = desk(config=FAST)
    hold(made, 60)
    made.engine.advise(advice(-0.4))
    (order, *_) = turn(made, view(), NOON_NS)
    assert (order.side, order.quantity_shares, order.limit_price) == (Side.SELL, 10, 99.9)
    turn(made, view(received_ns=NOON_NS + 1), NOON_NS + NS_PER_S)
    assert made.book.portfolio.shares("IBM") == 50  # the rhythm: one unit in a cooldown
    made.engine.advise(advice(-1.0))
    (order, *_) = turn(made, view(), NOON_NS + 60 * NS_PER_S)
    assert order.quantity_shares == 50
    assert made.book.portfolio.shares("IBM") == 0


def test_a_stop_sells_everything_at_the_market_and_starts_the_long_rest() -> None:
    made = desk(config=FAST)
    hold(made, 60)
    (order, *_) = turn(made, view(bid=97.9, ask=97.95), NOON_NS)
    assert (order.side, order.quantity_shares, order.limit_price) == (Side.SELL, 60, None)
    assert order.cause.startswith("stop at 98.0000 hit by 97.9000")
    made.engine.advise(advice(1.0))
    later = NOON_NS + 899 * NS_PER_S
    made.on_view(view(received_ns=later), later)
    current = made.engine.current("IBM")
    assert current is not None
    assert [block.gate for block in current.gates_blocked if block.gate != "frozen"] == ["cooldown_stop"]


def test_reducing_cancels_what_still_buys() -> None:
    made = desk(config=replace(FAST, paper=PaperPolicy(latency_ms_min=5_000, latency_ms_max=5_000)))
    hold(made, 20)
    made.engine.advise(advice(0.4))
    made.on_view(view(), NOON_NS)
    (bought,) = store(made)
    made.engine.advise(advice(-1.0))
    made.on_view(view(), NOON_NS + NS_PER_S)
    made.on_timer(NOON_NS + NS_PER_S)
    states = {order.key: order.state for order in made.take_batch().orders}
    assert OrderState.CANCELLED is states[bought.key]


def test_a_kill_switch_and_a_pause_cancel_what_would_open_risk() -> None:
    for pull in ("switch", "pause"):
        permits = Permits()
        made = desk(config=FAST, permits=permits)
        made.engine.advise(advice(0.4))
        made.on_view(view(), NOON_NS)
        store(made)
        if pull == "switch":
            permits.now = Permission(switch="switch all is engaged", may_reduce=False)
        else:
            made.engine.pauses["operator"] = "lunch"
        made.on_timer(NOON_NS + 1)
        made.on_timer(NOON_NS + 2)
        assert made.book.orders.by_key == {}


def test_a_loss_pauses_for_good_and_an_operator_resumes() -> None:
    made = desk(config=replace(FAST, drawdown=DrawdownPolicy(day_reduce_pct=1, day_pause_pct=2)), cash_usd=10_000)
    hold(made, 90)
    made.on_timer(NOON_NS)
    made.on_view(view(bid=98.5, ask=98.5), NOON_NS)
    made.on_timer(NOON_NS)
    assert made.engine.pauses == {}
    made.on_view(view(bid=97.5, ask=97.5), NOON_NS)
    made.on_timer(NOON_NS)
    assert list(made.engine.pauses) == ["day"]
    assert made.unstored, "a pause that lasts has to be stored"
    made.begin_day(date(2026, 11, 25))
    assert list(made.engine.pauses) == ["day"]
    again = desk(config=FAST)
    again.restore(made.book, next_number=1, day=DAY)
    assert list(again.engine.pauses) == ["day"]
    assert len(again.resume()) == 1
    assert again.engine.pauses == {}
    assert again.book.portfolio.drawdown_pct() == (0.0, 0.0)


def test_what_stops_and_losses_are_measured_from_is_stored_while_it_rises_and_at_the_end() -> None:
    made = desk(config=FAST)
    hold(made, 60)
    store(made)
    made.on_view(view(bid=104.0, ask=105.0), NOON_NS)
    made.on_timer(NOON_NS)
    batch = made.take_batch()
    (position,) = batch.positions
    assert (position.best, position.mark) == (104.0, 104.5)
    assert batch.account is not None
    assert batch.account.day_best_micros == made.book.portfolio.nav_micros
    made.on_view(view(bid=103.0, ask=104.0), NOON_NS + 2 * NS_PER_S)
    made.on_timer(NOON_NS + 2 * NS_PER_S)
    assert not made.take_batch(), "nothing has risen"
    (position,) = made.take_last().positions
    assert (position.best, position.mark) == (104.0, 103.5)


def test_a_fill_that_nobody_waits_for_pauses_also_over_restarts_until_an_operator_resumes() -> None:
    made = desk(config=FAST)
    unknown = Fill(key="IBM-7-1", number=1, symbol="IBM", side=Side.BUY, shares=3, price=100.5, at_ns=NOON_NS)
    made.broker.take = lambda now_ns: [unknown]  # type: ignore[method-assign]  # noqa: ARG005 - a protocol's name
    made.on_timer(NOON_NS)
    (why,) = made.engine.pauses.values()
    assert "buy 3 IBM at 100.5, IBM-7-1" in why
    assert "firmquote decisions resume" in why
    again = desk(config=FAST)
    again.restore(made.book, next_number=1, day=DAY)
    assert again.engine.pauses == made.engine.pauses
    assert again.resume() == (why,)
    assert again.engine.pauses == {}


def test_while_nothing_can_be_stored_no_order_is_made_and_receipts_keep_their_measure() -> None:
    made = desk(config=FAST)
    hold(made, 60)
    made.engine.pauses["store"] = "the disk is full"
    for tick in range(100):
        made.on_view(view(bid=90.0, ask=90.1), NOON_NS + tick * 100 * NS_PER_MS)
    batch = made.take_batch()
    assert batch.orders == ()
    assert 1 <= len(batch.receipts) <= 11


def test_the_quiet_case_makes_no_documents() -> None:
    made = desk()
    for tick in range(1_000):
        made.on_view(view(bid=100 + tick % 3 * 0.01, ask=100.05), NOON_NS + tick * NS_PER_MS)
    assert len(made.take_batch().receipts) == 1
    assert made.engine.decided == 1_000


def test_a_flickering_mind_is_recorded_once_a_second_and_the_rest_is_counted() -> None:
    made = desk()
    for tick in range(300):
        made.engine.advise(advice(1.0 if tick % 2 else 0.0))
        made.on_view(view(LAST_ONLY, bid=None, ask=None), NOON_NS + tick * 10 * NS_PER_MS)
    assert 3 <= len(made.take_batch().receipts) <= 4
    assert made.engine.unrecorded > 10


def test_a_switch_against_news_closes_the_ear_for_advice() -> None:
    permits = Permits()
    made = desk(permits=permits)
    made.engine.advise(advice(1.0))
    permits.hears = False
    made.on_view(view(), NOON_NS)
    current = made.engine.current("IBM")
    assert current is not None
    assert (current.per_strategy, current.intent) == ({}, "HOLD")


def test_a_switch_against_news_does_not_lift_what_news_forbid() -> None:
    permits = Permits()
    made = desk(permits=permits, strategies=(Momentum(MomentumConfig(warmup_quotes=2, scale_bps=0.01)),))
    permits.hears = False
    made.engine.news.put(NewsInput(symbol="IBM", text="a lawsuit"), NOON_NS)
    made.on_view(view(bid=100.0, ask=100.01), NOON_NS)
    made.on_view(view(bid=100.1, ask=100.11), NOON_NS + NS_PER_S)
    current = made.engine.current("IBM")
    assert current is not None
    assert (current.intent, [block.gate for block in current.gates_blocked]) == ("REJECT", ["news"])


def test_what_is_permitted_now_is_thought_about_although_the_quote_stands_still() -> None:
    permits = Permits()
    made = desk(permits=permits)
    made.engine.advise(advice(1.0))
    made.on_view(view(), NOON_NS)
    permits.hears = False
    made.engine.think_again()
    made.on_view(view(), NOON_NS + 1)
    current = made.engine.current("IBM")
    assert current is not None
    assert current.per_strategy == {}


def test_an_order_cancelled_while_it_waits_for_the_disk_never_reaches_the_broker() -> None:
    made = desk(config=FAST)
    made.engine.advise(advice(1.0))
    made.on_view(view(), NOON_NS)
    batch = made.take_batch()
    made.cancel_opening()
    made.on_stored(batch, NOON_NS)
    (order,) = made.take_batch().orders
    assert (order.state, order.words) == (OrderState.CANCELLED, "cancelled before it was sent")
    made.on_view(view(), NOON_NS + 10 * NS_PER_S)
    made.on_timer(NOON_NS + 10 * NS_PER_S)
    assert made.book.portfolio.shares("IBM") == 0


def test_an_order_from_before_a_restart_ends_also_where_its_symbol_is_served_no_more() -> None:
    before = desk("IBM", "OLD", config=FAST)
    before.engine.advise(advice(1.0, symbol="OLD"))
    before.on_view(view(symbol="OLD"), NOON_NS)
    store(before)
    after = desk("IBM", config=FAST)
    after.restore(before.book, next_number=2, day=DAY)
    (order,) = after.book.orders.of("OLD")
    after.broker.place(order, NOON_NS)
    after.on_timer(order.expires_ns)
    assert after.book.orders.by_key == {}


def test_a_market_order_that_opens_risk_is_filled_at_a_percent_worse_than_shown_and_no_further() -> None:
    made = desk(config=replace(FAST, orders=OrderPolicy(type="market")))
    made.engine.advise(advice(0.4))
    made.on_view(view(), NOON_NS)
    (order,) = store(made)
    assert order.limit_price == 101.03
    assert pytest.approx(made.book.exposure("IBM").symbol_usd) == 9 * 101.03
    made.on_view(view(bid=110.0, ask=110.1, received_ns=NOON_NS + 1), NOON_NS + 1)
    made.on_timer(NOON_NS + 1)
    assert made.book.portfolio.shares("IBM") == 0, "the price ran away: the caps still hold"


# -- receipts


def test_a_receipt_decides_again_to_the_same_bytes_and_otherwise_on_another_quote() -> None:
    other = view(LAST_ONLY, bid=None, ask=None, provider="alphavantage")
    made = desk(config=FAST, others=(other,), strategies=(Momentum(MomentumConfig(warmup_quotes=2)),))
    made.engine.advise(advice(1.0))
    made.on_view(view(), NOON_NS)
    (receipt,) = made.take_batch().receipts
    stored = msgspec.json.decode(msgspec.json.encode(receipt), type=type(receipt))
    assert receipt == stored
    assert identical(stored, FAST)
    assert msgspec.json.encode(receipt.decision) == msgspec.json.encode(decide_again(stored, FAST))
    changed = what_if(stored, FAST, active="alphavantage")
    assert (changed.was.intent, changed.would_be.intent) == ("BUY_5X", "REJECT")
    assert tuple(block.gate for block in changed.would_be.gates_blocked) == ("grade", "liquidity")


@pytest.mark.parametrize(("active", "words"), [("polygon", "polygon served"), ("tiingo", "tiingo had no price then")])
def test_what_if_needs_a_quote_that_was_there(active: str, words: str) -> None:
    made = desk()
    made.on_view(view(), NOON_NS)
    (receipt,) = made.take_batch().receipts
    with pytest.raises(FirmquoteError, match=words):
        what_if(receipt, DecisionConfig(), active=active)


def test_a_receipt_of_other_rules_does_not_pass_for_identical() -> None:
    made = desk()
    made.engine.advise(advice(0.4))
    made.on_view(view(), NOON_NS)
    (receipt,) = made.take_batch().receipts
    assert identical(receipt, DecisionConfig())
    assert not identical(receipt, DecisionConfig(positive=0.6))


# -- properties over whole days

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("score"), st.sampled_from(["A", "B", "C"]), st.floats(-1, 1)),
        st.tuples(st.just("quote"), st.sampled_from(["A", "B", "C"]), st.integers(0, 60)),
        st.tuples(st.just("wait"), st.just(""), st.integers(1, 90)),
        st.tuples(st.just("split"), st.sampled_from(["A", "B", "C"]), st.sampled_from([2, 3, 10])),
        st.tuples(st.just("rename"), st.sampled_from(["A", "B"]), st.just(0)),
        st.tuples(st.just("store"), st.just(""), st.just(0)),
    ),
    max_size=80,
)
TIGHT = DecisionConfig(
    caps=Caps(symbol_usd=5_000, gross_usd=9_000, net_usd=9_000, orders_per_day=30),
    sectors={"A": "one", "B": "one"},
    sector_usd=6_000,
    cooldown_s=5,
    frozen_s=1e9,
    paper=PaperPolicy(latency_ms_min=0, latency_ms_max=3_000),
)


class Day:
    """Plays steps on a desk: quotes at a steady economic price, which splits divide."""

    def __init__(self, config: DecisionConfig) -> None:
        self.desk = desk("A", "B", "C", "AN", "BN", config=config)
        self.now_ns = NOON_NS
        self.price = dict.fromkeys(("A", "B", "C", "AN", "BN"), 100.0)
        self.day = DAY
        self.trace: list[bytes] = []

    def play(self, step: tuple[str, str, float]) -> None:
        kind, symbol, number = step
        self.now_ns += 100 * NS_PER_MS
        if kind == "score":
            self.desk.engine.advise(advice(number, symbol=symbol, now_ns=self.now_ns))
        elif kind == "quote":
            price = self.price[symbol]
            seen = view(symbol=symbol, bid=price, ask=price * 1.0002, shares=int(number), received_ns=self.now_ns)
            self._look(seen)
        elif kind == "wait":
            self.now_ns += int(number * NS_PER_S)
        elif kind == "store":
            self._store()
        else:
            self._act(kind, symbol, int(number))
        self.desk.on_timer(self.now_ns)

    def _look(self, seen: MarketView) -> None:
        self.desk.on_view(seen, self.now_ns)

    def _store(self) -> None:
        batch = self.desk.take_batch()
        self.trace.append(msgspec.json.encode(batch))
        self.desk.on_stored(batch, self.now_ns)

    def _act(self, kind: str, symbol: str, ratio: int) -> None:
        self.day = date.fromordinal(self.day.toordinal() + 1)
        self.desk.begin_day(self.day)
        if kind == "split":
            self.desk.carry([Split(symbol=symbol, effective=self.day, ratio=Fraction(ratio))])
            self.price[symbol] /= ratio
        else:
            self.desk.carry([Rename(symbol=symbol, effective=self.day, new_symbol=symbol + "N")])
            self.price[symbol + "N"] = self.price[symbol]

    def at_risk_usd(self, *symbols: str) -> float:
        portfolio, orders = self.desk.book.portfolio, self.desk.book.orders
        held = sum(abs(portfolio.shares(symbol)) * self.price[symbol] for symbol in symbols)
        return held + sum(orders.reserved_of(symbol) for symbol in symbols) / MICROS_PER_USD


@settings(max_examples=150)
@given(STEPS)
def test_caps_hold_in_every_interleaving_of_decisions_fills_and_corporate_actions(
    steps: list[tuple[str, str, float]],
) -> None:
    day = Day(TIGHT)
    for step in steps:
        day.play(step)
        for symbol in day.price:
            assert day.at_risk_usd(symbol) <= 5_000 + 1e-6
            assert day.desk.book.portfolio.shares(symbol) >= 0
        assert day.at_risk_usd("A", "B") <= 6_000 + 1e-6
        assert day.at_risk_usd(*day.price) <= 9_000 + 1e-6
        assert day.desk.book.portfolio.account.orders_today <= 30


@settings(max_examples=60)
@given(STEPS)
def test_the_same_day_is_decided_and_filled_to_the_same_bytes(steps: list[tuple[str, str, float]]) -> None:
    first, second = Day(TIGHT), Day(TIGHT)
    for step in steps:
        first.play(step)
        second.play(step)
    assert first.trace == second.trace


@settings(max_examples=100)
@given(STEPS)
def test_a_position_can_always_be_given_up_on_a_usable_quote(steps: list[tuple[str, str, float]]) -> None:
    day = Day(TIGHT)
    for step in steps:
        day.play(step)
    day.desk.engine.pauses["somebody"] = "something"
    for symbol in day.price:
        if not day.desk.book.portfolio.shares(symbol):
            continue
        for score in (-1.0, -0.9):
            day.now_ns += 2 * NS_PER_S  # neither a cooldown nor the end of what is on its way
            day.desk.on_timer(day.now_ns)
            day.desk.engine.advise(advice(score, symbol=symbol, now_ns=day.now_ns))
            day.play(("quote", symbol, 10_000))
            day.play(("store", "", 0))
            day.now_ns += 5 * NS_PER_S
            day.play(("quote", symbol, 10_000))
        assert day.desk.book.portfolio.shares(symbol) == 0, symbol


def test_a_stale_position_is_kept_and_told_why() -> None:
    made = desk()
    hold(made, 10)
    made.engine.advise(advice(-1.0))
    made.on_view(view(STALE), NOON_NS)
    current = made.engine.current("IBM")
    assert current is not None
    assert (current.intent, current.wanted, current.gates_blocked[0].saw) == ("HOLD", "REDUCE", "the quote is stale")


def test_desks_of_one_configuration_have_one_version() -> None:
    first, second = desk(config=FAST), desk(config=FAST)
    assert isinstance(first, Desk)
    assert first.rules.version == second.rules.version != desk().rules.version
