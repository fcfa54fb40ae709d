"""By what command the process that takes over is started; that it then runs is tried by `tests/docs`."""

import os
from pathlib import Path

import pytest

from firmquote.runtime.restarting import startable

RUN = ("run", "--config", "/etc/firmquote/live_feeds.yaml")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "firmquote"
    path.write_text("#!/opt/firmquote-0.1.0/bin/python\n")
    path.chmod(0o755)
    return path


def test_a_program_that_names_its_interpreter_is_started_by_itself(program: Path) -> None:
    started = ("/opt/firmquote-0.1.0/bin/python", str(program), *RUN)
    assert startable(started) == (str(program), *RUN)


def test_an_interpreter_that_was_named_by_whoever_started_us_stays(program: Path) -> None:
    for words in (("-m", "firmquote"), ("-X", "dev", str(program)), (str(program.with_name("none")),)):
        started = ("/usr/bin/python3", *words, *RUN)
        assert startable(started) == started
    program.chmod(0o644)
    assert not os.access(program, os.X_OK)
    assert startable(("/usr/bin/python3", str(program))) == ("/usr/bin/python3", str(program))
