"""The house's rules, as tests."""

import ast
import importlib
import re
from pathlib import Path

import pytest

import firmquote
from firmquote import errors

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "firmquote"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "tests" not in path.parts)
PACKAGES = sorted(path.parent for path in SOURCE.rglob("__init__.py") if "tests" not in path.parts)
LINES_MAX = 400
PROVIDER_FILES = {"README.md", "__init__.py", "config.py", "protocol.py", "symbols.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_is_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES_MAX


def test_there_is_no_drawer() -> None:
    drawers = {"utils", "util", "helpers", "common", "misc", "core", "base"}
    assert [path for path in MODULES if drawers & {path.stem, *path.relative_to(SOURCE).parts}] == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(SOURCE.parent)))
def test_the_face_of_a_package_names_what_is_there(package: Path) -> None:
    name = ".".join(package.relative_to(SOURCE.parent).parts)
    module = importlib.import_module(name)
    assert module.__doc__
    assert sorted(module.__all__) == sorted(set(module.__all__))
    assert [missing for missing in module.__all__ if not hasattr(module, missing)] == []


def test_every_provider_has_its_files() -> None:
    folders = [path for path in (SOURCE / "providers").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert len(folders) >= 3
    assert {folder.name: PROVIDER_FILES - {p.name for p in folder.iterdir()} for folder in folders} == {
        folder.name: set() for folder in folders
    }


def test_the_tree_in_errors_is_the_tree_of_errors() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert errors.__doc__ is not None
    assert set(re.findall(r"^\s+(\w+(?:Error|Violation))\b", errors.__doc__, re.MULTILINE)) == classes
    documented = set(re.findall(r"`(\w+(?:Error|Violation))`", (ROOT / "docs" / "reference" / "errors.md").read_text()))
    assert documented == classes


def test_every_reason_is_documented() -> None:
    from firmquote.model import Reason  # noqa: PLC0415 - only this test needs it

    page = (ROOT / "docs" / "reference" / "grades.md").read_text()
    assert [reason.value for reason in Reason if f"`{reason.value}`" not in page] == []


def test_no_test_sleeps() -> None:
    tests = [*(ROOT / "tests").rglob("*.py"), *SOURCE.glob("providers/*/tests/*.py")]
    assert [str(p) for p in tests if re.search(r"(asyncio|time)\.sleep\(", p.read_text())] == []


def test_what_is_silenced_says_why() -> None:
    pattern = re.compile(r"#\s*(noqa|type: ignore)(?!.*(- |# ).*\w{3})")
    silent = [
        f"{path}:{number}"
        for path in [*MODULES, *(ROOT / "tests").rglob("*.py")]
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert silent == []


def test_there_is_no_forgotten_work() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [str(path) for path in MODULES if marks.search(path.read_text())] == []


def test_nobody_catches_everything_but_who_runs_the_code_of_others() -> None:
    for path in MODULES:
        if path.relative_to(SOURCE) == Path("decision/panel.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, path
                assert ast.unparse(node.type) not in ("Exception", "BaseException"), path


def test_the_changelog_has_what_is_coming() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()


def test_the_public_face_is_small() -> None:
    assert len(firmquote.__all__) <= 20


def test_the_demo_tape_is_small_and_every_row_is_two_sided_and_uncrossed() -> None:
    from firmquote.lab import DEMO_TAPE, TapeQuote, load_tape  # noqa: PLC0415 - only this test needs it

    assert sum(path.stat().st_size for path in DEMO_TAPE.iterdir()) <= 3_000_000
    tape = load_tape()
    assert tape.symbols == ("AIG", "BAC", "IBM", "SPY")
    assert all(0 < row.bid <= row.ask for row in tape.rows if isinstance(row, TapeQuote))
    assert all(a.ts_ns <= b.ts_ns for a, b in zip(tape.rows, tape.rows[1:], strict=False))
