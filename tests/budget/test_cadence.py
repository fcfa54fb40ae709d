"""The planner: the optimum, its bounds, whose turn it is, and what prices teach it."""

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.budget import Cadence, CadencePolicy, Need, Tier, TierPolicy, Variance, plan_rates
from firmquote.model import NS_PER_S

FAST = TierPolicy(weight=9, interval_min_ms=1, interval_max_ms=10_000_000)
POLICY = CadencePolicy(
    position=FAST,
    watch=TierPolicy(weight=4, interval_min_ms=1, interval_max_ms=10_000_000),
    other=TierPolicy(weight=1, interval_min_ms=1, interval_max_ms=10_000_000),
)
needs = st.builds(
    Need,
    symbol=st.just("A"),
    weight=st.floats(0.1, 100),
    variance=st.floats(0.01, 1_000),
    rate_min=st.floats(0, 0.2),
    rate_max=st.floats(0.2, 5),
)


def need(symbol: str, weight: float = 1, variance: float = 1, rate_min: float = 0, rate_max: float = 100) -> Need:
    return Need(symbol=symbol, weight=weight, variance=variance, rate_min=rate_min, rate_max=rate_max)


def cost(all_needs: list[Need], rates: dict[str, float]) -> float:
    return sum(n.weight * n.variance / (2 * rates[n.symbol]) for n in all_needs)


def test_rates_are_proportional_to_the_root_of_weight_times_variance() -> None:
    rates = plan_rates([need("A", weight=9, variance=4), need("B", weight=1, variance=1)], 7.0)
    assert rates == pytest.approx({"A": 6.0, "B": 1.0})


def test_floors_and_ceilings_bind_and_the_rest_is_shared() -> None:
    rates = plan_rates([need("A", weight=100, rate_max=2), need("B"), need("C", weight=1e-6, rate_min=0.5)], 4.0)
    assert rates == pytest.approx({"A": 2.0, "B": 1.5, "C": 0.5})


def test_floors_that_cost_more_than_there_is_give_way_to_the_optimum() -> None:
    rates = plan_rates([need("A", weight=4, rate_min=5), need("B", rate_min=5)], 3.0)
    assert rates == pytest.approx({"A": 2.0, "B": 1.0})


def test_a_batch_carries_many_symbols_but_none_twice() -> None:
    rates = plan_rates([need("A", weight=1_000), need("B"), need("C")], 1.0, batch=2)
    assert rates == pytest.approx({"A": 1.0, "B": 0.5, "C": 0.5})


@given(st.lists(needs, min_size=1, max_size=12), st.floats(0.1, 20), st.integers(1, 5), st.randoms())
def test_no_other_plan_of_the_same_spend_is_better(found: list[Need], per_s: float, batch: int, chance) -> None:  # type: ignore[no-untyped-def]  # hypothesis's own Random
    found = [need(str(i), n.weight, n.variance, 0, n.rate_max) for i, n in enumerate(found)]
    rates = plan_rates(found, per_s, batch=batch)
    assert sum(rates.values()) <= per_s * batch * (1 + 1e-6)
    assert all(rates[n.symbol] <= min(n.rate_max, per_s) * (1 + 1e-9) for n in found)
    if len(found) < 2:
        return
    one, other = chance.sample(found, 2)
    moved = dict(rates)
    step = min(rates[other.symbol] * 0.5, min(one.rate_max, per_s) - rates[one.symbol])
    moved[one.symbol] += step
    moved[other.symbol] -= step
    assert cost(found, rates) <= cost(found, moved) * (1 + 1e-6)


def asked(cadence: Cadence, seconds: int, per_s: float, count: int = 1) -> list[tuple[float, str]]:
    found = []
    for slot in range(int(seconds * per_s)):
        now_ns = int(slot / per_s * NS_PER_S)
        symbols = cadence.pick(now_ns, count)
        cadence.note_asked(symbols, now_ns)
        found += [(slot / per_s, symbol) for symbol in symbols]
    return found


