"""Synthetic quotes as a pure function of (seed, symbol, time): for paper, for drills, and as the last resort."""

from collections.abc import Sequence
from hashlib import blake2b
from math import sin

from firmquote.model import BPS, NS_PER_S, Opening, Quote
from firmquote.providers.mock.config import MockConfig

NAME = "mock"
_SWING = 0.02
"""A price swings by this share around its centre."""
_PERIOD_S = 600


class MockSource:
    """Makes one quote a symbol for the moment that it is asked for."""

    def __init__(self, opening: Opening) -> None:
        config: MockConfig = opening.config
        self._seed = config.seed
        self._half_spread = config.spread_bps / BPS / 2
        self._swings: dict[str, tuple[float, float]] = {}
        """Symbol (of those served) → the price around which it swings, and where it stood at the beginning of time."""

    def quotes(self, symbols: Sequence[str], now_ns: int) -> Sequence[Quote]:
        """Return a two-sided quote of each symbol; cents, never crossed."""
        return [self._quote(symbol, now_ns) for symbol in symbols]

    def _quote(self, symbol: str, now_ns: int) -> Quote:
        centre, phase = self._swings.get(symbol) or self._swing(symbol)
        mid = centre * (1 + _SWING * sin(now_ns / NS_PER_S / _PERIOD_S + phase))
        half = max(0.01, mid * self._half_spread)
        bid, ask = round(mid - half, 2), round(mid + half, 2)
        return Quote(symbol, NAME, bid, max(bid, ask), 100, 100, now_ns, now_ns, now_ns)

    def _swing(self, symbol: str) -> tuple[float, float]:
        digest = blake2b(symbol.encode(), digest_size=8, key=self._seed.to_bytes(8, "big")).digest()
        number = int.from_bytes(digest, "big")
        swing = self._swings[symbol] = 10 + number % 400, (number >> 16) % 628 / 100
        return swing
