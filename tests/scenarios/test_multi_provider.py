"""The failover drill over real sockets: a sample here, all of it under `make proof`."""

import pytest

from firmquote.errors import ConfigError
from firmquote.lab.drills import DrillOptions, failover, failover_drill
from firmquote.lab.drills.failover import Seen
from firmquote.lab.drills.faults import Break
from firmquote.lab.drills.range import Setup
from firmquote.lab.drills.truth import Tally
from firmquote.model.drill import DrillReport

pytestmark = pytest.mark.scenario
THREE = "polygon+alpaca+alphavantage"
SWAPPED = "alphavantage+polygon"


def failures(report: DrillReport) -> list[str]:
    return [f"{c.name}: {c.value} {c.unit}, limit {c.limit} {c.words}" for c in report.checks if not c.passed]


def check_sample(report: DrillReport) -> None:
    """What was measured holds; skip where a late machine could tell nothing at all."""
    measured = [check for check in report.checks if not check.words.startswith("inconclusive")]
    assert [check for check in measured if not check.passed] == []
    if not measured:
        pytest.skip("inconclusive: the machine was late in each run")


def test_a_sample_of_faults_with_three_providers_keeps_its_deadlines() -> None:
    faults = ("disconnect", "freeze", "freeze-symbols", "lag", "own-standstill")
    check_sample(failover_drill(DrillOptions(faults=faults, setups=(THREE,))))


def test_a_polled_provider_that_serves_and_fails_is_left_in_time() -> None:
    check_sample(failover_drill(DrillOptions(faults=("bad-login",), setups=(SWAPPED,))))


@pytest.mark.proof
def test_every_fault_in_every_setup_keeps_its_deadlines() -> None:
    assert failures(failover_drill(DrillOptions())) == []


def test_a_run_that_proves_nothing_beside_others_is_tried_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def run(setup: Setup, broken: Break) -> Seen:
        seen.append(broken.name)
        late_ms = 1_000.0 if len(seen) <= failover.TRIES else 0.0
        return Seen(
            setup=setup, broken=broken, calm=True, detect_s=0.1, recover_s=0.1, back_s=0.1,
            blame=None if broken.blame is None else broken.blame.value, role_moved=True, false_moves=0,
            decision_p95_ms=1.0, live_calls=0, tally=Tally(stalled_ms=late_ms), back=Tally(), moves_back=0,
        )  # fmt: skip

    monkeypatch.setattr(failover, "_run", run)
    assert failures(failover_drill(DrillOptions(faults=("drift",), setups=(THREE,)))) == []
    assert len(seen) == failover.TRIES + 1


def test_what_cannot_be_drilled_is_an_error_with_what_can() -> None:
    with pytest.raises(ConfigError, match=r"no fault flood here. There are: .*freeze"):
        failover_drill(DrillOptions(faults=("flood",)))
    with pytest.raises(ConfigError, match=r"no setup none. There are: polygon\+alpaca"):
        failover_drill(DrillOptions(setups=("none",)))
