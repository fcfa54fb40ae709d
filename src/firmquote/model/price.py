"""Prices, sizes and time units. Why prices are floats: docs/adr/0001-prices-are-floats.md."""

from typing import TypeAlias

Price: TypeAlias = float
"""Dollars per share exactly as the provider wrote them (the nearest IEEE-754 double to its decimal text)."""

Shares: TypeAlias = int
"""A size in shares, never in lots."""

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
MS_PER_S = 1_000
BPS = 10_000


def mid(bid: Price, ask: Price) -> Price:
    """Return the middle of bid and ask, in dollars."""
    return (bid + ask) / 2


def spread_bps(bid: Price, ask: Price) -> float:
    """Return the spread as basis points (1/10,000) of the mid; zero when locked, negative when crossed."""
    return (ask - bid) / mid(bid, ask) * BPS
