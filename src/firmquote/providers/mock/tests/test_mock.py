"""The mock is synthetic, repeatable and never absurd."""

from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import FeedClass, Opening
from firmquote.providers.mock import PROVIDER
from firmquote.providers.mock.config import MockConfig
from firmquote.providers.mock.protocol import MockSource


def source(seed: int = 1) -> MockSource:
    return MockSource(Opening(config=MockConfig(seed=seed), key=None, codec=PROVIDER.codec()))


def test_it_is_marked_as_synthetic() -> None:
    assert FeedClass.SYNTHETIC is PROVIDER.feed_class(MockConfig())


def test_the_same_seed_and_moment_make_the_same_quotes() -> None:
    assert source().quotes(["IBM", "SPY"], 10**18) == source().quotes(["IBM", "SPY"], 10**18)
    assert source(1).quotes(["IBM"], 10**18) != source(2).quotes(["IBM"], 10**18)


@given(st.text("ABCXYZ", min_size=1, max_size=5), st.integers(10**18, 2 * 10**18))
def test_quotes_are_two_sided_and_uncrossed(symbol: str, now_ns: int) -> None:
    (quote,) = source().quotes([symbol], now_ns)
    assert quote.bid is not None
    assert quote.ask is not None
    assert 0 < quote.bid <= quote.ask
