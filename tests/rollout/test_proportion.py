"""How sure a share is."""

from math import exp, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.rollout.gates import Counted, GateStatus, judge_share
from firmquote.rollout.policy import RolloutPolicy
from firmquote.rollout.proportion import failing_evidence, samples_needed, wilson_lower, z_of
from firmquote.rollout.sequential import SequentialMean

POLICY = RolloutPolicy()
Z = z_of(POLICY.confidence)


def judge(good: int, total: int, least: float = 0.99) -> GateStatus:
    counted = Counted(good=good, total=total)
    return judge_share(counted, least, POLICY, gates=9, threshold=least, unit="share", current=None).status


@pytest.mark.parametrize(
    ("good", "total", "lower"), [(0, 0, 0.0), (3, 3, 0.5258), (99, 100, 0.9564), (50, 100, 0.4188)]
)
def test_wilsons_lower_end_by_his_formula(good: int, total: int, lower: float) -> None:
    assert wilson_lower(good, total, 1.645) == pytest.approx(lower, abs=2e-4)


@given(st.integers(1, 5_000), st.integers(0, 5_000), st.floats(0.5, 3))
def test_the_lower_end_solves_wilsons_equation(total: int, good: int, z: float) -> None:
    good = min(good, total)
    lower, share = wilson_lower(good, total, z), good / total
    assert lower <= share + 1e-12
    assert share - lower == pytest.approx(z * sqrt(lower * (1 - lower) / total), abs=1e-6)


@given(st.floats(0.5, 0.999))
def test_fewer_samples_than_needed_never_reach_the_threshold_and_so_many_do(threshold: float) -> None:
    needed = samples_needed(threshold, Z)
    assert wilson_lower(needed, needed, Z) >= threshold - 1e-9
    assert needed == 1 or wilson_lower(needed - 1, needed - 1, Z) < threshold


@given(st.integers(0, 2_000), st.integers(0, 2_000), st.sampled_from([0.8, 0.95, 0.98, 0.99]))
def test_a_gate_never_passes_on_fewer_samples_than_its_confidence_needs(total: int, bad: int, least: float) -> None:
    status = judge(max(0, total - bad), total, least)
    if total < samples_needed(least, Z):
        assert status is not GateStatus.PASS
    if status is GateStatus.PASS:
        assert (total - bad) / total >= least


@given(st.integers(0, 267))
def test_pending_says_how_many_are_missing(total: int) -> None:
    counted = Counted(good=total, total=total)
    reading = judge_share(counted, 0.99, POLICY, gates=9, threshold=0.99, unit="share", current=None)
    assert (reading.status, reading.message) == (GateStatus.PENDING, f"{268 - total} more samples are needed")


def test_no_data_is_never_a_pass() -> None:
    assert judge(0, 0) is GateStatus.PENDING
    assert judge(3, 3) is GateStatus.PENDING


def test_much_that_is_bad_fails_and_what_could_be_chance_does_not() -> None:
    assert judge(0, 10) is GateStatus.FAIL
    assert judge(960, 1_000) is GateStatus.FAIL
    assert judge(980, 1_000) is GateStatus.PENDING
    assert judge(9, 10) is GateStatus.PENDING


def test_the_evidence_is_a_true_bound() -> None:
    draw, threshold, runs = Random(1), 0.95, 4_000
    high = sum(
        failing_evidence(sum(draw.random() < threshold for _ in range(200)), 200, threshold) >= 3 for _ in range(runs)
    )
    assert high / runs <= exp(-3)


class TestSequentialMean:
    def run(self, p: float, *, limit: float, n: int, seed: int) -> tuple[bool, bool]:
        draw, test = Random(seed), SequentialMean(limit)
        above = below = False
        for _ in range(n):
            test.observe(1.0 if draw.random() < p else 0.0)
            above, below = above or test.is_above(0.05), below or test.is_below(0.05)
        return above, below

    def test_at_the_limit_it_is_wrong_at_most_as_often_as_it_says_however_often_one_looks(self) -> None:
        ends = [self.run(0.1, limit=0.1, n=500, seed=seed) for seed in range(200)]
        assert sum(above for above, _ in ends) / 200 <= 0.05 + 0.035
        assert sum(below for _, below in ends) / 200 <= 0.05 + 0.035

    def test_far_from_the_limit_it_is_right(self) -> None:
        assert all(self.run(0.3, limit=0.1, n=300, seed=seed)[0] for seed in range(20))
        assert all(self.run(0.0, limit=0.1, n=100, seed=seed)[1] for seed in range(3))

    @given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=50), st.sampled_from([0.01, 0.05, 0.5]))
    def test_so_many_zeros_more_as_it_says_prove_that_it_stays_below(self, seen: list[float], alpha: float) -> None:
        test = SequentialMean(0.05)
        for x in seen:
            test.observe(x)
        needed = test.needed(alpha)
        for _ in range(needed):
            test.observe(0.0)
        assert test.is_below(alpha)

    def test_nothing_proves_nothing(self) -> None:
        test = SequentialMean(0.05)
        assert (test.mean, test.is_above(0.05), test.is_below(0.05)) == (None, False, False)
