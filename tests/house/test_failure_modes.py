"""Every failure mode has every column, every alert has a mode, and every drill exists."""

import ast
from pathlib import Path

import msgspec
import pytest
from typer.main import get_command

from firmquote.cli.app import app
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


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_its_drill_exists(mode: FailureMode) -> None:
    if mode.drill.startswith("firmquote "):
        command = get_command(app)
        for word in mode.drill.split()[1:]:
            command = command.commands[word]  # type: ignore[attr-defined]  # a group
        return
    path, name = mode.drill.split("::")
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_alert_belongs_to_a_failure_mode() -> None:
    assert set(KINDS) - {mode.alert for mode in MODES} == {"test"}
