"""The whole process stopped and continued, as by a debugger, a swapped-out machine or an operator's SIGSTOP."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.patience import PATIENCE_S

from firmquote.runtime import SystemClock

pytestmark = pytest.mark.scenario


@contextmanager
def demo(state_dir: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run the demo in a process of its own; yields it with its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "firmquote", "demo", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "HOME": str(state_dir), "XDG_STATE_HOME": str(state_dir)},
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())["url"]
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def ask(url: str) -> Any:
    with urlopen(url, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def let_pass(seconds: float) -> None:
    select.select([], [], [], seconds)


def until(url: str, kind: str, *, within_s: float, after: int = 0) -> dict[str, Any]:
    """Return the first event of a kind after that number."""
    end_ns = SystemClock.monotonic_ns() + int(within_s * 1e9)
    while SystemClock.monotonic_ns() < end_ns:
        found = [event for event in ask(f"{url}/v1/events?after={after}") if event["kind"] == kind]
        if found:
            return dict(found[0])
        let_pass(0.1)
    raise AssertionError(f"no {kind} within {within_s} s")


@pytest.mark.parametrize("seconds", [3, pytest.param(20, marks=pytest.mark.proof)])
def test_a_stopped_process_blames_nobody_but_itself_and_moves_no_role(tmp_path: Path, seconds: float) -> None:
    with demo(tmp_path) as (process, url):
        until(url, "status", within_s=PATIENCE_S)
        let_pass(4)  # the watch learns what is usual
        before = max(event["sequence"] for event in ask(f"{url}/v1/events"))
        process.send_signal(signal.SIGSTOP)
        let_pass(seconds)
        process.send_signal(signal.SIGCONT)
        stall = until(url, "stall", within_s=PATIENCE_S, after=before)
        let_pass(4)
        events = ask(f"{url}/v1/events?after={before}")
    assert stall["blame"] == "own_stall"
    assert [event for event in events if event["kind"] in ("role", "line")] == []
    assert [event for event in events if event["blame"] not in (None, "own_stall")] == []