def test_turns_come_in_about_the_planned_shares_and_evenly() -> None:
    cadence = Cadence(POLICY, {"A": Tier.POSITION, "B": Tier.WATCH, **dict.fromkeys("CDEFG", Tier.OTHER)})
    cadence.replan(1.0, batch=1)
    assert cadence.rates == pytest.approx({"A": 0.3, "B": 0.2, **dict.fromkeys("CDEFG", 0.1)})
    turns = asked(cadence, 1_000, 1.0)
    counts = Counter(symbol for _, symbol in turns)
    assert len(turns) == 1_000
    assert counts["A"] == pytest.approx(300, rel=0.15)
    assert counts["B"] == pytest.approx(200, rel=0.15)
    for name in "CDEFG":
        times = [at for at, symbol in turns if symbol == name]
        assert max(b - a for a, b in pairwise(times)) <= 12  # planned: one in 10 s


def test_a_symbol_that_was_never_asked_comes_first() -> None:
    cadence = Cadence(POLICY, {"A": Tier.POSITION, "B": Tier.OTHER})
    cadence.replan(1.0, batch=1)
    cadence.note_asked(["A"], 0)
    assert cadence.pick(1_000 * NS_PER_S, 1) == ("B",)


def test_a_price_that_is_young_enough_is_not_asked_again() -> None:
    cadence = Cadence(CadencePolicy(), {"A": Tier.POSITION, "B": Tier.OTHER})
    cadence.replan(100.0, batch=1)
    cadence.note_asked(["A", "B"], 0)
    assert cadence.pick(799 * NS_PER_S // 1_000, 2) == ()
    assert cadence.fresh_until_ns() == 800 * NS_PER_S // 1_000
    assert cadence.pick(800 * NS_PER_S // 1_000, 2) == ("A",)
    assert set(cadence.pick(6 * NS_PER_S, 2)) == {"A", "B"}


def test_lower_tiers_can_be_slowed_or_left_out() -> None:
    cadence = Cadence(POLICY, {"A": Tier.POSITION, "B": Tier.OTHER})
    cadence.replan(4.0, batch=1)
    assert cadence.rates == pytest.approx({"A": 3.0, "B": 1.0})
    cadence.replan(3.5, batch=1, slower={Tier.OTHER: 0.5})
    assert cadence.rates == pytest.approx({"A": 3.0, "B": 0.5})
    cadence.replan(2.0, batch=1, tiers=[Tier.POSITION])
    assert cadence.rates == pytest.approx({"A": 2.0})
    cadence.replan(0.0, batch=1)
    assert cadence.pick(NS_PER_S, 5) == ()


def test_variance_is_learned_from_prices() -> None:
    calm, wild = Variance(), Variance()
    for second in range(3_600):
        calm.see(100.0 + 0.001 * (second % 2), second * NS_PER_S)
        wild.see(100.0 * (1 + 0.001 * (second % 2)), second * NS_PER_S)
    assert calm.per_s < 0.3
    assert wild.per_s == pytest.approx(100, rel=0.15)  # 10 bps a second
    assert Variance().per_s == pytest.approx(0.7)


@pytest.mark.parametrize("broken", [0.0, -1.0, math.inf, math.nan])
def test_what_is_no_price_teaches_nothing(broken: float) -> None:
    seen, spared = Variance(), Variance()
    for second, price in enumerate((100.0, broken, 100.1)):
        seen.see(price, second * NS_PER_S)
    for second, price in ((0, 100.0), (2, 100.1)):
        spared.see(price, second * NS_PER_S)
    assert spared.per_s == seen.per_s


def test_a_new_position_is_asked_more_often_from_the_next_plan_on() -> None:
    cadence = Cadence(POLICY, {"A": Tier.OTHER, "B": Tier.OTHER})
    cadence.replan(4.0, batch=1)
    assert cadence.rates == pytest.approx({"A": 2.0, "B": 2.0})
    cadence.set_tiers({"B": Tier.POSITION, "UNKNOWN": Tier.POSITION})
    cadence.replan(4.0, batch=1)
    assert cadence.rates == pytest.approx({"A": 1.0, "B": 3.0})
