"""A drill's report, as it is printed."""

import json

import pytest
import typer

from firmquote.cli.drill_report import finish
from firmquote.model.drill import DrillReport, at_most

TABLE = ("true class   provider", "provider            3")
REPORT = DrillReport(drill="failover", checks=(at_most("gap", 3.0, 5.0, "ms"),), notes=TABLE)


def finished(capsys: pytest.CaptureFixture[str], report: DrillReport, *, as_json: bool) -> tuple[int, str, str]:
    with pytest.raises(typer.Exit) as ended:
        finish(report, as_json=as_json)
    out, err = capsys.readouterr()
    return ended.value.exit_code, out, err


def test_json_has_stdout_for_itself_and_people_still_see_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = finished(capsys, REPORT, as_json=True)
    assert (code, json.loads(out), err.splitlines()) == (0, REPORT.to_document(), list(TABLE))


def test_a_terminal_gets_the_table_before_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = finished(capsys, REPORT, as_json=False)
    assert (code, out.splitlines()[1:], err) == (0, [*TABLE, "drill failover: passed, 1 checks, 0 failed"], "")


def test_a_drill_that_checked_nothing_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = finished(capsys, DrillReport(drill="failover", checks=()), as_json=True)
    assert (code, json.loads(out)["pass"]) == (1, False)
