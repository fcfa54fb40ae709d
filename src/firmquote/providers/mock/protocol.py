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

    def quotes(self, symbols: Sequence[str], now_ns: int) -> Sequence[Quote]:
        """Return a two-sided quote of each symbol; cents, never crossed."""
        return [self._quote(symbol, now_ns) for symbol in symbols]

    def _quote(self, symbol: str, now_ns: int) -> Quote:
        digest = blake2b(symbol.encode(), digest_size=8, key=self._seed.to_bytes(8, "big")).digest()
        number = int.from_bytes(digest, "big")
        centre = 10 + number % 400
        phase = (number >> 16) % 628 / 100
        mid = centre * (1 + _SWING * sin(now_ns / NS_PER_S / _PERIOD_S + phase))
        half = max(0.01, mid * self._half_spread)
        bid, ask = round(mid - half, 2), round(mid + half, 2)
        return Quote(symbol, NAME, bid, max(bid, ask), 100, 100, now_ns, now_ns, now_ns)
