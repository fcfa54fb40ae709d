"""Polygon's settings; the defaults are its production values (dossier polygon.md, read 2026-11-24)."""

from enum import Enum

from msgspec import Struct


class SizeUnit(Enum):
    """What the size of a quote counts. Polygon changed from round lots to shares around November 2025."""

    SHARES = "shares"
    LOTS = "lots"


class Plan(Enum):
    """What is paid for decides what arrives: only Advanced has real-time NBBO quotes."""

    ADVANCED = "advanced"
    DELAYED = "delayed"


class PolygonConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to connect and what the plan sells."""

    stream_url: str = "wss://socket.massive.com/stocks"
    rest_url: str = "https://api.massive.com"
    plan: Plan = Plan.ADVANCED
    size_unit: SizeUnit = SizeUnit.SHARES
    lot_shares: int = 100
    """Shares in a lot, for `size_unit: lots`; round lots vary by price tier since 2025-11-03, so shares are safer."""
    price_bands: bool = False
    """Subscribe to limit up, limit down as well; the plan must have it."""
    login_timeout_ms: int = 10_000
    requests_per_minute: int = 600
    """Paid plans are unlimited within fair use (below 100 a second); the free plan allows 5."""
