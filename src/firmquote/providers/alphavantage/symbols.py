"""Alpha Vantage's spelling: dashes (dossier alpha-vantage.md trap 7, read 2026-11-24); it serves no index quotes.

Its LISTING_STATUS writes BRK-A, MKC-V, BAC-P-M, IONQ-WS and BKT-R (seen in public copies of that list, 2026-11-24).
It writes some when-issued shares as SEM-W and others as IAA-WI, so there is no rule for them,
and P, R, U and W are not read as classes.
"""

from firmquote.symbols import Spelling

CODEC = Spelling(
    provider="alphavantage",
    klass="{root}-{series}",
    class_letters="ABCDEFGHIJKLMNOQSTVXYZ",
    preferred="{root}-P-{series}",
    preferred_bare="{root}-P",  # unconfirmed
    warrant="{root}-WS",
    warrant_series="{root}-WS-{series}",  # unconfirmed
    unit="{root}-U",  # unconfirmed; -UN is seen too
    right="{root}-R",
)
