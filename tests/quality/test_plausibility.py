"""What must never reach the board."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import Quote, Reason
from firmquote.quality import Band, PlausibilityPolicy, check_last_price, check_quote
from firmquote.testing import last_price, quote
from firmquote.testing.clock import NOON_NS

POLICY = PlausibilityPolicy()


def check(new: Quote, previous: Quote | None = None) -> Reason | None:
    band = Band()
    if previous is not None:
        assert check_quote(previous, None, band, POLICY) is None
    return check_quote(new, previous, band, POLICY)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        pytest.param(quote(), None, id="ordinary"),
        pytest.param(quote(bid=10, ask=10), None, id="locked is legal"),
        pytest.param(quote(bid=10.02, ask=10.01), Reason.CROSSED, id="crossed"),
        pytest.param(quote(bid=None, ask=None), Reason.NO_SIDES, id="no sides"),
        pytest.param(quote(bid=None), None, id="one-sided"),
        pytest.param(quote(bid=0.0), Reason.NOT_POSITIVE, id="zero bid"),
        pytest.param(quote(ask=-1.0), Reason.NOT_POSITIVE, id="negative ask"),
        pytest.param(quote(bid=math.nan), Reason.NOT_FINITE, id="not a number"),
        pytest.param(quote(ask=math.inf), Reason.NOT_FINITE, id="infinite"),
        pytest.param(quote(bid_size_shares=-1), Reason.NEGATIVE_SIZE, id="negative size"),
        pytest.param(
            quote(age_ms=-1_001, lag_ms=-1_001), Reason.FROM_THE_FUTURE, id="ahead of us by more than allowed"
        ),
        pytest.param(quote(age_ms=-1_000, lag_ms=-1_000), None, id="ahead of us by exactly what is allowed"),
    ],
)
def test_a_quote_alone_is_judged_by_its_values(new: Quote, expected: Reason | None) -> None:
    assert expected == check(new)


@pytest.mark.parametrize(
    ("age_ms", "sequence", "expected"),
    [
        pytest.param(0, 1, None, id="later time, smaller sequence: a new day's numbers"),
        pytest.param(5, 8, None, id="same time, next sequence"),
        pytest.param(5, 7, Reason.DUPLICATE, id="same time and sequence"),
        pytest.param(5, 6, Reason.OUT_OF_ORDER, id="same time, earlier sequence"),
        pytest.param(6, 8, Reason.OUT_OF_ORDER, id="earlier time"),
    ],
)
def test_quotes_of_one_line_are_ordered_by_time_then_sequence(
    age_ms: int, sequence: int, expected: Reason | None
) -> None:
    assert expected == check(quote(age_ms=age_ms, sequence=sequence), quote(age_ms=5, sequence=7))


def test_a_jump_is_refused_until_enough_quotes_in_a_row_agree_on_the_new_level() -> None:
    band = Band()
    before = quote(bid=100, ask=100.02, age_ms=10)
    assert check_quote(before, None, band, POLICY) is None
    jumps = [quote(bid=200, ask=200.02, age_ms=age) for age in (9, 8, 7)]
    assert [check_quote(jump, before, band, POLICY) for jump in jumps] == [Reason.JUMP, Reason.JUMP, None]


def test_two_single_wild_quotes_around_a_good_one_never_add_up_to_a_level() -> None:
    band = Band()
    good = quote(age_ms=10)
    check_quote(good, None, band, POLICY)
    for round_number in range(20):
        wild = quote(bid=200, ask=201, age_ms=9 - round_number / 10)
        assert check_quote(wild, good, band, POLICY) == Reason.JUMP
        good = quote(age_ms=9 - round_number / 10 - 0.05)
        assert check_quote(good, quote(age_ms=10), band, POLICY) is None


def test_the_band_widens_while_a_line_is_quiet() -> None:
    hour_ago = quote(age_ms=3_600_000)
    assert check(quote(bid=120, ask=120.02), hour_ago) is None
    assert check(quote(bid=120, ask=120.02), quote(age_ms=1)) == Reason.JUMP


def test_a_factor_of_ten_is_a_jump_for_a_last_price_too() -> None:
    band = Band()
    assert check_last_price(last_price(price=100), band, POLICY, elapsed_ns=0) is None
    assert check_last_price(last_price(price=1_000), band, POLICY, elapsed_ns=10**9) == Reason.JUMP


floats = st.floats(allow_nan=True, allow_infinity=True) | st.floats(1, 1000) | st.none()


@given(
    st.builds(
        quote,
        bid=floats,
        ask=floats,
        bid_size_shares=st.integers(-5, 10**6),
        age_ms=st.integers(-5_000, 5_000),
        sequence=st.integers(0, 3),
    )
)
def test_whatever_is_accepted_has_a_side_is_positive_finite_and_uncrossed(new: Quote) -> None:
    if check(new) is None:
        sides = [side for side in (new.bid, new.ask) if side is not None]
        assert sides
        assert all(math.isfinite(side) and side > 0 for side in sides)
        assert sides == sorted(sides)


@given(st.floats(1, 1e5), st.lists(st.floats(0.9, 1.1), max_size=3))
def test_inside_the_calm_zone_no_move_is_larger_than_the_band_allows(start: float, factors: list[float]) -> None:
    band = Band()
    band.centre(start, POLICY)
    assert band.high / band.low - 1 == pytest.approx(POLICY.jump_bps_max / 10_000)
    for factor in factors:
        band.centre(start * factor, POLICY)
        assert band.low < start * factor < band.high


def test_the_noon_of_builders_is_now() -> None:
    assert quote().event_ns == NOON_NS
