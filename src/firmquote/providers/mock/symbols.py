"""The mock speaks canonical."""

from firmquote.symbols import Spelling

CODEC = Spelling(
    provider="mock",
    klass="{root}.{series}",
    preferred="{root}.PR{series}",
    preferred_bare="{root}.PR",
    warrant="{root}.WS",
    warrant_series="{root}.WS.{series}",
    unit="{root}.U",
    right="{root}.RT",
    when_issued="{root}.WI",
    crypto="{root}-{series}",
    index="I:{root}",
)
