"""Prices, orders and holdings over corporate actions: once, in any order of restarts."""

from datetime import date, timedelta
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.symbols import (
    Acquisition,
    Basis,
    Carried,
    CarriedPrice,
    CashInLieu,
    CorporateAction,
    Delisting,
    Dividend,
    Holding,
    OpenOrder,
    Rename,
    SpinOff,
    Split,
    TradingHalt,
    carry_holding,
    carry_order,
    carry_price,
)

BOUGHT, DAY = date(2022, 1, 3), date(2022, 7, 18)
EVE = DAY - timedelta(days=1)
SPLIT = Split(symbol="X", effective=DAY, ratio=Fraction(20))
REVERSE = Split(symbol="X", effective=DAY, ratio=Fraction(1, 10))
RENAME = Rename(symbol="X", effective=DAY, new_symbol="Y")

# The days around 3 April 2014: the old GOOG became GOOGL and each share brought one GOOG, until then GOOCV when issued.
APRIL_3 = date(2014, 4, 3)
GOOGLE: list[CorporateAction] = [
    Rename(symbol="GOOG", effective=APRIL_3, new_symbol="GOOGL"),
    SpinOff(symbol="GOOG", effective=APRIL_3, child="GOOG", child_shares=Fraction(1), price_factor=Fraction(1, 2)),
    Rename(symbol="GOOCV", effective=APRIL_3, new_symbol="GOOG"),
    Split(symbol="GOOGL", effective=DAY, ratio=Fraction(20)),
    Split(symbol="GOOG", effective=DAY, ratio=Fraction(20)),
]


def holding(
    quantity_shares: int = 105, average_cost: float | None = 100.0, *, symbol: str = "X", day: date = BOUGHT
) -> Holding:
    return Holding(symbol, quantity_shares, average_cost, Basis(symbol, day))


def price(symbol: str = "X", day: date = EVE) -> CarriedPrice:
    return CarriedPrice(symbol, 100.0, Basis(symbol, day))


def order(quantity_shares: int = 105, limit_price: float | None = 100.0) -> OpenOrder:
    return OpenOrder("X", quantity_shares, limit_price, Basis("X", EVE))


def shares(carried: Carried) -> dict[str, tuple[int, float | None]]:
    return {each.symbol: (each.quantity_shares, each.average_cost) for each in carried.holdings}


def restarted(holding: Holding) -> Holding:
    return msgspec.json.decode(msgspec.json.encode(holding), type=Holding)


def test_a_split_multiplies_the_shares_and_divides_the_cost_from_its_day_on() -> None:
    assert carry_holding(holding(), [SPLIT], EVE) == Carried((holding(),))
    carried = carry_holding(holding(), [SPLIT], DAY)
    assert shares(carried) == {"X": (2100, 5.0)}
    assert carried.applied == ("split:X:2022-07-18",)


def test_a_split_is_applied_once_also_after_a_restart_and_on_later_days() -> None:
    (once,) = carry_holding(holding(), [SPLIT], DAY).holdings
    for today in (DAY, DAY + timedelta(days=30)):
        assert carry_holding(restarted(once), [SPLIT], today) == Carried((once,))


def test_a_split_from_before_the_purchase_is_not_applied() -> None:
    after = holding(day=DAY)
    assert carry_holding(after, [SPLIT], DAY + timedelta(days=1)) == Carried((after,))


def test_a_split_that_becomes_known_late_is_applied_late() -> None:
    (unaware,) = carry_holding(holding(), [], DAY + timedelta(days=1)).holdings
    assert shares(carry_holding(unaware, [SPLIT], DAY + timedelta(days=2))) == {"X": (2100, 5.0)}


@pytest.mark.parametrize(
    ("quantity_shares", "whole", "rest"),
    [
        pytest.param(105, 10, Fraction(1, 2), id="long"),
        pytest.param(-105, -10, Fraction(-1, 2), id="short"),
    ],
)
def test_a_fraction_of_a_share_becomes_cash(quantity_shares: int, whole: int, rest: Fraction) -> None:
    carried = carry_holding(holding(quantity_shares), [REVERSE], DAY)
    assert shares(carried) == {"X": (whole, 1000.0)}
    assert carried.in_lieu == (CashInLieu("X", rest),)


