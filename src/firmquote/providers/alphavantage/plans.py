"""What Alpha Vantage allows and sells: https://www.alphavantage.co/premium/, read 2026-11-24 (dossier section 5)."""

from firmquote.model import USD_MICROS, PlanOffer, ProviderLimits
from firmquote.providers.alphavantage.config import AlphaVantageConfig, Plan

ZONE = "America/New_York"
"""Where the day of the 25 requests begins. Undocumented: midnight UTC and 24 hours are reported too."""
FREE = ProviderLimits(requests_per_second=1, requests_per_day=25, zone=ZONE)
READ_ON = "2026-11-24"


def limits(config: AlphaVantageConfig) -> ProviderLimits:
    """Return what the configured plan allows."""
    if config.plan is Plan.FREE:
        return FREE
    return _premium(config.requests_per_minute)


def _premium(requests_per_minute: int) -> ProviderLimits:
    return ProviderLimits(requests_per_minute=requests_per_minute, zone=ZONE)


def _offer(requests_per_minute: int, cents: int) -> PlanOffer:
    return PlanOffer(
        name=f"premium {requests_per_minute}",
        usd_micros_per_month=cents * USD_MICROS // 100,
        limits=_premium(requests_per_minute),
        real_time=True,
        symbols_per_request=100,
        read_on=READ_ON,
        note="real time needs the signed exchange agreement",
    )


PLANS = (
    PlanOffer(
        name="free",
        usd_micros_per_month=0,
        limits=FREE,
        real_time=False,
        read_on=READ_ON,
        note="yesterday's closes while the market is open",
    ),
    _offer(75, 4_999),
    _offer(150, 9_999),
    _offer(300, 14_999),
    _offer(600, 19_999),
    _offer(1_200, 24_999),
)
