"""Alpha Vantage's settings; the defaults are its production values (dossier alpha-vantage.md, read 2026-11-24)."""

from enum import Enum

from msgspec import Struct


class Entitlement(Enum):
    """What the plan may see: nothing intraday (`none`), 15 minutes late, or real time."""

    NONE = "none"
    DELAYED = "delayed"
    REALTIME = "realtime"


class Plan(Enum):
    """What is paid for."""

    FREE = "free"
    """25 requests a day and one a second."""
    PREMIUM = "premium"
    """`requests_per_minute`, and no daily limit."""


class AlphaVantageConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to ask, how often, and what the plan sells."""

    rest_url: str = "https://www.alphavantage.co"
    plan: Plan = Plan.PREMIUM
    requests_per_minute: int = 75
    """75, 150, 300, 600 or 1200 by premium plan."""
    entitlement: Entitlement = Entitlement.REALTIME
    bulk: bool = False
    """Ask up to 100 symbols at once with REALTIME_BULK_QUOTES; needs a plan with real-time US market data."""
    corporate_actions: bool = False
    """Ask SPLITS and DIVIDENDS as well: two requests a symbol and day, which a free plan hardly has."""
