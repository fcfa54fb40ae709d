"""What makes a quote firm, and what keeps it from being so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import FeedClass, Grade, Graded, LastPrice, Quote, Reason
from firmquote.quality import GradePolicy, Standing, Verdict, grade
from firmquote.testing import last_price, quote
from firmquote.testing.clock import NOON_NS

POLICY = GradePolicy(soft_ms=3_000, ceiling_ms=5_000, unchanged_ms=60_000)
DIVERGENT = Verdict(Reason.DIVERGENT, "words", NOON_NS)
QUARANTINED = Verdict(Reason.SPLIT_MISMATCH, "words", NOON_NS, quarantines=True)


def standing(
    price: Quote | LastPrice | None, feed_class: FeedClass = FeedClass.CONSOLIDATED, **facts: object
) -> Standing:
    return Standing(price=price, feed_class=feed_class, **facts)  # type: ignore[arg-type]  # facts are the test's own


def grade_of(
    price: Quote | LastPrice | None, feed_class: FeedClass = FeedClass.CONSOLIDATED, **facts: object
) -> Graded:
    return grade(standing(price, feed_class, **facts), POLICY, now_ns=NOON_NS)


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        pytest.param(0, Graded(Grade.FIRM), id="new"),
        pytest.param(3_000, Graded(Grade.FIRM), id="exactly at the soft limit"),
        pytest.param(3_001, Graded(Grade.INDICATIVE, (Reason.AGING,)), id="past the soft limit"),
        pytest.param(5_000, Graded(Grade.INDICATIVE, (Reason.AGING,)), id="exactly at the ceiling"),
        pytest.param(5_001, Graded(Grade.STALE, (Reason.STALE,)), id="past the ceiling"),
        pytest.param(-500, Graded(Grade.FIRM), id="a provider clock slightly ahead"),
    ],
)
def test_a_quote_is_firm_until_its_age_passes_the_limit(age_ms: int, expected: Graded) -> None:
    assert expected == grade_of(quote(age_ms=age_ms))


def test_a_quote_ages_from_its_own_time_even_when_it_has_just_arrived() -> None:
    assert Graded(Grade.STALE, (Reason.STALE,)) == grade_of(quote(age_ms=60_000, lag_ms=60_000))


def test_no_quote_has_grade_none() -> None:
    assert Graded(Grade.NONE, (Reason.NO_QUOTE,)) == grade_of(None)


def test_the_mock_is_never_better_than_mock() -> None:
    assert Graded(Grade.MOCK, (Reason.SYNTHETIC,)) == grade_of(quote(), FeedClass.SYNTHETIC)


def test_a_last_price_is_at_best_indicative_and_says_why() -> None:
    graded = grade_of(last_price(), FeedClass.LAST_PRICE, changed_ns=NOON_NS)
    assert Graded(Grade.INDICATIVE, (Reason.LAST_PRICE_ONLY, Reason.NO_EVENT_TIME)) == graded


def test_a_last_price_that_is_received_again_and_again_but_never_changes_goes_stale() -> None:
    graded = grade_of(last_price(), FeedClass.LAST_PRICE, changed_ns=NOON_NS - 61_000_000_000)
    assert graded.grade == Grade.STALE
    assert graded.reasons[0] == Reason.UNCHANGED


def test_what_arrived_before_the_subscription_is_not_tradable() -> None:
    graded = grade_of(quote(age_ms=10, lag_ms=1), tradable_from_ns=NOON_NS)
    assert Graded(Grade.STALE, (Reason.AWAITING_FIRST_QUOTE,)) == graded


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"halted": True}, Reason.HALTED, id="halted"),
        pytest.param({"verdict": DIVERGENT}, Reason.DIVERGENT, id="contradicted by another provider"),
        pytest.param({"price": quote(bid_size_shares=10**8)}, Reason.ABSURD_SIZE, id="a size that cannot be"),
        pytest.param({"feed_class": FeedClass.SINGLE_VENUE}, Reason.SINGLE_VENUE, id="one venue"),
        pytest.param({"feed_class": FeedClass.DELAYED}, Reason.DELAYED, id="delayed"),
        pytest.param({"feed_class": FeedClass.END_OF_DAY}, Reason.END_OF_DAY, id="end of day"),
        pytest.param({"price": quote(ask=None)}, Reason.ONE_SIDED, id="no ask"),
        pytest.param({"price": quote(bid=None)}, Reason.ONE_SIDED, id="no bid"),
        pytest.param({"band": (95.0, 100.0)}, Reason.LIMIT_STATE, id="bid at the upper price limit"),
        pytest.param({"band": (100.02, 105.0)}, Reason.LIMIT_STATE, id="ask at the lower price limit"),
    ],
)
def test_each_single_flaw_costs_firmness(facts: dict[str, object], reason: Reason) -> None:
    graded = grade_of(**{"price": quote(), **facts})  # type: ignore[arg-type]  # the table's own keys
    assert Graded(Grade.INDICATIVE, (reason,)) == graded


prices = st.one_of(
    st.none(),
    st.builds(
        quote, bid=st.sampled_from([None, 99.0]), ask=st.sampled_from([None, 100.0]), lag_ms=st.integers(0, 9_000)
    ),
    st.builds(last_price, delay_ns=st.sampled_from([0, 900_000_000_000])),
)


@given(
    st.builds(
        Standing,
        price=prices,
        feed_class=st.sampled_from(FeedClass),
        changed_ns=st.integers(NOON_NS - 10**11, NOON_NS),
        tradable_from_ns=st.sampled_from([0, NOON_NS + 1]),
        halted=st.booleans(),
        verdict=st.sampled_from([None, DIVERGENT, QUARANTINED]),
    ),
    st.integers(0, 200_000_000_000),
    st.integers(0, 200_000_000_000),
)
def test_a_grade_never_improves_as_time_passes(facts: Standing, sooner_ns: int, longer_ns: int) -> None:
    earlier = grade(facts, POLICY, now_ns=NOON_NS + sooner_ns)
    later = grade(facts, POLICY, now_ns=NOON_NS + sooner_ns + longer_ns)
    assert later.grade <= earlier.grade


@given(prices, st.sampled_from(FeedClass))
def test_only_a_quote_without_any_flaw_is_firm_and_every_other_says_why(
    price: Quote | LastPrice | None, feed_class: FeedClass
) -> None:
    graded = grade_of(price, feed_class)
    assert (graded.grade is Grade.FIRM) == (graded.reasons == ())
    if graded.grade is Grade.FIRM:
        assert isinstance(price, Quote)
        assert feed_class not in (FeedClass.SYNTHETIC, FeedClass.DELAYED, FeedClass.END_OF_DAY, FeedClass.SINGLE_VENUE)
