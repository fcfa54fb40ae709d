"""What would cost less: which plan fits the measured use, which symbols cost most for least, and what else would save.

Each recommendation carries its arithmetic, so that its reader can check it and disagree.
"""

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from firmquote.model import USD_MICROS, PlanOffer
from firmquote.model.budget import ProviderBudgetView, SymbolCost

SESSION_S = 6.5 * 3_600
"""A regular session; a plan by the day must last through it."""
MINUTES_AN_HOUR = 60
COSTLIEST = 3
"""How many symbols are named."""


class Use(Struct, frozen=True, kw_only=True):
    """What a plan must carry: so many symbols, none older than `interval_s`."""

    symbols: int
    interval_s: float

    def requests_per_minute(self, symbols_per_request: int) -> float:
        """Return the requests that it takes when one carries so many symbols."""
        return math.ceil(self.symbols / symbols_per_request) * 60 / self.interval_s


class Fit(Struct, frozen=True, kw_only=True):
    """One plan held against the use."""

    provider: str
    plan: str
    usd_micros_per_month: int
    real_time: bool
    fits: bool
    words: str


class Saving(Struct, frozen=True, kw_only=True):
    """Something that would cost less."""

    kind: str
    """`batching`, `cadence`, `warm` or `symbol`."""
    requests_per_hour: float
    """Saved."""
    words: str


def check_plan(provider: str, offer: PlanOffer, use: Use, *, reserve_pct: float) -> Fit:
    """Say whether a plan carries the use with the reserve held back, and how that was worked out."""
    per_minute = use.requests_per_minute(offer.symbols_per_request)
    batch = offer.symbols_per_request
    round_requests = math.ceil(use.symbols / batch)
    carried = f"{use.symbols} symbols / {batch} a request = {round_requests} requests every {use.interval_s:g} s"
    bounds = []
    for limit, need, unit in (
        (offer.limits.requests_per_second, per_minute / 60, "a second"),
        (offer.limits.requests_per_minute, per_minute, "a minute"),
        (offer.limits.requests_per_day, per_minute * SESSION_S / 60, "in a regular session"),
    ):
        if limit is not None:
            usable = limit - int(limit * reserve_pct / 100)
            bounds.append((need <= usable, f"{need:.4g} {unit} of {usable} ({limit} less {reserve_pct:g} %)"))
    fits = all(fine for fine, _ in bounds)
    price = f"${offer.usd_micros_per_month / USD_MICROS:.2f} a month, read {offer.read_on}"
    verdict = "fits" if fits else "does not fit"
    kind = "" if offer.real_time else "; no real-time prices"
    note = f" ({offer.note})" if offer.note else ""
    return Fit(
        provider=provider,
        plan=offer.name,
        usd_micros_per_month=offer.usd_micros_per_month,
        real_time=offer.real_time,
        fits=fits,
        words=f"{provider} {offer.name}, {price}: {carried} = {', '.join(w for _, w in bounds)}: {verdict}{kind}{note}",
    )


def cheapest(fits: Iterable[Fit]) -> Fit | None:
    """Return the cheapest plan with real-time prices that fits."""
    return min((fit for fit in fits if fit.fits and fit.real_time), key=lambda f: f.usd_micros_per_month, default=None)


def find_savings(view: ProviderBudgetView, *, symbols_per_request: int, batch: int) -> list[Saving]:
    """Return what one provider's measured use could do without, the greatest saving first.

    `symbols_per_request` is what its best endpoint carries, `batch` what is carried now.
    """
    found = [
        *_batching(view, symbols_per_request, batch),
        *_cadence(view),
        *_warmth(view),
        *_symbols(view.symbols, view.provider),
    ]
    return sorted(found, key=lambda saving: -saving.requests_per_hour)


def _batching(view: ProviderBudgetView, symbols_per_request: int, batch: int) -> Iterable[Saving]:
    names = {cost.symbol for cost in view.symbols if cost.symbol}
    now, then = math.ceil(len(names) / batch), math.ceil(len(names) / symbols_per_request)
    if names and then < now and view.requests_last_hour:
        saved = view.requests_last_hour * (1 - then / now)
        yield Saving(
            kind="batching",
            requests_per_hour=saved,
            words=f"{view.provider}: {len(names)} symbols take {then} requests in place of {now} with "
            f"{symbols_per_request} a request: {view.requests_last_hour} requests an hour x (1 - {then}/{now}) = "
            f"{saved:.4g} saved. Turn on its bulk endpoint.",
        )


def _cadence(view: ProviderBudgetView) -> Iterable[Saving]:
    by_symbol = {cost.symbol: 1 / cost.planned_interval_s for cost in view.symbols if cost.planned_interval_s}
    rates = list(by_symbol.values())
    if len(rates) > 1:
        # λ is proportional to √(wv), so uniform intervals of the same weighted staleness take n·Σλ²/Σλ.
        uniform = len(rates) * sum(rate**2 for rate in rates) / sum(rates)
        saved = (uniform - sum(rates)) * 3_600
        if saved >= 1:
            yield Saving(
                kind="cadence",
                requests_per_hour=saved,
                words=f"{view.provider}: the planned cadence already saves {saved:.4g} requests an hour: equal "
                f"intervals, as fresh where it matters, take {uniform * 3_600:.4g} in place of "
                f"{sum(rates) * 3_600:.4g}.",
            )


def _warmth(view: ProviderBudgetView) -> Iterable[Saving]:
    warm = sum(cost.requests for cost in view.symbols if cost.purpose == "warm")
    total = sum(cost.requests for cost in view.symbols)
    if warm and total:
        saved = view.requests_last_hour * warm / total / 2
        how = "budgets.warm_pace_pct"
        if view.left_pct is None:
            how = f"budgets.providers.{view.provider}.requests_per_minute"
        yield Saving(
            kind="warm",
            requests_per_hour=saved,
            words=f"{view.provider}: {warm:.4g} of {total:.4g} requests kept it warm. Half of {how} saves "
            f"{view.requests_last_hour} an hour x {warm:.4g}/{total:.4g} / 2 = {saved:.4g}, and its prices are "
            "twice as old when it takes over. Routing its symbols to a stream alone saves twice that.",
        )


def _symbols(costs: Sequence[SymbolCost], provider: str) -> Iterable[Saving]:
    total = sum(cost.requests for cost in costs)
    useless = sorted((cost for cost in costs if cost.symbol), key=lambda cost: (cost.quotes + 1) / (cost.requests + 1))
    for cost in useless[:COSTLIEST]:
        if cost.quotes * 2 < cost.requests:
            yield Saving(
                kind="symbol",
                requests_per_hour=cost.requests / 24,
                words=f"{provider}: {cost.symbol} took {cost.requests:.4g} of {total:.4g} requests of the last day "
                f"for {cost.quotes} useful quotes. Leaving it out saves {cost.requests:.4g}/24 = "
                f"{cost.requests / 24:.4g} an hour.",
            )
