"""What is said of budgets: the JSON of `/v1/budget`. Money in micro-dollars; what is unknown or unlimited is null."""

from msgspec import Struct


class WindowView(Struct, frozen=True, kw_only=True):
    """One limited window of one provider. `left` is what ordinary work may still use, without the reserve."""

    window: str
    """`second`, `minute`, `day` or `month`."""
    requests: int
    requests_limit: int | None
    requests_left: int | None
    requests_reserved: int
    usd_micros: int
    usd_micros_limit: int | None
    usd_micros_left: int | None
    ends_ns: int | None
    forecast_end_ns: int | None
    """When it will be spent at the pace of the last hour; null if it lasts until the window ends."""


class SymbolCost(Struct, frozen=True, kw_only=True):
    """What one symbol cost one provider's budget over the last day, and what came of it."""

    symbol: str
    purpose: str
    requests: float
    usd_micros: int
    """Of requests that cost money, and this symbol's share of the plan's fee."""
    quotes: int
    usd_micros_per_quote: float | None
    planned_interval_s: float | None


class ProviderBudgetView(Struct, frozen=True, kw_only=True):
    """One provider's budget."""

    provider: str
    step: str
    """`normal`, `warned`, `slowed`, `positions_only` or `stopped`."""
    why: str
    left_pct: float | None
    reserve_pct: float
    windows: tuple[WindowView, ...]
    requests_last_hour: int
    pace_per_s: float | None
    pace_bound: str
    paused_s: float | None
    pause_words: str | None
    symbols_per_request: int
    cache_hits: int
    coalesced: int
    symbols: tuple[SymbolCost, ...]


class BudgetView(Struct, frozen=True, kw_only=True):
    """`/v1/budget`."""

    ledger: str
    """Where it is."""
    trouble: str | None
    """Why nothing may be spent; null while the ledger works."""
    clock_doubt_s: float
    """How far the bounds are apart between which the time is believed to lie."""
    providers: tuple[ProviderBudgetView, ...]
    as_of_ns: int
