"""`firmquote budget advise`: the measured use held against what every installed provider sells."""

from msgspec import Struct

from firmquote.budget import Fit, Saving, Use, cheapest, check_plan, find_savings
from firmquote.model.budget import BudgetView
from firmquote.runtime.registry import load_provider, provider_names

INTERVAL_S = 10.0
"""Assumed where nothing is polled."""


class Advice(Struct, frozen=True, kw_only=True):
    """All recommendations."""

    use: Use
    plans: tuple[Fit, ...]
    cheapest: Fit | None
    savings: tuple[Saving, ...]


def advise(view: BudgetView, *, symbols: int | None = None, interval_s: float | None = None) -> Advice:
    """Return what fits and what would save. What is not given is taken from the measured use."""
    measured = {cost.symbol for provider in view.providers for cost in provider.symbols if cost.symbol}
    count = symbols or max(1, len(measured))
    use = Use(symbols=count, interval_s=interval_s or _measured_interval_s(view, count))
    fits, savings = [], []
    reserve_pct = max((provider.reserve_pct for provider in view.providers), default=0.0)
    by_name = {provider.provider: provider for provider in view.providers}
    for name in provider_names():
        offers = load_provider(name).plans
        fits += [check_plan(name, offer, use, reserve_pct=reserve_pct) for offer in offers]
        if name in by_name:
            most = max((offer.symbols_per_request for offer in offers), default=1)
            savings += find_savings(by_name[name], symbols_per_request=most, batch=by_name[name].symbols_per_request)
    savings.sort(key=lambda saving: -saving.requests_per_hour)
    return Advice(use=use, plans=tuple(fits), cheapest=cheapest(fits), savings=tuple(savings))


def _measured_interval_s(view: BudgetView, symbols: int) -> float:
    per_s = max((p.pace_per_s * p.symbols_per_request for p in view.providers if p.pace_per_s), default=0.0)
    return round(symbols / per_s, 1) if per_s else INTERVAL_S
