"""Alpha Vantage: last prices by REST, without bid and ask. Facts and traps: README.md beside this file."""

from firmquote.model import FeedClass, Provider
from firmquote.providers.alphavantage.config import AlphaVantageConfig, Entitlement
from firmquote.providers.alphavantage.decode import NAME
from firmquote.providers.alphavantage.plans import PLANS, limits
from firmquote.providers.alphavantage.protocol import AlphaVantagePoll
from firmquote.providers.alphavantage.reference import AlphaVantageReference
from firmquote.providers.alphavantage.symbols import CODEC

__all__ = ["PROVIDER"]

_FEED_CLASSES = {
    Entitlement.REALTIME: FeedClass.LAST_PRICE,
    Entitlement.DELAYED: FeedClass.DELAYED,
    Entitlement.NONE: FeedClass.END_OF_DAY,
}


def _feed_class(config: AlphaVantageConfig) -> FeedClass:
    return _FEED_CLASSES[config.entitlement]


PROVIDER = Provider(
    name=NAME,
    title="Alpha Vantage",
    config=AlphaVantageConfig,
    needs_key=True,
    feed_class=_feed_class,
    codec=lambda: CODEC,
    limits=limits,
    plans=PLANS,
    open_poll=AlphaVantagePoll,
    open_reference=AlphaVantageReference,
)
