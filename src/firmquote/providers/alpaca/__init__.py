"""Alpaca Market Data: quotes of US stocks by stream and REST. Facts and traps: README.md beside this file."""

from firmquote.model import Provider
from firmquote.providers.alpaca.codes import FEED_CLASS
from firmquote.providers.alpaca.config import AlpacaConfig
from firmquote.providers.alpaca.decode import NAME
from firmquote.providers.alpaca.plans import PLANS, limits
from firmquote.providers.alpaca.protocol import AlpacaStream
from firmquote.providers.alpaca.reference import AlpacaReference
from firmquote.providers.alpaca.rest import AlpacaPoll
from firmquote.providers.alpaca.symbols import CODEC

__all__ = ["PROVIDER"]


PROVIDER = Provider(
    name=NAME,
    title="Alpaca",
    config=AlpacaConfig,
    needs_key=True,
    feed_class=lambda config: FEED_CLASS[config.feed],
    codec=lambda: CODEC,
    limits=limits,
    plans=PLANS,
    open_stream=AlpacaStream,
    open_poll=AlpacaPoll,
    open_reference=AlpacaReference,
)
