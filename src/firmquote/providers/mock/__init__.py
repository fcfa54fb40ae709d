"""The mock: synthetic quotes, marked as such wherever they go. Facts: README.md beside this file."""

from firmquote.model import FeedClass, Provider
from firmquote.providers.mock.config import MockConfig
from firmquote.providers.mock.protocol import NAME, MockSource
from firmquote.providers.mock.symbols import CODEC

__all__ = ["PROVIDER"]

PROVIDER = Provider(
    name=NAME,
    title="Mock",
    config=MockConfig,
    needs_key=False,
    feed_class=lambda _: FeedClass.SYNTHETIC,
    codec=lambda: CODEC,
    open_source=MockSource,
)
