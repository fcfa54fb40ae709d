"""What may be spent: the provider's limits and the owner's, the tighter of the two, with a reserve held back."""

from collections.abc import Iterable
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from firmquote.budget.cadence import CadencePolicy
from firmquote.errors import ConfigError
from firmquote.model import ProviderLimits, Window

Percent = Annotated[float, Meta(ge=0, le=90)]
Count = Annotated[int, Meta(ge=1)]
Micros = Annotated[int, Meta(ge=0)]
COUNTED = (Window.SECOND, Window.MINUTE, Window.DAY, Window.MONTH)
CALENDAR = (Window.DAY, Window.MONTH)


class ProviderBudget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner's own limits for one provider. They can tighten the plan's, never widen them."""

    requests_per_second: Count | None = None
    requests_per_minute: Count | None = None
    requests_per_day: Count | None = None
    requests_per_month: Count | None = None
    usd_micros_per_day: Micros | None = None
    usd_micros_per_month: Micros | None = None
    request_usd_micros: Micros | None = None
    """What one request costs; replaces what the provider's page says."""
    fee_usd_micros_per_month: Micros = 0
    """What the plan costs; shared out over symbols and quotes in reports."""
    zone: str | None = None
    """Where the provider's days and months begin; replaces what the provider's page says."""
    connections: Count | None = None
    symbols: Count | None = None


class BudgetPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How budgets are spent. Percentages are of what ordinary work may spend in a day or a month."""

    reserve_pct: Percent = 15.0
    """Held back for failover and operators in every window."""
    warn_left_pct: Percent = 15.0
    slow_left_pct: Percent = 10.0
    """From here on everything but positions and priority symbols is asked half as often as planned."""
    positions_left_pct: Percent = 5.0
    """From here on only symbols with a position are asked."""
    warm_pace_pct: Percent = 25.0
    """How much of its pace a polled provider uses while it does not serve."""
    outside_pace_pct: Percent = 20.0
    """How much of the regular session's pace is used before the open and after the close; at night nothing is asked."""
    ledger: str | None = None
    """Where the ledger is; else `budget/ledger.sqlite` below `serve.state_dir`. Gateways that share a key share it."""
    cadence: CadencePolicy = CadencePolicy()
    providers: dict[str, ProviderBudget] = {}

    def __post_init__(self) -> None:
        """Refuse steps in the wrong order."""
        if not self.warn_left_pct >= self.slow_left_pct >= self.positions_left_pct:
            raise ConfigError(
                f"budgets: warn_left_pct ({self.warn_left_pct:g}), slow_left_pct ({self.slow_left_pct:g}) and "
                f"positions_left_pct ({self.positions_left_pct:g}) must not ascend. Order them from high to low."
            )


class Allowance(Struct, frozen=True, kw_only=True):
    """What fits into one window; `None` is no limit."""

    window: Window
    requests: int | None = None
    usd_micros: int | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """What is in force for one provider."""

    allowances: tuple[Allowance, ...]
    zone: ZoneInfo
    reserve_pct: float
    request_usd_micros: int = 0
    fee_usd_micros_per_month: int = 0
    connections: int | None = None
    symbols: int | None = None

    def ceiling(self, limit: int, *, with_reserve: bool) -> int:
        """Return how much of `limit` may be used; the reserve is rounded down, so a limit of 1 has none."""
        return limit if with_reserve else limit - int(limit * self.reserve_pct / 100)

    def allowance(self, window: Window) -> Allowance:
        """Return what fits into one `window`; without limits where none is set."""
        return next((a for a in self.allowances if a.window is window), Allowance(window=window))


def limits_in_force(plan: ProviderLimits, own: ProviderBudget, *, reserve_pct: float, provider: str) -> Limits:
    """Return the tighter of the plan's and the owner's limits.

    Raises:
        ConfigError: no such zone.
    """
    zone_name = own.zone or plan.zone
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"budgets.providers.{provider}.zone: {zone_name!r} is no time zone. Write e.g. America/New_York."
        ) from error
    owners = {
        Window.SECOND: own.requests_per_second,
        Window.MINUTE: own.requests_per_minute,
        Window.DAY: own.requests_per_day,
        Window.MONTH: own.requests_per_month,
    }
    money = {Window.DAY: own.usd_micros_per_day, Window.MONTH: own.usd_micros_per_month}
    found = (
        Allowance(window=w, requests=_tighter((plan.requests(w), owners[w])), usd_micros=money.get(w)) for w in COUNTED
    )
    return Limits(
        allowances=tuple(a for a in found if a.requests is not None or a.usd_micros is not None),
        zone=zone,
        reserve_pct=reserve_pct,
        request_usd_micros=plan.request_usd_micros if own.request_usd_micros is None else own.request_usd_micros,
        fee_usd_micros_per_month=own.fee_usd_micros_per_month,
        connections=_tighter((plan.connections, own.connections)),
        symbols=_tighter((plan.symbols, own.symbols)),
    )


def _tighter(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)
