"""Alpha Vantage's spelling: dashes (dossier alpha-vantage.md trap 7, read 2026-11-24); it serves no index quotes."""

from firmquote.symbols import Spelling

CODEC = Spelling(
    provider="alphavantage",
    klass="{root}-{series}",
    preferred="{root}-P-{series}",  # unconfirmed
    preferred_bare="{root}-P",  # unconfirmed
    warrant="{root}-WS",  # unconfirmed
    warrant_series="{root}-WS-{series}",  # unconfirmed
    unit="{root}-U",  # unconfirmed
    right="{root}-R",  # unconfirmed
)
