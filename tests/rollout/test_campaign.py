"""Thousands of rollouts with dice: the good are not thrown back, the bad are caught."""

import sys
from random import Random

import pytest

from firmquote.model import NS_PER_S
from firmquote.model.rollout import StageChange
from firmquote.rollout import Evidence, Measure, PromotionGates, Rollout, RolloutPolicy, Stage

LIMITS = PromotionGates()
POLICY = RolloutPolicy(approval="auto", alpha=0.01)
EVERY_S = 10
LEAST = {
    Measure.SUCCESS: 0.99,
    Measure.LATENCY: 0.95,
    Measure.CACHE: 0.80,
    Measure.FRESHNESS: 0.95,
}
SYMBOLS = tuple(f"S{number}" for number in range(400))


class Dice:
    """One seeded rollout; `shares` are the true shares of good samples, `mismatch` those of each symbol's pairs."""

    def __init__(
        self, seed: int, shares: dict[Measure, float], *, mismatch: float, differs: float, symbols: int = 4
    ) -> None:
        self._draw = Random(seed)
        self._shares = shares
        self._differs = differs
        self._mismatch = dict.fromkeys(SYMBOLS[:symbols], mismatch)
        self.evidence = Evidence(LIMITS, POLICY, self._mismatch)
        self.evidence.budget_unlimited = True
        symbol = SYMBOLS[0]
        self.rollout = Rollout(
            POLICY,
            canary=frozenset({symbol}),
            priority=frozenset({symbol}),
            ceiling=Stage.FULL,
            ceiling_words="",
            now_ns=0,
        )
        self.changes: list[StageChange] = []

    def plant(self, symbols: tuple[str, ...], mismatch: float) -> None:
        self._mismatch.update(dict.fromkeys(symbols, mismatch))

    def run(self, for_s: int) -> None:
        for second in range(0, for_s, EVERY_S):
            now_ns = second * NS_PER_S
            self._measure(now_ns)
            readings = self.evidence.read("regular", now_ns)
            changes = self.rollout.evaluate(readings, self.evidence.bad_symbols(), now_ns)
            if any(change.kind in ("promoted", "rolled back") for change in changes):
                self.evidence.restart()
            self.changes += changes

    def rolled_back(self) -> bool:
        return any(change.kind == "rolled back" for change in self.changes)

    def _measure(self, now_ns: int) -> None:
        draw, evidence = self._draw.random, self.evidence
        for measure, share in self._shares.items():
            evidence.count(measure, sum(draw() < share for _ in range(EVERY_S)), EVERY_S, now_ns)
        evidence.count(Measure.LIVE_CALLS, EVERY_S, EVERY_S, now_ns)
        for symbol, mismatch in self._mismatch.items():
            evidence.compare_price(symbol, matches=draw() >= mismatch, now_ns=now_ns)
        for _ in range(4):
            evidence.compare_decision("regular", differs=draw() < self._differs, loss_bps=draw() / 2)


def clean(seed: int) -> Dice:
    """Return a rollout of a candidate that is good: half as much is bad as may be, or less."""
    return Dice(seed, {m: (1 + least) / 2 for m, least in LEAST.items()}, mismatch=0.004, differs=0.01)


def borderline(seed: int) -> Dice:
    """Return a rollout, already full, of a candidate that is exactly good enough: the hardest to keep."""
    made = Dice(
        seed, dict(LEAST), mismatch=LIMITS.max_shadow_mismatch_rate, differs=POLICY.gates.max_decision_difference
    )
    for _ in range(3):
        made.rollout.promote(by="test", reason="start", now_ns=0, forced=True)
    return made


def tell(words: str) -> None:
    sys.stdout.write(words + "\n")  # the measured numbers, with `-s` or when it fails


def check_clean(seeds: range) -> None:
    runs = [clean(seed) for seed in seeds]
    for run in runs:
        run.run(9_000)
    assert sum(run.rolled_back() for run in runs) <= POLICY.alpha * len(runs)
    assert sum(bool(run.rollout.quarantined) for run in runs) <= POLICY.alpha * len(runs) + 1
    full = sum(run.rollout.stage is Stage.FULL for run in runs)
    tell(f"{len(runs)} clean rollouts: {sum(r.rolled_back() for r in runs)} rolled back, {full} reached full")
    assert full >= 0.95 * len(runs)


def check_borderline(seeds: range) -> None:
    runs = [borderline(seed) for seed in seeds]
    for run in runs:
        run.run(3_600)
    wrong = sum(run.rolled_back() for run in runs)
    tell(f"{len(runs)} rollouts at the very limit of every gate: {wrong} rolled back")
    assert wrong <= max(1, POLICY.alpha * len(runs))


def test_a_sample_of_clean_rollouts_is_not_rolled_back_and_arrives() -> None:
    check_clean(range(8))


def test_a_sample_at_the_very_limit_is_not_rolled_back() -> None:
    check_borderline(range(15))


@pytest.mark.proof
def test_a_thousand_clean_rollouts_are_rolled_back_at_most_as_often_as_alpha_says() -> None:
    check_clean(range(1_000))


@pytest.mark.proof
def test_a_thousand_rollouts_at_the_very_limit_likewise() -> None:
    check_borderline(range(1_000))


@pytest.mark.parametrize("seed", range(3))
def test_one_percent_of_bad_symbols_is_caught_and_no_good_one(seed: int) -> None:
    run = Dice(seed, {m: (1 + least) / 2 for m, least in LEAST.items()}, mismatch=0.004, differs=0.01, symbols=400)
    bad = SYMBOLS[100:104]
    run.plant(bad, 0.5)
    run.run(900)
    assert set(run.rollout.quarantined) == set(bad)
    assert not run.rolled_back()
    assert set(run.rollout.map.quarantined) == set(bad)


@pytest.mark.parametrize("measure", LEAST, ids=lambda measure: measure.value)
def test_a_fault_of_each_measure_is_rolled_back_by_name(measure: Measure) -> None:
    shares = {m: (1 + least) / 2 for m, least in LEAST.items()}
    run = Dice(1, {**shares, measure: LEAST[measure] - 0.1}, mismatch=0.004, differs=0.01)
    for _ in range(3):
        run.rollout.promote(by="test", reason="start", now_ns=0, forced=True)
    run.run(1_800)
    first = next(change for change in run.changes if change.kind == "rolled back")
    assert first.gate == measure.value
    assert measure.value in first.reason
