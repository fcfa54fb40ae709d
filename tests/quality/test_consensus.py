"""Who is wrong about a symbol."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import Reason
from firmquote.quality import FitnessPolicy, Said, find_outliers

POLICY = FitnessPolicy()


def said(provider: str, mid: float, *, spread: float = 0.02, moved: float = 0.0, last: bool = False) -> Said:
    """Bid and ask around `mid`, which came from `moved` away within the window."""
    low, high = sorted((mid, mid - moved))
    half = 0.0 if last else spread / 2
    return Said(provider, low - half, high + half, mid, 0.0 if last else spread, last)


def test_providers_that_agree_have_no_outlier() -> None:
    assert find_outliers([said("a", 100.00), said("b", 100.01), said("c", 99.99)], POLICY) == {}


def test_one_alone_is_never_an_outlier() -> None:
    assert find_outliers([said("a", 1.0)], POLICY) == {}


def test_of_two_that_contradict_each_other_neither_loses_the_symbol() -> None:
    found = find_outliers([said("a", 100.0), said("b", 100.2)], POLICY)
    assert {name: (f.reason, f.excludes) for name, f in found.items()} == {
        "a": (Reason.DIVERGENT, False),
        "b": (Reason.DIVERGENT, False),
    }


def test_of_three_the_outlier_loses_the_symbol_wherever_it_stands_in_the_order() -> None:
    for wrong in (99.0, 101.0):
        found = find_outliers([said("a", wrong), said("b", 100.0), said("c", 100.01)], POLICY)
        assert {name: f.excludes for name, f in found.items()} == {"a": True}
        assert "from b's" in found["a"].words or "from c's" in found["a"].words


def test_three_that_all_contradict_each_other_are_all_doubted_and_none_is_blamed() -> None:
    found = find_outliers([said("a", 99.0), said("b", 100.0), said("c", 101.0)], POLICY)
    assert {name: f.excludes for name, f in found.items()} == dict.fromkeys("abc", False)


def test_a_move_that_one_sees_later_is_no_contradiction() -> None:
    assert find_outliers([said("a", 100.5, moved=0.5), said("b", 100.0)], POLICY) == {}


def test_a_single_venues_wide_quote_around_the_market_is_no_contradiction() -> None:
    assert find_outliers([said("a", 100.0), said("b", 100.0), said("venue", 98.0, spread=4.2)], POLICY) == {}


def test_a_last_trade_may_lie_further_away_than_a_quote() -> None:
    near, far = said("last", 100.2, last=True), said("last", 100.5, last=True)
    assert find_outliers([said("a", 100.0), near], POLICY) == {}
    assert set(find_outliers([said("a", 100.0), far], POLICY)) == {"a", "last"}


@given(
    st.lists(st.floats(90, 110), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_order_of_providers_does_not_matter_and_the_majority_is_never_excluded(
    mids: list[float], random: Random
) -> None:
    everyone = [said(f"p{number}", mid) for number, mid in enumerate(mids)]
    shuffled = random.sample(everyone, len(everyone))
    found = find_outliers(everyone, POLICY)
    assert {name: f.excludes for name, f in found.items()} == {
        name: f.excludes for name, f in find_outliers(shuffled, POLICY).items()
    }
    assert sum(f.excludes for f in found.values()) < len(everyone) / 2
