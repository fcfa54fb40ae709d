"""Advice from outside: who thinks what of a symbol, how surely, and until when."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from firmquote.errors import FirmquoteError
from firmquote.model import NS_PER_MS

SOURCES_MAX = 64
"""Sources kept per symbol; one more is refused."""


class Advice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source's opinion. It fades linearly from `as_of_ns` to nothing at the end of `ttl_ms`."""

    symbol: str
    score: Annotated[float, Meta(ge=-1, le=1)]
    """-1 sell, 1 buy."""
    confidence: Annotated[float, Meta(ge=0, le=1)]
    source: Annotated[str, Meta(min_length=1, max_length=64)]
    as_of_ns: int
    ttl_ms: Annotated[int, Meta(gt=0)]
    source_weight: Annotated[float, Meta(ge=0)] = 1.0

    def freshness(self, now_ns: int) -> float:
        """Return 1 when just given, 0 when its time is over."""
        left = 1 - (now_ns - self.as_of_ns) / (self.ttl_ms * NS_PER_MS)
        return min(1.0, max(0.0, left))


class AdviceBook:
    """The newest advice of each source on each symbol."""

    def __init__(self, symbols: frozenset[str]) -> None:
        self._symbols = symbols
        self._book: dict[str, dict[str, Advice]] = {}

    def put(self, advice: Advice) -> None:
        """Take advice; a later one of the same source replaces it.

        Raises:
            FirmquoteError: the symbol is not served, or too many sources speak of it.
        """
        if advice.symbol not in self._symbols:
            raise FirmquoteError(f"advice on {advice.symbol}: not served here. Add it to live_symbols_allowlist.")
        sources = self._book.setdefault(advice.symbol, {})
        if advice.source not in sources and len(sources) >= SOURCES_MAX:
            raise FirmquoteError(f"advice on {advice.symbol}: {SOURCES_MAX} sources speak of it already. Merge some.")
        sources[advice.source] = advice

    def on(self, symbol: str, now_ns: int) -> Iterator[tuple[Advice, float]]:
        """Yield what is still fresh, with its freshness; forget what is not."""
        sources = self._book.get(symbol)
        if not sources:
            return
        for name, advice in list(sources.items()):
            freshness = advice.freshness(now_ns)
            if freshness > 0:
                yield advice, freshness
            else:
                del sources[name]