def test_a_holding_of_less_than_one_new_share_is_gone_but_for_cash() -> None:
    assert carry_holding(holding(7), [REVERSE], DAY) == Carried(
        (), in_lieu=(CashInLieu("X", Fraction(7, 10)),), applied=("split:X:2022-07-18",)
    )


def test_a_rename_changes_the_name_and_later_actions_are_found_under_the_new_one() -> None:
    later = Split(symbol="Y", effective=DAY + timedelta(days=1), ratio=Fraction(2))
    (renamed,) = carry_holding(holding(), [RENAME, later], DAY).holdings
    assert (renamed.symbol, renamed.quantity_shares) == ("Y", 105)
    assert shares(carry_holding(restarted(renamed), [RENAME, later], later.effective)) == {"Y": (210, 50.0)}


def test_a_split_and_a_rename_on_one_day_are_both_told_under_the_old_name() -> None:
    stranger = Split(symbol="Y", effective=DAY, ratio=Fraction(3))  # of what was called Y until this day
    assert shares(carry_holding(holding(), [RENAME, SPLIT, stranger], DAY)) == {"Y": (2100, 5.0)}


def test_google_in_april_2014_and_its_split_of_2022_through_restarts() -> None:
    old = holding(100, 1000.0, symbol="GOOG", day=date(2014, 1, 2))
    first = carry_holding(old, GOOGLE, APRIL_3)
    assert shares(first) == {"GOOGL": (100, 500.0), "GOOG": (100, 500.0)}
    for each in first.holdings:
        assert carry_holding(restarted(each), GOOGLE, APRIL_3).holdings == (each,)
    now = [carry_holding(restarted(each), GOOGLE, DAY) for each in first.holdings]
    assert [shares(each) for each in now] == [{"GOOGL": (2000, 25.0)}, {"GOOG": (2000, 25.0)}]
    assert shares(carry_holding(old, GOOGLE, DAY)) == {"GOOGL": (2000, 25.0), "GOOG": (2000, 25.0)}


def test_a_name_that_changed_hands_is_not_followed_twice() -> None:
    when_issued = holding(100, 500.0, symbol="GOOCV", day=date(2014, 4, 1))
    (carried,) = carry_holding(when_issued, GOOGLE, APRIL_3).holdings
    assert (carried.symbol, carried.quantity_shares) == ("GOOG", 100)
    assert carry_holding(restarted(carried), GOOGLE, APRIL_3) == Carried((carried,))


def test_a_spin_off_without_a_price_factor_leaves_the_whole_cost_with_the_parent() -> None:
    spin_off = SpinOff(symbol="X", effective=DAY, child="C", child_shares=Fraction(1, 2))
    carried = carry_holding(holding(), [spin_off], DAY)
    assert shares(carried) == {"X": (105, 100.0), "C": (52, None)}
    assert carried.in_lieu == (CashInLieu("C", Fraction(1, 2)),)


def test_an_acquisition_turns_shares_into_cash_and_shares_of_the_acquirer() -> None:
    bid = Acquisition(symbol="X", effective=DAY, cash_usd=40.0, acquirer="BUY", acquirer_shares=Fraction(1, 2))
    carried = carry_holding(holding(100), [bid], DAY)
    assert shares(carried) == {"BUY": (50, 120.0)}
    assert carried.cash_usd == 4000.0
    assert carry_holding(holding(100), [Acquisition(symbol="X", effective=DAY, cash_usd=40.0)], DAY) == Carried(
        (), cash_usd=4000.0, applied=("acquisition:X:2022-07-18",)
    )


@pytest.mark.parametrize(
    "end", [Delisting(symbol="X", effective=DAY), Acquisition(symbol="X", effective=DAY, cash_usd=1.0)]
)
def test_what_ends_an_instrument_ends_the_search_for_its_actions(end: CorporateAction) -> None:
    successor = Split(symbol="X", effective=DAY + timedelta(days=400), ratio=Fraction(2))
    carried = carry_holding(holding(), [end, successor], successor.effective)
    assert len(carried.applied) == 1
    assert all(each.quantity_shares == 105 for each in carried.holdings)


def test_an_unknown_cost_stays_unknown() -> None:
    assert shares(carry_holding(holding(average_cost=None), [SPLIT], DAY)) == {"X": (2100, None)}


