"""Recommendations and their arithmetic."""

from msgspec import structs

from firmquote.budget import Use, cheapest, check_plan, find_savings
from firmquote.model import PlanOffer, ProviderLimits
from firmquote.model.budget import ProviderBudgetView, SymbolCost

FREE = PlanOffer(
    name="free",
    usd_micros_per_month=0,
    limits=ProviderLimits(requests_per_day=25),
    real_time=False,
    read_on="2026-11-24",
)
SMALL = PlanOffer(
    name="75",
    usd_micros_per_month=49_990_000,
    limits=ProviderLimits(requests_per_minute=75),
    real_time=True,
    read_on="2026-11-24",
)
BULK = structs.replace(SMALL, name="bulk", usd_micros_per_month=99_990_000, symbols_per_request=100)


def cost(
    symbol: str, *, requests: float = 10, quotes: int = 10, purpose: str = "ordinary", every_s: float | None = None
) -> SymbolCost:
    return SymbolCost(
        symbol=symbol,
        purpose=purpose,
        requests=requests,
        usd_micros=0,
        quotes=quotes,
        usd_micros_per_quote=None,
        planned_interval_s=every_s,
    )


def view(*costs: SymbolCost, last_hour: int = 100) -> ProviderBudgetView:
    return ProviderBudgetView(
        provider="a",
        step="normal",
        why="",
        left_pct=50.0,
        reserve_pct=15,
        windows=(),
        requests_last_hour=last_hour,
        pace_per_s=1.0,
        pace_bound="",
        paused_s=None,
        pause_words=None,
        symbols_per_request=1,
        cache_hits=0,
        coalesced=0,
        symbols=costs,
    )


def test_a_plan_fits_when_its_limit_without_the_reserve_carries_the_use() -> None:
    use = Use(symbols=10, interval_s=10)
    small = check_plan("a", SMALL, use, reserve_pct=15)
    assert small.fits
    assert small.words == (
        "a 75, $49.99 a month, read 2026-11-24: 10 symbols / 1 a request = 10 requests every 10 s = "
        "60 a minute of 64 (75 less 15 %): fits"
    )
    assert not check_plan("a", SMALL, Use(symbols=11, interval_s=10), reserve_pct=15).fits
    free = check_plan("a", FREE, use, reserve_pct=15)
    assert not free.fits
    assert "2.34e+04 in a regular session of 22 (25 less 15 %): does not fit; no real-time prices" in free.words


def test_the_cheapest_that_fits_has_real_time_prices() -> None:
    use = Use(symbols=20, interval_s=10)
    fits = [check_plan("a", offer, use, reserve_pct=15) for offer in (FREE, SMALL, BULK)]
    best = cheapest(fits)
    assert best is not None
    assert best.plan == "bulk"
    assert cheapest(check_plan("a", FREE, use, reserve_pct=15) for _ in range(1)) is None


def test_batching_saves_what_the_batches_are_fewer() -> None:
    savings = find_savings(view(*(cost(name) for name in "ABCD")), symbols_per_request=100, batch=1)
    assert [(s.kind, s.requests_per_hour) for s in savings] == [("batching", 75.0)]
    assert "4 symbols take 1 requests in place of 4" in savings[0].words
    assert find_savings(view(cost("A")), symbols_per_request=1, batch=1) == []


def test_the_cadence_is_compared_with_equal_intervals_of_the_same_staleness() -> None:
    # Rates 0.3 and 0.1: equal ones as good take 2 x (0.09 + 0.01) / 0.4 = 0.5 a second in place of 0.4.
    found = find_savings(view(cost("A", every_s=1 / 0.3), cost("B", every_s=10)), symbols_per_request=1, batch=1)
    assert [s.kind for s in found] == ["cadence"]
    assert round(found[0].requests_per_hour, 6) == 360
    assert "take 1800 in place of 1440" in found[0].words


def test_keeping_warm_and_useless_symbols_are_named() -> None:
    found = find_savings(
        view(cost("A", purpose="warm", requests=50, quotes=50), cost("B", requests=48, quotes=1)),
        symbols_per_request=1,
        batch=1,
    )
    assert {s.kind: round(s.requests_per_hour, 3) for s in found} == {"warm": 25.51, "symbol": 2.0}
    assert "Half of budgets.warm_pace_pct" in found[0].words
