"""Average cost, profit, marks, days, and corporate actions: to the micro-dollar."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decision.builders import DAY

from firmquote.decision import Account, Portfolio, Position, after_fill
from firmquote.model.trading import MICROS_PER_USD, Fill, Side
from firmquote.symbols import Acquisition, Basis, CorporateAction, Rename, SpinOff, Split
from firmquote.testing.clock import NOON_NS

NEXT = date(2026, 11, 25)
CASH = 100_000 * MICROS_PER_USD


def fill(side: Side, shares: int, price: float, *, symbol: str = "IBM", number: int = 1) -> Fill:
    return Fill(
        key=f"{symbol}-1-20261124", number=number, symbol=symbol, side=side, shares=shares, price=price, at_ns=NOON_NS
    )


def position(*fills: Fill) -> Position:
    held = Position(symbol="IBM", basis=Basis("IBM", DAY))
    for each in fills:
        held = after_fill(held, each)
    return held


def portfolio(*fills: Fill, cash_micros: int = CASH) -> Portfolio:
    made = Portfolio(Account(cash_micros=cash_micros, day=DAY))
    for each in fills:
        made.fill(each)
    return made


def total(made: Portfolio) -> int:
    """What never changes by trading or by an action at cost: cash plus cost less what was realised."""
    cost = sum(position.cost_micros for position in made.positions.values())
    realised = sum(position.realised_micros for position in made.positions.values())
    return made.account.cash_micros + cost - realised


def test_buying_averages_the_cost_and_selling_realises_against_it() -> None:
    held = position(fill(Side.BUY, 10, 100.0), fill(Side.BUY, 10, 110.0), fill(Side.SELL, 5, 120.0))
    assert pytest.approx((15, 105.0)) == (held.shares, held.average_cost)
    assert held.realised_micros == 75 * MICROS_PER_USD


def test_selling_short_and_buying_back_realises_the_difference() -> None:
    held = position(fill(Side.SELL, 10, 100.0), fill(Side.BUY, 4, 90.0))
    assert pytest.approx((-6, 100.0)) == (held.shares, held.average_cost)
    assert held.realised_micros == 40 * MICROS_PER_USD


def test_a_fill_that_turns_the_position_closes_all_of_it_and_opens_the_rest() -> None:
    held = position(fill(Side.BUY, 10, 100.0), fill(Side.SELL, 15, 110.0))
    assert pytest.approx((-5, 110.0, 110.0)) == (held.shares, held.average_cost, held.best)
    assert held.realised_micros == 100 * MICROS_PER_USD


def test_a_flat_position_costs_nothing_to_the_last_micro_dollar() -> None:
    held = position(fill(Side.BUY, 3, 33.3333), fill(Side.SELL, 1, 33.34), fill(Side.SELL, 2, 33.34))
    assert (held.shares, held.cost_micros, held.average_cost, held.best) == (0, 0, None, None)


def test_marks_move_value_profit_and_the_best_price() -> None:
    made = portfolio(fill(Side.BUY, 10, 100.0))
    made.mark("IBM", 110.0, 110.2)
    made.mark("IBM", 105.0, 105.2)
    assert 1_051 * MICROS_PER_USD == made.value_micros("IBM") == made.gross_micros == made.net_micros
    assert made.positions["IBM"].best == 110.0
    assert made.nav_micros == (CASH - 1_000 * MICROS_PER_USD) + 1_051 * MICROS_PER_USD


def test_the_first_fill_after_being_flat_is_worth_what_it_cost() -> None:
    made = portfolio(fill(Side.BUY, 10, 100.0), fill(Side.SELL, 10, 100.0))
    made.fill(fill(Side.BUY, 100, 10.0, number=2))  # ten for one, meanwhile
    assert made.value_micros("IBM") == 1_000 * MICROS_PER_USD
    assert made.nav_micros == CASH


def test_the_best_prices_are_told_once_for_whoever_stores_them() -> None:
    made = portfolio(fill(Side.BUY, 10, 100.0))
    made.mark("IBM", 110.0, 110.2)
    made.note_best()
    assert made.take_risen() == ({"IBM"}, True)
    made.mark("IBM", 105.0, 105.2)
    made.note_best()
    assert made.take_risen() == (set(), False)


def test_a_restored_position_is_worth_its_last_mark_and_makes_no_best_before_its_first_quote() -> None:
    held = Position(symbol="IBM", basis=Basis("IBM", DAY), shares=10, cost_micros=1_000 * MICROS_PER_USD, mark=90.0)
    made = Portfolio(Account(cash_micros=0, day=DAY, day_best_micros=850 * MICROS_PER_USD), (held,))
    assert made.nav_micros == 900 * MICROS_PER_USD
    made.note_best()
    assert made.account.day_best_micros == 850 * MICROS_PER_USD
    made.mark("IBM", 89.0, 89.0)
    made.note_best()
    assert made.account.day_best_micros == 890 * MICROS_PER_USD


def test_gross_adds_what_net_takes_off() -> None:
    made = portfolio(fill(Side.BUY, 10, 100.0), fill(Side.SELL, 5, 100.0, symbol="BAC"))
    assert (made.gross_micros // MICROS_PER_USD, made.net_micros // MICROS_PER_USD) == (1_500, 500)


def test_drawdown_is_measured_from_the_best_value_of_the_day_and_of_the_week() -> None:
    made = portfolio(fill(Side.BUY, 100, 100.0))
    made.mark("IBM", 110.0, 110.0)
    made.note_best()
    made.mark("IBM", 99.0, 99.0)
    day_pct, week_pct = made.drawdown_pct()
    assert pytest.approx((1_100 / 101_000 * 100, day_pct)) == (day_pct, week_pct)
    made.begin_day(NEXT)  # still the same week
    assert pytest.approx((0.0, week_pct)) == made.drawdown_pct()
    made.begin_day(date(2026, 11, 30))
    assert made.drawdown_pct() == (0.0, 0.0)


def test_a_new_day_counts_its_orders_from_nothing() -> None:
    made = portfolio()
    made.count_order()
    assert made.account.orders_today == 1
    made.begin_day(DAY)
    assert made.account.orders_today == 1
    made.begin_day(NEXT)
    assert made.account.orders_today == 0


def test_a_split_changes_shares_and_cost_per_share_and_realises_nothing() -> None:
    made = portfolio(fill(Side.BUY, 10, 100.0))
    made.mark("IBM", 120.0, 120.0)
    changed = made.carry([Split(symbol="IBM", effective=NEXT, ratio=Fraction(4))], NEXT)
    held = made.positions["IBM"]
    assert [held] == list(changed)
    assert pytest.approx((40, 25.0, 30.0, 0)) == (
        held.shares,
        held.average_cost,
        held.best,
        held.realised_micros,
    )
    assert made.value_micros("IBM") == 1_200 * MICROS_PER_USD


def test_the_fraction_of_a_reverse_split_becomes_cash_at_its_cost() -> None:
    made = portfolio(fill(Side.BUY, 25, 10.0))
    made.carry([Split(symbol="IBM", effective=NEXT, ratio=Fraction(1, 10))], NEXT)
    held = made.positions["IBM"]
    assert pytest.approx((2, 100.0, 0)) == (held.shares, held.average_cost, held.realised_micros)
    assert made.account.cash_micros == CASH - 250 * MICROS_PER_USD + 50 * MICROS_PER_USD


def test_a_rename_moves_the_position_and_its_best_price() -> None:
    made = portfolio(fill(Side.BUY, 10, 100.0, symbol="FB"))
    made.carry([Rename(symbol="FB", effective=NEXT, new_symbol="META")], NEXT)
    assert (made.shares("FB"), made.shares("META")) == (0, 10)
    assert made.positions["META"].best == 100.0
    assert (made.value_micros("META"), made.value_micros("FB")) == (1_000 * MICROS_PER_USD, 0)


def test_a_takeover_for_cash_realises_its_profit() -> None:
    made = portfolio(fill(Side.BUY, 10, 100.0))
    made.carry([Acquisition(symbol="IBM", effective=NEXT, cash_usd=130.0)], NEXT)
    assert (made.shares("IBM"), made.positions["IBM"].realised_micros) == (0, 300 * MICROS_PER_USD)
    assert CASH + 300 * MICROS_PER_USD == made.account.cash_micros == made.nav_micros


def test_a_spin_off_brings_the_child_and_its_part_of_the_cost() -> None:
    made = portfolio(fill(Side.BUY, 10, 100.0))
    action = SpinOff(
        symbol="IBM", effective=NEXT, child="KD", child_shares=Fraction(1, 5), price_factor=Fraction(9, 10)
    )
    changed = made.carry([action], NEXT)
    assert [each.symbol for each in changed] == ["IBM", "KD"]
    assert pytest.approx((90.0, 2, 50.0)) == (
        made.positions["IBM"].average_cost,
        made.shares("KD"),
        made.positions["KD"].average_cost,
    )


def test_an_action_is_applied_once_also_after_a_restart() -> None:
    made = portfolio(fill(Side.BUY, 10, 100.0))
    split = Split(symbol="IBM", effective=NEXT, ratio=Fraction(2))
    made.carry([split], NEXT)
    assert made.carry([split], NEXT) == ()
    restarted = Portfolio(made.account, tuple(made.positions.values()))
    assert restarted.carry([split], NEXT) == ()
    assert restarted.shares("IBM") == 20


def test_what_was_bought_after_an_action_is_not_changed_by_it() -> None:
    made = portfolio()
    made.begin_day(NEXT)
    made.fill(fill(Side.BUY, 10, 50.0))
    assert made.carry([Split(symbol="IBM", effective=NEXT, ratio=Fraction(2))], NEXT) == ()


FILLS = st.builds(fill, st.sampled_from(Side), st.integers(1, 500), st.floats(1, 2_000))
ACTIONS = st.one_of(
    st.builds(Split, symbol=st.just("IBM"), effective=st.just(NEXT), ratio=st.sampled_from([Fraction(2), Fraction(3, 2), Fraction(1, 10)])),
    st.builds(Rename, symbol=st.just("IBM"), effective=st.just(NEXT), new_symbol=st.just("NEW")),
    st.builds(Acquisition, symbol=st.just("IBM"), effective=st.just(NEXT), cash_usd=st.floats(1, 100)),
    st.builds(
        SpinOff, symbol=st.just("IBM"), effective=st.just(NEXT), child=st.just("KID"),
        child_shares=st.sampled_from([Fraction(1), Fraction(1, 3)]), price_factor=st.sampled_from([None, Fraction(4, 5)]),
    ),
)  # fmt: skip


@given(st.lists(FILLS, max_size=20))
def test_cash_cost_and_realised_profit_always_add_up(fills: list[Fill]) -> None:
    made = portfolio()
    for each in fills:
        made.fill(each)
        assert total(made) == CASH
        held = made.positions["IBM"]
        assert (held.shares == 0) <= (held.cost_micros == 0)
        assert held.shares * held.cost_micros >= 0


@given(st.lists(FILLS, min_size=1, max_size=8), ACTIONS)
def test_a_corporate_action_makes_no_money_out_of_nothing(fills: list[Fill], action: CorporateAction) -> None:
    made = portfolio(*fills)
    made.carry([action], NEXT)
    assert total(made) == CASH
    assert made.net_micros == sum(made.value_micros(symbol) for symbol in made.positions)
    assert made.gross_micros == sum(abs(made.value_micros(symbol)) for symbol in made.positions)
