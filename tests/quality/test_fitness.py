"""From a finding to a verdict and back."""

from firmquote.model import NS_PER_MS, NS_PER_S, Reason
from firmquote.quality import Claim, Finding, Fitness, FitnessPolicy, explain_claim
from firmquote.testing.clock import NOON_NS

POLICY = FitnessPolicy(persist_ms=400, clear_ms=3_000)
FINDING = Finding(Reason.DIVERGENT, "words")
STEP_NS = 50 * NS_PER_MS


def run(fitness: Fitness, finding: Finding | None, *, from_ms: int, to_ms: int) -> list[int]:
    """Note the same every 50 ms; returns when the verdict changed."""
    times = range(from_ms, to_ms, 50)
    return [ms for ms in times if fitness.note(finding, POLICY, now_ns=NOON_NS + ms * NS_PER_MS)]


def test_a_finding_becomes_a_verdict_when_it_lasts_and_ends_after_a_clean_time() -> None:
    fitness = Fitness()
    assert run(fitness, FINDING, from_ms=0, to_ms=1_000) == [400]
    assert fitness.verdict is not None
    assert (fitness.verdict.reason, fitness.verdict.since_ns) == (Reason.DIVERGENT, NOON_NS)
    assert run(fitness, None, from_ms=1_000, to_ms=6_000) == [4_000]
    assert fitness.verdict is None


def test_a_finding_of_a_moment_is_forgotten() -> None:
    fitness = Fitness()
    for start in range(0, 10_000, 400):
        assert run(fitness, FINDING, from_ms=start, to_ms=start + 350) == []
        assert run(fitness, None, from_ms=start + 350, to_ms=start + 400) == []


def test_a_verdict_that_comes_back_takes_longer_to_end_so_that_nothing_flaps() -> None:
    fitness, at_ms, lengths = Fitness(), 0, []
    for _ in range(7):
        assert run(fitness, FINDING, from_ms=at_ms, to_ms=at_ms + 500) == [at_ms + 400]
        (ended,) = run(fitness, None, from_ms=at_ms + 500, to_ms=at_ms + 60_000)
        lengths.append(ended - at_ms - 500)
        at_ms += 60_000
    assert lengths == [3_000, 6_000, 12_000, 24_000, 48_000, 48_000, 48_000]


def test_after_ten_clean_minutes_a_line_is_forgiven() -> None:
    fitness = Fitness()
    run(fitness, FINDING, from_ms=0, to_ms=500)
    run(fitness, None, from_ms=500, to_ms=700_000)
    run(fitness, FINDING, from_ms=700_000, to_ms=700_500)
    assert run(fitness, None, from_ms=700_500, to_ms=710_000) == [703_500]


def test_a_worse_finding_changes_the_verdict_and_keeps_when_it_began() -> None:
    fitness = Fitness()
    run(fitness, FINDING, from_ms=0, to_ms=500)
    worse = Finding(Reason.SPLIT_MISMATCH, "words", quarantines=True)
    assert fitness.condemn(worse, now_ns=NOON_NS + NS_PER_S)
    assert fitness.verdict is not None
    assert (fitness.verdict.quarantines, fitness.verdict.since_ns) == (True, NOON_NS)


def explained(mid: float, *, by: str | None = "warm", others: dict[str, float] | None = None) -> Finding:
    claim = Claim(mid, 100.0, 9, NOON_NS, NOON_NS)
    return explain_claim(claim, contradicted_by=by, others=others or {}, near_bps=10)


def test_a_claim_is_explained_by_its_ratio() -> None:
    assert explained(1_000).reason is Reason.SPLIT_MISMATCH
    assert explained(66.7).reason is Reason.SPLIT_MISMATCH
    assert explained(10_000).reason is Reason.PRICE_UNITS
    assert explained(115).reason is Reason.JUMP


def test_a_claim_at_another_symbols_price_is_a_wrong_mapping() -> None:
    found = explained(150.1, others={"IBM": 150.0, "SPY": 166.0})
    assert found.reason is Reason.WRONG_MAPPING
    assert "IBM's" in found.words


def test_a_factor_that_nobody_contradicts_is_a_quarantine_and_one_that_somebody_does_is_not() -> None:
    assert explained(1_000, by=None).quarantines
    assert not explained(1_000, by="warm").quarantines
    assert not explained(115, by=None).quarantines