def test_a_previous_close_is_carried_once() -> None:
    carried = carry_price(price(), [SPLIT], DAY)
    assert carried is not None
    assert carried.price == 5.0
    assert carry_price(carried, [SPLIT], DAY) == carried
    assert carry_price(price(day=DAY), [SPLIT], DAY) == price(day=DAY)


def test_a_previous_close_takes_the_new_name() -> None:
    carried = carry_price(price(), [RENAME], DAY)
    assert carried is not None
    assert (carried.symbol, carried.price) == ("Y", 100.0)


@pytest.mark.parametrize(
    "action",
    [
        SpinOff(symbol="X", effective=DAY, child="C", child_shares=Fraction(1)),
        Delisting(symbol="X", effective=DAY),
        Acquisition(symbol="X", effective=DAY, cash_usd=1.0),
    ],
)
def test_a_price_that_means_nothing_any_more_is_none_and_its_order_is_cancelled(action: CorporateAction) -> None:
    assert carry_price(price(), [action], DAY) is None
    assert carry_order(order(), [action], DAY) is None
    assert carry_order(order(limit_price=None), [action], DAY) is None
    assert carry_price(price(), [action], EVE) == price()


def test_an_open_order_is_carried_once_in_shares_and_limit() -> None:
    carried = carry_order(order(), [SPLIT, RENAME, TradingHalt(symbol="X", effective=DAY)], DAY)
    assert carried is not None
    assert (carried.symbol, carried.quantity_shares, carried.limit_price) == ("Y", 2100, 5.0)
    assert carry_order(carried, [SPLIT, RENAME], DAY) == carried
    market = carry_order(order(limit_price=None), [SPLIT], DAY)
    assert market is not None
    assert (market.quantity_shares, market.limit_price) == (2100, None)


def test_an_order_for_less_than_one_new_share_is_cancelled() -> None:
    assert carry_order(order(9), [REVERSE], DAY) is None
    kept = carry_order(order(19), [REVERSE], DAY)
    assert kept is not None
    assert kept.quantity_shares == 1


days = st.dates(BOUGHT, BOUGHT + timedelta(days=40))
names = st.sampled_from("XYZ")
ratios = st.sampled_from([Fraction(2), Fraction(3), Fraction(20)])
actions = st.lists(
    st.one_of(
        st.builds(lambda name, day, ratio: Split(symbol=name, effective=day, ratio=ratio), names, days, ratios),
        st.builds(lambda name, day, new: Rename(symbol=name, effective=day, new_symbol=new), names, days, names),
        st.builds(
            lambda name, day, child: SpinOff(
                symbol=name, effective=day, child=child, child_shares=Fraction(1), price_factor=Fraction(1, 2)
            ),
            names,
            days,
            names,
        ),
    ),
    max_size=6,
    unique_by=lambda action: (type(action), action.symbol, action.effective),
)


@given(actions, st.lists(days, max_size=5))
def test_however_often_and_whenever_it_is_carried_a_holding_ends_the_same(
    actions: list[CorporateAction], restarts: list[date]
) -> None:
    end = BOUGHT + timedelta(days=40)
    directly = carry_holding(holding(100), actions, end)
    holdings = [holding(100)]
    for today in [*sorted(restarts), end]:
        holdings = [each for old in holdings for each in carry_holding(restarted(old), actions, today).holdings]
    assert sorted((each.symbol, each.quantity_shares) for each in directly.holdings) == sorted(
        (each.symbol, each.quantity_shares) for each in holdings
    )
    cost = sum(each.quantity_shares * (each.average_cost or 0) for each in holdings)
    assert cost == pytest.approx(100 * 100.0)


@pytest.mark.parametrize("shares", [100, -100])
def test_a_dividend_brings_cash_to_who_held_on_the_evening_before_once_and_costs_who_is_short(shares: int) -> None:
    dividend = Dividend(symbol="X", effective=DAY, cash_usd=0.25)
    carried = carry_holding(holding(shares, day=EVE), [dividend], DAY)
    assert (carried.cash_usd, carried.holdings[0].quantity_shares) == (shares * 0.25, shares)
    assert carry_holding(carried.holdings[0], [dividend], DAY).cash_usd == 0.0
    assert carry_holding(holding(shares, day=DAY), [dividend], DAY).cash_usd == 0.0, "bought without it"
    kept = carry_order(order(), [dividend], DAY)
    assert kept is not None
    assert (kept.quantity_shares, kept.limit_price) == (105, 100.0)
