"""What must never reach the board."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import Quote, Reason
from firmquote.quality import Band, PlausibilityPolicy, check_last_price, check_quote, is_confirmed
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
        pytest.param(quote(age_ms=8 * 86_400_000, lag_ms=8 * 86_400_000), Reason.FROM_THE_PAST, id="of another week"),
        pytest.param(quote(age_ms=-1_000, lag_ms=-1_000), None, id="ahead of us by exactly what is allowed"),
    ],
)
def test_a_quote_alone_is_judged_by_its_values(new: Quote, expected: Reason | None) -> None:
    assert expected == check(new)


def test_without_sequence_numbers_only_the_very_same_quote_is_a_duplicate() -> None:
    first = quote(sequence=0)
    assert check(quote(sequence=0, bid=99.99), first) is None
    assert check(quote(sequence=0, ask_size_shares=301), first) is None
    assert check(quote(sequence=0), first) is Reason.DUPLICATE


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


def jumps(band: Band, before: Quote, to: float, ages_ms: list[int]) -> list[Reason | None]:
    return [check_quote(quote(bid=to, ask=to + 0.02, age_ms=age), before, band, POLICY) for age in ages_ms]


def test_a_new_level_is_believed_alone_only_when_it_lasts() -> None:
    band = Band()
    before = quote(bid=100, ask=100.02, age_ms=20_000)
    assert check_quote(before, None, band, POLICY) is None
    assert jumps(band, before, 115, [19_900, 19_800, 9_901, 9_900]) == [Reason.JUMP] * 3 + [None]


@pytest.mark.parametrize("factor", [10, 0.1, 2, 100, 0.01])
def test_a_factor_is_never_believed_alone(factor: float) -> None:
    band = Band()
    before = quote(bid=100, ask=100.02, age_ms=60_000)
    assert check_quote(before, None, band, POLICY) is None
    assert jumps(band, before, 100 * factor, list(range(59_000, 0, -500))) == [Reason.JUMP] * 118


def test_another_provider_confirms_a_level_after_three_quotes() -> None:
    band = Band()
    before = quote(bid=100, ask=100.02, age_ms=100)
    check_quote(before, None, band, POLICY)
    for age_ms, confirmed in ((3, False), (2, False), (1, True)):
        assert check_quote(quote(bid=200, ask=200.02, age_ms=age_ms), before, band, POLICY) is Reason.JUMP
        assert band.claim is not None
        assert is_confirmed(band.claim, [200.5], POLICY) is confirmed
        assert not is_confirmed(band.claim, [100.0], POLICY)


def test_a_wild_symbol_has_a_wider_band() -> None:
    calm, wild = Band(), Band()
    wild.deviation_bps = 60
    before = quote(age_ms=1_000)
    for band in (calm, wild):
        check_quote(before, None, band, POLICY)
    moved = quote(bid=106, ask=106.02)
    assert (check_quote(moved, before, calm, POLICY), check_quote(moved, before, wild, POLICY)) == (Reason.JUMP, None)


def test_no_silence_makes_a_band_wider_than_its_cap() -> None:
    assert check(quote(bid=130, ask=130.02), quote(age_ms=86_400_000)) is Reason.JUMP


def test_a_line_that_begins_at_anothers_price_refuses_a_first_quote_far_from_it() -> None:
    band = Band()
    band.begin(100.0, POLICY, at_ns=NOON_NS)
    assert check_quote(quote(bid=1_000, ask=1_000.2), None, band, POLICY) is Reason.JUMP
    assert check_quote(quote(bid=60, ask=100.5), None, band, POLICY) is None, "wide, and no contradiction"


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
    assert check_last_price(last_price(price=100), band, POLICY) is None
    assert check_last_price(last_price(price=1_000), band, POLICY) == Reason.JUMP


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
