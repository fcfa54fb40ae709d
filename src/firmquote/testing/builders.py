"""Builders: a test writes only what it is about."""

from firmquote.model import NS_PER_MS, LastPrice, Price, Quote
from firmquote.testing.clock import NOON_NS


def quote(
    symbol: str = "IBM",
    *,
    bid: Price | None = 100.00,
    ask: Price | None = 100.02,
    bid_size_shares: int = 200,
    ask_size_shares: int = 300,
    provider: str = "polygon",
    now_ns: int = NOON_NS,
    age_ms: float = 0,
    lag_ms: float = 0,
    sequence: int = 1,
) -> Quote:
    """Return a quote whose own time lies `age_ms` before `now_ns`; it was received `lag_ms` after its own time."""
    event_ns = now_ns - int(age_ms * NS_PER_MS)
    received_ns = event_ns + int(lag_ms * NS_PER_MS)
    return Quote(symbol, provider, bid, ask, bid_size_shares, ask_size_shares, event_ns, received_ns, sequence)


def last_price(
    symbol: str = "IBM",
    *,
    price: Price = 100.01,
    provider: str = "alphavantage",
    now_ns: int = NOON_NS,
    age_ms: float = 0,
    event_ns: int | None = None,
    delay_ns: int = 0,
) -> LastPrice:
    """Return a last price received `age_ms` before `now_ns`."""
    return LastPrice(
        symbol=symbol,
        provider=provider,
        price=price,
        received_ns=now_ns - int(age_ms * NS_PER_MS),
        event_ns=event_ns,
        delay_ns=delay_ns,
    )
