"""Prices as floats, scaled integers or Decimals: what does each cost to decode and to compare?

uv run python bench/prices.py
"""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from frames import tape_frames
from machine import report
from msgspec import Struct, field
from msgspec.json import Decoder

QUOTES = 60_000
ROUNDS = 5
E4 = 10_000


class WithFloat(Struct, gc=False):
    """As the wire has it."""

    bid: float = field(name="bp", default=0.0)
    ask: float = field(name="ap", default=0.0)


class WithDecimal(Struct, gc=False):
    """Exact decimal text."""

    bid: Decimal = field(name="bp", default=Decimal(0))
    ask: Decimal = field(name="ap", default=Decimal(0))


DECODERS: dict[str, Callable[[bytes], list[Any]]] = {
    "float": Decoder(list[WithFloat]).decode,
    "scaled": Decoder(list[WithFloat]).decode,
    "decimal": Decoder(list[WithDecimal]).decode,
}


def spend(frames: list[bytes], kind: str) -> float:
    """Return seconds to decode every quote and to check that it is not crossed."""
    decode = DECODERS[kind]
    begun = time.perf_counter()
    crossed = 0
    for frame in frames:
        for quote in decode(frame):
            if kind == "scaled":
                crossed += round(quote.bid * E4) > round(quote.ask * E4)
            else:
                crossed += quote.bid > quote.ask
    assert crossed == 0
    return time.perf_counter() - begun


if __name__ == "__main__":
    found = tape_frames(20, QUOTES)
    results = {kind: {"per_s": QUOTES / min(spend(found, kind) for _ in range(ROUNDS))} for kind in DECODERS}
    base = results["float"]["per_s"]
    report("prices", results, {f"{kind}/float": results[kind]["per_s"] / base for kind in ("scaled", "decimal")})
