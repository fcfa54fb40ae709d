"""The failover drill over real sockets: a sample here, all of it under `make proof`."""

import pytest

from firmquote.errors import ConfigError
from firmquote.lab.drills import DrillOptions, failover_drill
from firmquote.model.drill import DrillReport

pytestmark = pytest.mark.scenario
THREE = "polygon+alpaca+alphavantage"
SWAPPED = "alphavantage+polygon"


def failures(report: DrillReport) -> list[str]:
    return [f"{c.name}: {c.value} {c.unit}, limit {c.limit} {c.words}" for c in report.checks if not c.passed]


def test_a_sample_of_faults_with_three_providers_keeps_its_deadlines() -> None:
    faults = ("disconnect", "freeze", "freeze-symbols", "lag", "own-standstill")
    report = failover_drill(DrillOptions(faults=faults, setups=(THREE,)))
    assert failures(report) == []
    assert report.passed


def test_a_polled_provider_that_serves_and_fails_is_left_in_time() -> None:
    report = failover_drill(DrillOptions(faults=("bad-login",), setups=(SWAPPED,)))
    assert failures(report) == []


@pytest.mark.proof
def test_every_fault_in_every_setup_keeps_its_deadlines() -> None:
    assert failures(failover_drill(DrillOptions())) == []


def test_what_cannot_be_drilled_is_an_error_with_what_can() -> None:
    with pytest.raises(ConfigError, match=r"no fault flood here. There are: .*freeze"):
        failover_drill(DrillOptions(faults=("flood",)))
    with pytest.raises(ConfigError, match=r"no setup none. There are: polygon\+alpaca"):
        failover_drill(DrillOptions(setups=("none",)))
