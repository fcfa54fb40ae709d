"""What is said of budgets: `/v1/budget`, the numbers in `/healthz/providers`, and metrics."""

from collections.abc import Mapping, Sequence

from firmquote.budget import Limits, Purpose, Usage, forecast_end_ns
from firmquote.model import NS_PER_S, Clock
from firmquote.model.budget import BudgetView, ProviderBudgetView, SymbolCost, WindowView
from firmquote.model.metric import Metric, by, counter, gauge
from firmquote.runtime.ledger_desk import HOUR_NS, Standing
from firmquote.runtime.spending import Spending
from firmquote.store import SymbolSpend

DAYS_A_MONTH = 30
"""For a day's share of a monthly fee."""


class BudgetReport:
    """Each answer is made when it is asked for, from what the ledger's last transaction read."""

    def __init__(self, spending: Spending, clock: Clock) -> None:
        self._spending = spending
        self._clock = clock

    def view(self, *, each_symbol: bool = True) -> BudgetView:
        """Return everything; what each symbol costs only where somebody wants it."""
        desk = self._spending.desk
        return BudgetView(
            ledger=str(desk.path),
            trouble=desk.trouble,
            clock_doubt_s=desk.doubt_ns / NS_PER_S,
            providers=tuple(
                self._provider(name, each_symbol=each_symbol)
                for name in self._spending.limits
                if self._has_budget(name)
            ),
            as_of_ns=self._clock.now_ns(),
        )

    def left_pct(self, provider: str) -> float | None:
        """Return how much of the day's or month's budget ordinary work has left; 0 while the ledger is unusable."""
        governor = self._spending.governors.get(provider)
        if governor is None:
            return None
        return 0.0 if self._spending.is_stopped else governor.pace.left_pct

    def cost_summary(self) -> dict[str, float | None]:
        """Return the sums for `/healthz/providers`."""
        day = [usage for standing in self._spending.desk.standings.values() for usage in standing.usages]
        counts = self._spending.counts.values()
        asked, hits = sum(c.asked for c in counts), sum(c.cache_hits + c.coalesced for c in counts)
        spends = self._spending.desk.spends
        return {
            "requests": float(asked),
            "requests_last_hour": float(sum(s.last_hour for s in self._spending.desk.standings.values())),
            "usd_today": sum(u.usd_micros for u in day if u.window.value == "day") / 1e6,
            "useful_quotes_last_day": float(sum(s.quotes for s in spends)),
            "cache_hit_rate": hits / (hits + asked) if hits + asked else None,
            "left_pct_least": min(
                (left for name in self._spending.governors if (left := self.left_pct(name)) is not None), default=None
            ),
        }

    def metrics(self) -> Sequence[Metric]:
        """Return what Prometheus may want."""
        governors = self._spending.governors
        standings = self._spending.desk.standings
        counts = self._spending.counts.items()
        spent = (
            ((("provider", name), ("window", usage.window.value)), usage.requests)
            for name, standing in standings.items()
            for usage in standing.usages
        )
        left = by("provider", {name: self.left_pct(name) for name in governors})
        steps = by("provider", {name: governor.step for name, governor in governors.items()})
        asked = by("provider", {name: count.asked for name, count in counts})
        saved = by("provider", {name: count.cache_hits + count.coalesced for name, count in counts})
        stopped = self._spending.is_stopped
        return [
            gauge("budget_spent_requests", "Requests spent in the present window.", spent),
            gauge("budget_left_percent", "What ordinary work may still spend.", left),
            gauge("budget_step", "0 normal, 1 warned, 2 slowed, 3 positions only, 4 stopped.", steps),
            counter("requests_asked_total", "Requests that were granted.", asked),
            counter("requests_saved_total", "Requests that a cached or shared answer saved.", saved),
            gauge("ledger_unusable", "1 while nothing may be spent because of the ledger.", stopped),
        ]

    def _has_budget(self, name: str) -> bool:
        return bool(self._spending.limits[name].allowances) or name in self._spending.governors

    def _provider(self, name: str, *, each_symbol: bool) -> ProviderBudgetView:
        spending = self._spending
        limits, standing, counts = spending.limits[name], spending.desk.standings[name], spending.counts[name]
        governor = spending.governors.get(name)
        step, why = ("normal", "") if governor is None else (governor.step.label, governor.pace.words)
        if spending.is_stopped:
            step, why = "stopped", spending.desk.trouble or ""
        pause = standing.pause
        left_ns = 0 if pause is None else pause.until_ns - self._clock.monotonic_ns()
        return ProviderBudgetView(
            provider=name,
            step=step,
            why=why,
            left_pct=self.left_pct(name),
            reserve_pct=limits.reserve_pct,
            windows=tuple(_window(usage, standing, limits) for usage in standing.usages),
            requests_last_hour=standing.last_hour,
            pace_per_s=None if governor is None else governor.pace.requests_per_s,
            pace_bound="" if governor is None else governor.pace.bound,
            paused_s=left_ns / NS_PER_S if left_ns > 0 else None,
            pause_words=pause.words if pause is not None and left_ns > 0 else None,
            symbols_per_request=1 if governor is None else governor.batch,
            cache_hits=counts.cache_hits,
            coalesced=counts.coalesced,
            symbols=symbol_costs(
                [spend for spend in spending.desk.spends if spend.provider == name] if each_symbol else [],
                limits,
                {} if governor is None else governor.cadence.rates,
            ),
        )


def symbol_costs(spends: Sequence[SymbolSpend], limits: Limits, rates: Mapping[str, float]) -> tuple[SymbolCost, ...]:
    """Return what each symbol cost over a day: its requests' price, and its share of a day of the plan's fee."""
    total = sum(spend.requests for spend in spends)
    fee_a_day = limits.fee_usd_micros_per_month / DAYS_A_MONTH
    found = []
    for spend in sorted(spends, key=lambda one: -one.requests):
        cost = spend.usd_micros + round(fee_a_day * spend.requests / total if total else 0)
        rate = rates.get(spend.symbol)
        found.append(
            SymbolCost(
                symbol=spend.symbol,
                purpose=Purpose(spend.purpose).name.lower(),
                requests=round(spend.requests, 3),
                usd_micros=cost,
                quotes=spend.quotes,
                usd_micros_per_quote=cost / spend.quotes if spend.quotes else None,
                planned_interval_s=1 / rate if rate else None,
            )
        )
    return tuple(found)


def _window(usage: Usage, standing: Standing, limits: Limits) -> WindowView:
    per_s = standing.last_hour / (HOUR_NS / NS_PER_S)
    return WindowView(
        window=usage.window.value,
        requests=usage.requests,
        requests_limit=usage.requests_limit,
        requests_left=usage.requests_left,
        requests_reserved=usage.requests_reserved,
        usd_micros=usage.usd_micros,
        usd_micros_limit=usage.usd_micros_limit,
        usd_micros_left=usage.usd_micros_left,
        ends_ns=usage.ends_ns,
        forecast_end_ns=forecast_end_ns(usage, per_s=per_s, limits=limits, now_ns=standing.now_ns),
    )
