"""The trees of the runbook lead somewhere: to a section that is there, by commands that are there."""

import re

from tests.docs.live_demo import ROOT
from typer.main import get_command

from firmquote.cli.app import app

TEXT = (ROOT / "docs" / "OPERATIONAL-RUNBOOK.md").read_text()
TREES = re.findall(r"^```text\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
HEADINGS = set(re.findall(r"^#{2,3} (.+?)\s*$", TEXT, re.MULTILINE))
WIDTH_MAX = 140


def test_every_symptom_has_a_tree_that_fits_a_terminal() -> None:
    symptoms = TEXT.split("## Symptoms", 1)[1].split("\n## ", 1)[0]
    assert len(TREES) == symptoms.count("\n### ") >= 8
    assert max(len(line) for tree in TREES for line in tree.splitlines()) <= WIDTH_MAX


def test_every_end_of_a_tree_is_a_section_or_says_what_to_do() -> None:
    ends = [end for tree in TREES for end in re.findall(r" \.{3,} (.+)$", tree, re.MULTILINE)]
    assert len(ends) > 30
    named = [name.strip() for end in ends for name in ([end] if end in HEADINGS else re.split(r"[,;]", end))]
    sections = [name for name in named if re.fullmatch(r"[A-Z][a-z ]+|[a-z]+(_[a-z]+)+", name)]
    assert len(sections) > 20
    assert [name for name in sections if name not in HEADINGS] == []


def test_every_command_of_a_tree_is_there() -> None:
    used = {command for tree in TREES for command in re.findall(r"firmquote ([a-z]+)\b", tree)}
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]  # a group
    assert used - commands - {"not"} == set()
    assert len(used) >= 8
