"""Advice from outside: who thinks what of a symbol, how surely, and until when."""

from msgspec import Struct

from firmquote.decision.fusion import Contribution
from firmquote.errors import FirmquoteError, UnknownSymbolError
from firmquote.model import NS_PER_MS, NS_PER_S, NS_PER_US
from firmquote.model.trading import AdviceInput

SOURCES_MAX = 64
"""Sources kept per symbol; one more is refused."""
AHEAD_NS_MAX = 5 * NS_PER_S
"""Advice dated further ahead of our clock is refused: it would not fade."""


class Advice(Struct, frozen=True, kw_only=True):
    """One source's opinion. It fades linearly from `as_of_ns` to nothing at the end of `ttl_ms`."""

    symbol: str
    score: float
    """-1 sell, 1 buy."""
    confidence: float
    source: str
    as_of_ns: int
    ttl_ms: int
    source_weight: float = 1.0

    def freshness(self, now_ns: int) -> float:
        """Return 1 when just given, 0 when its time is over."""
        left = 1 - (now_ns - self.as_of_ns) / (self.ttl_ms * NS_PER_MS)
        return min(1.0, max(0.0, left))


def to_advice(given: AdviceInput, *, now_ns: int, ttl_s: float) -> Advice:
    """Return what was sent as the engine keeps it; `ttl_s` is for those who gave none.

    Raises:
        FirmquoteError: it is dated in the future.
    """
    as_of_ns = now_ns if given.as_of is None else int(given.as_of.timestamp() * 1e6) * NS_PER_US
    if as_of_ns > now_ns + AHEAD_NS_MAX:
        ahead_s = (as_of_ns - now_ns) / NS_PER_S
        raise FirmquoteError(
            f"advice on {given.symbol} by {given.source}: as_of lies {ahead_s:.0f} s ahead of this machine's clock. "
            "Send the time at which it became true, with its zone."
        )
    return Advice(
        symbol=given.symbol,
        score=given.score,
        confidence=given.confidence,
        source=given.source,
        as_of_ns=as_of_ns,
        ttl_ms=max(1, round((given.ttl_s or ttl_s) * 1_000)),
        source_weight=given.source_weight,
    )


class AdviceBook:
    """The newest advice of each source on each symbol."""

    def __init__(self, symbols: frozenset[str]) -> None:
        self._symbols = symbols
        self._book: dict[str, dict[str, Advice]] = {}

    def put(self, advice: Advice) -> None:
        """Take advice; a later one of the same source replaces it.

        Raises:
            UnknownSymbolError: the symbol is not served.
            FirmquoteError: too many sources speak of it.
        """
        if advice.symbol not in self._symbols:
            raise UnknownSymbolError(f"advice on {advice.symbol}: not served here. Add it to live_symbols_allowlist.")
        sources = self._book.setdefault(advice.symbol, {})
        if advice.source not in sources and len(sources) >= SOURCES_MAX:
            raise FirmquoteError(f"advice on {advice.symbol}: {SOURCES_MAX} sources speak of it already. Merge some.")
        sources[advice.source] = advice

    def everything(self) -> tuple[Advice, ...]:
        """Return all that is kept."""
        return tuple(advice for sources in self._book.values() for advice in sources.values())

    def speaks_of(self, symbol: str) -> bool:
        """Say whether anybody may have an opinion on a symbol."""
        return symbol in self._book

    def contributions(self, symbol: str, now_ns: int) -> list[Contribution]:
        """Return what is still fresh, weighted by its freshness; forget what is not."""
        found = []
        sources = self._book.get(symbol, {})
        for name, advice in list(sources.items()):
            freshness = advice.freshness(now_ns)
            if freshness > 0:
                weight = advice.source_weight * advice.confidence * freshness
                found.append(Contribution(name, advice.score, weight))
            else:
                del sources[name]
        if not sources:
            self._book.pop(symbol, None)
        return found
