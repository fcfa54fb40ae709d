"""All drills in one report."""

import pytest

from firmquote.errors import ConfigError
from firmquote.lab.drills import DrillOptions, every_drill
from firmquote.lab.drills.every import DRILLS
from firmquote.model.drill import DrillReport, at_most

GOOD = at_most("event times that went back", 0, 0, "count")


def good(options: DrillOptions) -> DrillReport:
    del options
    return DrillReport(drill="good", checks=(GOOD,), notes=("a table",))


def broken(options: DrillOptions) -> DrillReport:
    raise ConfigError(f"no provider here, {options.quick}")


def test_the_names_are_those_of_the_design() -> None:
    assert set(DRILLS) == {"failover", "switches", "rollout", "quality", "budget", "restart"}


def test_a_drill_that_cannot_be_run_fails_and_the_others_go_on() -> None:
    said: list[str] = []
    report = every_drill(DrillOptions(say=said.append), drills={"one": broken, "two": good})
    assert [(check.name, check.passed) for check in report.checks] == [
        ("one: runs to its end", False),
        ("two: event times that went back", True),
    ]
    assert (report.drill, report.passed, report.notes, said) == ("all", False, ("a table",), ["drill one", "drill two"])
    assert every_drill(DrillOptions(), ["two"], drills={"one": broken, "two": good}).passed


def test_a_drill_that_there_is_not_is_said() -> None:
    with pytest.raises(ConfigError, match="no drill fire. There are: failover, switches"):
        every_drill(DrillOptions(), ["fire"])


@pytest.mark.proof
def test_a_sample_of_every_drill_passes() -> None:
    report = every_drill(DrillOptions(quick=True))
    assert report.passed, [check for check in report.checks if not check.passed]
