"""The drills of switches and rollout: a sample here, the whole in `make proof`."""

import pytest

from firmquote.lab.drills import DrillOptions, restart_drill, rollout_drill, switches_drill
from firmquote.lab.drills.gates import GATE_FAULTS
from firmquote.lab.drills.obstacles import OBSTACLES
from firmquote.lab.drills.restart import SETUPS
from firmquote.lab.drills.switches import PULLS
from firmquote.model.drill import DrillReport
from firmquote.safety import PLAIN_NAMES

pytestmark = pytest.mark.scenario
OPTIONS = DrillOptions()


def failed(report: DrillReport) -> list[str]:
    """Return what failed; what a late machine could not tell is no failure here."""
    measured = [check for check in report.checks if check.value is not None and check.unit != "1/s"]
    if not measured:
        pytest.skip("inconclusive: the machine was late in each run")
    return [f"{check.name}: {check.value} {check.unit} {check.words}" for check in measured if not check.passed]


def test_no_kind_of_switch_is_left_out() -> None:
    assert {pull.name.split(":")[0] for pull in PULLS} == {*PLAIN_NAMES, "provider", "symbol"}


def test_a_new_process_takes_over_and_nobody_is_refused() -> None:
    report = restart_drill(OPTIONS, setups=SETUPS[:1])
    assert failed(report) == []


def test_every_switch_is_on_the_board_in_time_during_a_flood_also_with_a_full_disk() -> None:
    report = switches_drill(OPTIONS, obstacles=[one for one in OBSTACLES if one.name == "disk full"])
    assert failed(report) == []


def test_a_rollout_arrives_at_full_and_a_breach_rolls_it_back_by_name() -> None:
    faults = tuple(fault for fault in GATE_FAULTS if fault.gate == "success_rate")
    assert failed(rollout_drill(OPTIONS, faults=faults, quick=True)) == []


@pytest.mark.proof
def test_every_switch_with_everything_in_the_way() -> None:
    report = switches_drill(OPTIONS)
    assert report.passed, failed(report)


@pytest.mark.proof
def test_the_whole_rollout_and_a_fault_for_each_gate() -> None:
    report = rollout_drill(OPTIONS)
    assert report.passed, failed(report)


@pytest.mark.proof
def test_a_new_process_takes_over_with_every_arrangement_of_streams() -> None:
    report = restart_drill(OPTIONS)
    assert report.passed, failed(report)
