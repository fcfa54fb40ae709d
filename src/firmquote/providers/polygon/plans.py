"""What Polygon allows and sells: https://massive.com/pricing, read 2026-11-24 (dossier section 5)."""

from firmquote.model import USD_MICROS, PlanOffer, ProviderLimits
from firmquote.providers.polygon.config import PolygonConfig

ZONE = "America/New_York"
"""There is no daily quota; our own money windows begin where the exchange's day does."""
FAIR_USE_PER_MINUTE = 6_000
"""Paid plans are unlimited within fair use: below 100 a second is advised."""


def limits(config: PolygonConfig) -> ProviderLimits:
    """Return what the configured plan allows: one stream a key, and so many REST requests."""
    return ProviderLimits(requests_per_minute=config.requests_per_minute, connections=1, zone=ZONE)


def _offer(name: str, dollars: int, requests_per_minute: int, *, real_time: bool, note: str) -> PlanOffer:
    return PlanOffer(
        name=name,
        usd_micros_per_month=dollars * USD_MICROS,
        limits=ProviderLimits(requests_per_minute=requests_per_minute, connections=1, zone=ZONE),
        real_time=real_time,
        read_on="2026-11-24",
        note=note,
    )


PLANS = (
    _offer("basic", 0, 5, real_time=False, note="end of day, no stream"),
    _offer("starter", 29, FAIR_USE_PER_MINUTE, real_time=False, note="15 minutes late"),
    _offer("developer", 79, FAIR_USE_PER_MINUTE, real_time=False, note="15 minutes late, with trades"),
    _offer("advanced", 199, FAIR_USE_PER_MINUTE, real_time=True, note="real-time NBBO quotes by stream"),
)
