"""What each plan lets us ask."""

from firmquote.model import ProviderLimits
from firmquote.providers.alphavantage import PROVIDER
from firmquote.providers.alphavantage.config import AlphaVantageConfig, Plan


def test_the_free_plan_allows_one_a_second_and_25_a_day_of_new_york() -> None:
    expected = ProviderLimits(requests_per_second=1, requests_per_day=25, zone="America/New_York")
    assert PROVIDER.limits(AlphaVantageConfig(plan=Plan.FREE)) == expected


def test_a_premium_plan_allows_what_it_is_named_after() -> None:
    limits = PROVIDER.limits(AlphaVantageConfig(requests_per_minute=300))
    assert (limits.requests_per_minute, limits.requests_per_day) == (300, None)
    assert [offer.name for offer in PROVIDER.plans][:2] == ["free", "premium 75"]
    assert PROVIDER.plans[1].usd_micros_per_month == 49_990_000
