"""A last price may be old; repeated while bid and ask left it elsewhere, it is a standstill."""

from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import NS_PER_S, Reason
from firmquote.quality import FitnessPolicy, Standstill, is_left

POLICY = FitnessPolicy()


class Repeated:
    """A line that answers 100 each second, and a stream that has moved to 101 and quotes anew each second."""

    def __init__(self, *, agreed: bool = True) -> None:
        self.meter = Standstill()
        self.meter.note_answer(same=False)
        if agreed:
            self.meter.note_agreement("stream")
        self.now_s = self.quotes = 0

    def after(self, seconds: int, *, answers: bool = True, quotes: bool = True, same: bool = True) -> str | None:
        found = None
        for _ in range(seconds):
            self.now_s += 1
            self.quotes += quotes
            if answers:
                self.meter.note_answer(same=same)
            found = self.meter.note_away("stream", 100.0, 101.0, self.quotes, now_ns=self.now_s * NS_PER_S)
        assert found is None or (found.reason, found.excludes) == (Reason.UNCHANGED, True)
        return None if found is None else found.words


def test_a_price_that_is_repeated_while_the_market_left_it_stands_still() -> None:
    repeated = Repeated()
    assert repeated.after(3) is None
    assert repeated.after(1) == "its answers repeat 100.0000 while stream has moved to 101.0000, 99.0 bps away"


def test_without_answers_nothing_is_repeated() -> None:
    assert Repeated().after(60, answers=False) is None


def test_one_bad_quote_of_another_is_no_proof() -> None:
    assert Repeated().after(60, quotes=False) is None


def test_who_never_agreed_with_the_price_proves_nothing() -> None:
    assert Repeated(agreed=False).after(60) is None


def test_a_price_that_changes_does_not_stand_still() -> None:
    assert Repeated().after(60, same=False) is None


def test_it_stands_still_until_somebody_agrees_again() -> None:
    repeated = Repeated()
    assert repeated.after(60)
    repeated.meter.note_agreement("stream")
    assert repeated.after(1) is None


def test_a_new_price_that_is_as_far_away_proves_that_it_does_not_stand_still() -> None:
    repeated = Repeated()
    assert repeated.after(4)
    assert repeated.after(1, same=False) is None
    assert repeated.after(60) is None


def test_a_market_that_rested_begins_anew() -> None:
    repeated = Repeated()
    assert repeated.after(4)
    repeated.meter.forget()
    assert repeated.after(60) is None


@given(price=st.floats(99, 101), bid=st.floats(99, 101), spread=st.floats(0, 2))
def test_a_last_price_within_the_tolerance_is_never_left(price: float, bid: float, spread: float) -> None:
    away_bps = max(0.0, bid - price, price - bid - spread) / price * 1e4
    left = is_left(price, bid, bid + spread, spread, POLICY)
    assert left is (away_bps > max(34, 2 * spread / price * 1e4)) or abs(away_bps - 34) < 1e-6
    assert not is_left(bid + spread / 2, bid, bid + spread, spread, POLICY)
