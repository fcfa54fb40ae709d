"""Alpaca's settings; the defaults are its production values (dossier alpaca.md, read 2026-11-24)."""

from enum import Enum

from msgspec import Struct


class SizeUnit(Enum):
    """What the size of a quote counts: round lots for years, and unconfirmed since the round lots of 2025-11-03."""

    SHARES = "shares"
    LOTS = "lots"


class Feed(Enum):
    """Which of Alpaca's feeds is paid for; the values are the names in its URLs."""

    IEX = "iex"
    """One exchange alone, on every plan."""
    SIP = "sip"
    """The consolidated tapes; needs Algo Trader Plus."""
    DELAYED_SIP = "delayed_sip"
    """The same, 15 minutes late, on every plan."""


class AlpacaConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to connect and what the plan sells."""

    stream_url: str = "wss://stream.data.alpaca.markets/v2"
    """Without the feed: its name is appended."""
    rest_url: str = "https://data.alpaca.markets"
    feed: Feed = Feed.IEX
    """The free plan's; an answer without a named feed would change silently with the plan."""
    size_unit: SizeUnit = SizeUnit.SHARES
    """Shares can only understate a size that is really in lots."""
    lot_shares: int = 100
    """Shares in a lot, for `size_unit: lots`; round lots vary by price tier since 2025-11-03."""
    halts: bool = True
    """Subscribe to trading statuses as well."""
    price_bands: bool = True
    """Subscribe to limit up, limit down as well."""
    answer_timeout_ms: int = 10_000
    """How long a login or a subscription may stay unanswered; the server itself gives a login 10 s."""
    requests_per_minute: int = 200
    """The free plan's; Algo Trader Plus allows 10,000."""
