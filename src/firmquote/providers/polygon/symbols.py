"""Polygon's spelling. Case matters: `AMPB` is not `AMpB` (dossier polygon.md trap 8, read 2026-11-24)."""

from firmquote.symbols import Spelling

CODEC = Spelling(
    provider="polygon",
    klass="{root}.{series}",
    preferred="{root}p{series}",
    preferred_bare="{root}p",
    warrant="{root}.WS",
    warrant_series="{root}.WS.{series}",
    unit="{root}.U",
    right="{root}r",  # from the CQS convention; unconfirmed
    when_issued="{root}w",  # from the CQS convention; unconfirmed
    crypto="X:{root}{series}",
    index="I:{root}",
)
