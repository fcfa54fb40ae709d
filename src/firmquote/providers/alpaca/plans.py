"""What Alpaca's plans allow and cost (dossier alpaca.md section 5, read 2026-11-24)."""

from firmquote.model import USD_MICROS, PlanOffer, ProviderLimits
from firmquote.providers.alpaca.config import AlpacaConfig

_READ_ON = "2026-11-24"
FREE_SYMBOLS = 30
FREE_PER_MINUTE = 200
PLUS_PER_MINUTE = 10_000
BATCH_MAX = 100
"""Symbols in one request: keeps the URL below 1 KB."""

PLANS = (
    PlanOffer(
        name="Basic",
        usd_micros_per_month=0,
        limits=ProviderLimits(requests_per_minute=FREE_PER_MINUTE, connections=1, symbols=FREE_SYMBOLS),
        real_time=True,
        symbols_per_request=BATCH_MAX,
        read_on=_READ_ON,
        note="IEX alone; the consolidated tape 15 minutes late",
    ),
    PlanOffer(
        name="Algo Trader Plus",
        usd_micros_per_month=99 * USD_MICROS,
        limits=ProviderLimits(requests_per_minute=PLUS_PER_MINUTE, connections=1),
        real_time=True,
        symbols_per_request=BATCH_MAX,
        read_on=_READ_ON,
        note="the consolidated tape in real time",
    ),
)


def limits(config: AlpacaConfig) -> ProviderLimits:
    """Return what the key may do: the free plan is told by its pace, since both plans sell every feed but SIP."""
    free = config.requests_per_minute <= FREE_PER_MINUTE
    return ProviderLimits(
        requests_per_minute=config.requests_per_minute, connections=1, symbols=FREE_SYMBOLS if free else None
    )
