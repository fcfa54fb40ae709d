"""Alpaca's spelling: dots (dossier alpaca.md trap 6, read 2026-11-24). One malformed symbol fails a whole request.

Preferred, warrant, unit and right forms are unconfirmed. Crypto pairs (`BTC/USD`) are sold on another endpoint.
"""

from firmquote.symbols import Spelling

CODEC = Spelling(
    provider="alpaca",
    klass="{root}.{series}",
    preferred="{root}.PR{series}",
    preferred_bare="{root}.PR",
    warrant="{root}.WS",
    warrant_series="{root}.WS.{series}",
    unit="{root}.U",
    right="{root}.RT",
)
