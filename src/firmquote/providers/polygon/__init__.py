"""Polygon.io, now Massive: NBBO quotes by stream and REST. Facts and traps: README.md beside this file."""

from firmquote.model import FeedClass, Provider
from firmquote.providers.polygon.config import Plan, PolygonConfig
from firmquote.providers.polygon.decode import NAME
from firmquote.providers.polygon.plans import PLANS, limits
from firmquote.providers.polygon.protocol import PolygonPoll, PolygonStream
from firmquote.providers.polygon.reference import PolygonReference
from firmquote.providers.polygon.symbols import CODEC

__all__ = ["PROVIDER"]


def _feed_class(config: PolygonConfig) -> FeedClass:
    return FeedClass.CONSOLIDATED if config.plan is Plan.ADVANCED else FeedClass.DELAYED


PROVIDER = Provider(
    name=NAME,
    title="Polygon (Massive)",
    config=PolygonConfig,
    needs_key=True,
    feed_class=_feed_class,
    codec=lambda: CODEC,
    limits=limits,
    plans=PLANS,
    open_stream=PolygonStream,
    open_poll=PolygonPoll,
    open_reference=PolygonReference,
    open_names=PolygonReference,
)
