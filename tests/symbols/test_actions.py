"""Corporate actions from several sources, and the ratios that betray them."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import ConfigError
from firmquote.symbols import (
    Acquisition,
    CorporateAction,
    Delisting,
    Dividend,
    RatioKind,
    RatioMatch,
    Rename,
    SpinOff,
    Split,
    TradingHalt,
    action_id,
    add_up,
    adjust_price,
    agree,
    match_split_ratio,
    read_split_factor,
)

DAY = date(2022, 7, 18)
GOOGL = Split(symbol="GOOGL", effective=DAY, ratio=Fraction(20))


@pytest.mark.parametrize(
    ("action", "price"),
    [
        pytest.param(GOOGL, 5.0, id="20:1"),
        pytest.param(Split(symbol="X", effective=DAY, ratio=Fraction(3, 2)), 66.66666666666667, id="3:2"),
        pytest.param(Split(symbol="X", effective=DAY, ratio=Fraction(1, 10)), 1000.0, id="1:10"),
        pytest.param(Rename(symbol="X", effective=DAY, new_symbol="Y"), 100.0, id="rename"),
        pytest.param(TradingHalt(symbol="X", effective=DAY), 100.0, id="halt"),
        pytest.param(Dividend(symbol="X", effective=DAY, cash_usd=2.0), 100.0, id="dividend"),
        pytest.param(Delisting(symbol="X", effective=DAY), None, id="delisting"),
        pytest.param(Acquisition(symbol="X", effective=DAY, cash_usd=99.0), None, id="acquisition"),
        pytest.param(SpinOff(symbol="X", effective=DAY, child="Y", child_shares=Fraction(1)), None, id="spin-off"),
        pytest.param(
            SpinOff(symbol="X", effective=DAY, child="Y", child_shares=Fraction(1), price_factor=Fraction(1000, 1046)),
            95.60229445506692,
            id="spin-off told as a split of 1.046",
        ),
    ],
)
def test_what_100_dollars_before_an_action_are_after_it(action: CorporateAction, price: float | None) -> None:
    assert price == adjust_price(100.0, action)


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("4.0000", Fraction(4)),
        ("1.5000", Fraction(3, 2)),
        ("1.3333", Fraction(4, 3)),
        ("0.1", Fraction(1, 10)),
        ("0.0333", Fraction(1, 30)),
        ("0.0040", Fraction(1, 250)),
        ("0.0067", None),
        ("1.0460", None),
        ("1.0500", None),
        ("1.0000", None),
        ("0.0000", None),
        ("-2.0000", None),
        ("None", None),
        ("nan", None),
    ],
)
def test_a_factor_is_a_split_only_where_one_usual_ratio_is_meant(text: str, ratio: Fraction | None) -> None:
    assert read_split_factor(text) == ratio


@given(st.sampled_from([each / other for each in map(Fraction, range(1, 51)) for other in map(Fraction, (1, 2, 3, 4))]))
def test_a_factor_of_four_digits_is_read_back_or_not_at_all(ratio: Fraction) -> None:
    assert read_split_factor(f"{float(ratio):.4f}") in (ratio, None)


def test_an_ordinary_and_a_special_dividend_of_one_day_are_one() -> None:
    rows = [Dividend(symbol="X", effective=DAY, cash_usd=usd) for usd in (0.1, 0.2)]
    assert add_up([*rows, Dividend(symbol="Y", effective=DAY, cash_usd=1.0)]) == [
        Dividend(symbol="X", effective=DAY, cash_usd=0.3),
        Dividend(symbol="Y", effective=DAY, cash_usd=1.0),
    ]
    with pytest.raises(ConfigError, match="positive dollars"):
        Dividend(symbol="X", effective=DAY, cash_usd=0.0)


@pytest.mark.parametrize("ratio", [Fraction(0), Fraction(-2), Fraction(1)])
def test_a_split_that_splits_nothing_is_refused(ratio: Fraction) -> None:
    with pytest.raises(ConfigError, match="split of X on 2022-07-18: .* is no split"):
        Split(symbol="X", effective=DAY, ratio=ratio)


def test_an_action_without_a_meaning_is_refused() -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        SpinOff(symbol="X", effective=DAY, child="Y", child_shares=Fraction(1), price_factor=Fraction(2))
    with pytest.raises(ConfigError, match="positive number of shares"):
        SpinOff(symbol="X", effective=DAY, child="Y", child_shares=Fraction(0))
    with pytest.raises(ConfigError, match="Name the acquirer"):
        Acquisition(symbol="X", effective=DAY, acquirer_shares=Fraction(1, 2))
    with pytest.raises(ConfigError, match="Name the acquirer"):
        Acquisition(symbol="X", effective=DAY, acquirer="Y")


def test_the_same_action_from_several_sources_is_one() -> None:
    agreed = agree(
        {
            "polygon": [GOOGL],
            "alphavantage": [GOOGL],
            "file": [Rename(symbol="FB", effective=date(2022, 6, 9), new_symbol="META")],
        }
    )
    assert [action_id(action) for action in agreed.actions] == ["rename:FB:2022-06-09", "split:GOOGL:2022-07-18"]
    assert agreed.conflicts == ()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Split(symbol="GOOGL", effective=DAY, ratio=Fraction(1, 20)), id="turned round"),
        pytest.param(Split(symbol="GOOGL", effective=date(2022, 7, 15), ratio=Fraction(20)), id="three days earlier"),
        pytest.param(Split(symbol="GOOGL", effective=date(2022, 7, 31), ratio=Fraction(2)), id="thirteen days later"),
    ],
)
def test_splits_that_cannot_both_be_true_are_all_withheld_and_named(other: Split) -> None:
    elsewhere = Split(symbol="TSLA", effective=DAY, ratio=Fraction(3))
    agreed = agree({"polygon": [GOOGL, elsewhere], "alphavantage": [other]})
    assert agreed.actions == (elsewhere,)
    (conflict,) = agreed.conflicts
    assert set(zip(conflict.sources, conflict.actions, strict=True)) == {("polygon", GOOGL), ("alphavantage", other)}
    assert "GOOGL: sources disagree" in str(conflict)


def test_splits_two_weeks_apart_and_two_children_of_one_day_are_no_conflict() -> None:
    later = Split(symbol="GOOGL", effective=date(2022, 8, 1), ratio=Fraction(2))
    children = [
        SpinOff(symbol="MMM", effective=DAY, child=child, child_shares=Fraction(1, 4)) for child in ("SOLV", "XYZ")
    ]
    agreed = agree({"file": [GOOGL, later, *children]})
    assert set(agreed.actions) == {GOOGL, later, *children}
    assert agreed.conflicts == ()


def test_a_rename_to_two_names_is_a_conflict() -> None:
    one, two = (Rename(symbol="FB", effective=DAY, new_symbol=name) for name in ("META", "MVRS"))
    agreed = agree({"polygon": [one], "file": [two]})
    assert agreed.actions == ()
    assert len(agreed.conflicts) == 1


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param(2000.0, 100.2, RatioMatch(RatioKind.SPLIT, Fraction(20)), id="20:1"),
        pytest.param(50.1, 100.0, RatioMatch(RatioKind.SPLIT, Fraction(1, 2)), id="1:2"),
        pytest.param(150.0, 100.0, RatioMatch(RatioKind.SPLIT, Fraction(3, 2)), id="3:2"),
        pytest.param(10.0, 100.4, RatioMatch(RatioKind.SPLIT, Fraction(1, 10)), id="1:10"),
        pytest.param(1000.0, 100.0, RatioMatch(RatioKind.SPLIT, Fraction(10)), id="10:1"),
        pytest.param(18766.0, 187.64, RatioMatch(RatioKind.UNITS, Fraction(100)), id="cents against dollars"),
        pytest.param(1.8764, 187.64, RatioMatch(RatioKind.UNITS, Fraction(1, 100)), id="dollars against cents"),
        pytest.param(100.0, 100.0, None, id="the same"),
        pytest.param(103.0, 100.0, None, id="a market that moved"),
        pytest.param(170.0, 100.0, None, id="between ratios"),
        pytest.param(204.1, 100.0, None, id="just outside of 2:1"),
        pytest.param(0.0, 100.0, None, id="zero"),
        pytest.param(-200.0, 100.0, None, id="negative"),
        pytest.param(float("nan"), 100.0, None, id="not a number"),
        pytest.param(float("inf"), 100.0, None, id="infinite"),
    ],
)
def test_the_ratio_of_two_prices_is_recognised(a: float, b: float, expected: RatioMatch | None) -> None:
    assert expected == match_split_ratio(a, b, 200)


def test_an_unusual_ratio_is_recognised_when_it_was_announced() -> None:
    # Great Basin Scientific's reverse split of 1:35 in 2016 (Lean's factor file of GBSN: 2797.2 / 80).
    assert match_split_ratio(3.5, 0.1, 200) is None
    assert match_split_ratio(3.5, 0.1, 200, announced=[Fraction(1, 35)]) == RatioMatch(RatioKind.SPLIT, Fraction(35))
    assert match_split_ratio(0.1, 10.0, 200, announced=[Fraction(100)]) == RatioMatch(RatioKind.SPLIT, Fraction(1, 100))


prices = st.floats(0.01, 100_000)


@given(prices, prices)
def test_the_ratio_turns_round_with_its_prices(a: float, b: float) -> None:
    one, other = match_split_ratio(a, b, 150), match_split_ratio(b, a, 150)
    if one is not None and other is not None:
        assert (one.kind, one.ratio) == (other.kind, 1 / other.ratio)


@given(prices, st.sampled_from([Fraction(2), Fraction(3, 2), Fraction(1, 10), Fraction(20)]), st.floats(-100, 100))
def test_a_split_within_the_tolerance_is_always_seen(price: float, ratio: Fraction, apart_bps: float) -> None:
    found = match_split_ratio(price * ratio * (1 + apart_bps / 10_000), price, 150)
    assert found == RatioMatch(RatioKind.SPLIT, ratio)
