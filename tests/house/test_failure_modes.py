"""Every failure mode has every column, every alert has a mode, and every drill is run."""

import os
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import msgspec
import pytest

from firmquote.publish.alerting import KINDS, MODES, FailureMode
from firmquote.publish.runbook import runbook_section

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_failure_mode_has_every_column(mode: FailureMode) -> None:
    assert {name: bool(value) for name, value in msgspec.to_builtins(mode).items()} == dict.fromkeys(
        FailureMode.__struct_fields__, True
    )
    assert mode.alert in KINDS
    assert runbook_section(mode.alert) is not None


@cache
def collected() -> frozenset[str]:
    """Return the tests in the drills' files, as pytest itself finds them."""
    files = sorted({mode.drill.split("::")[0] for mode in MODES})
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *files]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return frozenset(line.split("[")[0] for line in done.stdout.splitlines() if "::" in line)


def marks(target: str) -> str:
    """Return what `make TARGET` gives to pytest's -m."""
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if " pytest " in line]
    words = shlex.split(line)
    return words[words.index("-m") + 1]


def test_what_one_of_make_test_and_make_proof_leaves_out_the_other_runs() -> None:
    assert (marks("test"), marks("proof")) == ("not proof", "proof")


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_its_drill_is_run_by_the_suite_or_by_the_longer_campaign(mode: FailureMode) -> None:
    assert mode.drill in collected()
    paths = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    assert any(mode.drill.startswith(f"{path}/") for path in paths)


def test_every_alert_belongs_to_a_failure_mode() -> None:
    assert set(KINDS) - {mode.alert for mode in MODES} == {"test"}
