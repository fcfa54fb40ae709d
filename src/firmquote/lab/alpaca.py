"""Alpaca as a simulator: its streams and its REST endpoints."""

from firmquote.lab.alpaca_rest import AlpacaRest
from firmquote.lab.alpaca_stream import AlpacaDialect
from firmquote.lab.simulator import Kind

ALPACA = Kind(
    title="Alpaca",
    port=8093,
    rest=AlpacaRest,
    dialect=AlpacaDialect,
    stream_path="/v2",
    paid_settings={"feed": "sip"},
)
