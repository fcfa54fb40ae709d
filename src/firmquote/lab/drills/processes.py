"""Gateways in processes of their own, and who of them has the books."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from firmquote.errors import RefusedError
from firmquote.lab.simulator import LAB_KEY
from firmquote.model import NS_PER_MS, NS_PER_S, Clock
from firmquote.runtime import KEY_NAME
from firmquote.runtime.ledgers import OUTBOX_FILE
from firmquote.runtime.restarting import OPTION

START_S = 30.0
LOOK_NS = 5 * NS_PER_MS


class Process:
    """A gateway in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, said: Path) -> None:
        self.process = process
        self._said = said

    async def url(self, clock: Clock) -> str:
        """Wait until it serves. Raises RefusedError where it ends before, or takes too long."""
        deadline_ns = clock.monotonic_ns() + int(START_S * NS_PER_S)
        while not (line := first_line(self._said)):
            if self.process.returncode is not None or clock.monotonic_ns() > deadline_ns:
                raise RefusedError(f"a gateway of the drill does not serve (exit code {self.process.returncode}).")
            await clock.sleep_until(clock.monotonic_ns() + LOOK_NS)
        found: str = json.loads(line)["url"]
        return found


def first_line(path: Path) -> str:
    """Return the first line of a file, once it is whole; until then nothing."""
    line, end, _ = path.read_text().partition("\n")
    return line if end else ""


@asynccontextmanager
async def gateway_process(config: Path) -> AsyncIterator[Process]:
    """Run a gateway; it is gone when the block ends.

    What it says goes to a file: the process that takes over from it says it in the same place, and outlives it.
    """
    said = config.with_suffix(".out")
    with said.open("wb") as output, config.with_suffix(".log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "firmquote", "run", "--config", str(config), "--json"),
            stdout=output,
            stderr=errors,
            env={**os.environ, KEY_NAME: LAB_KEY},
        )
    try:
        yield Process(process, said)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def watch_books(old: Process, clock: Clock) -> int:
    """Look, until the old process has ended, who has the books open: who has them trades. Returns how often two had."""
    looks, begun_ns, pid = 0, clock.monotonic_ns(), old.process.pid
    while old.process.returncode is None and clock.monotonic_ns() - begun_ns < START_S * NS_PER_S:
        looks += sum(_holds_books(each) for each in (pid, *_children(pid))) > 1
        await clock.sleep_until(clock.monotonic_ns() + LOOK_NS)
    return looks


def _children(pid: int) -> list[int]:
    """Return the processes that were started to take over; one that was just forked off is the old one still."""
    try:
        found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return [child for child in found if OPTION.encode() in Path(f"/proc/{child}/cmdline").read_bytes()]
    except OSError:
        return []


def _holds_books(pid: int) -> bool:
    try:
        return any(entry.readlink().name == OUTBOX_FILE for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


async def end_process(pid: int, clock: Clock) -> None:
    """End a process that is not our child, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline_ns = clock.monotonic_ns() + int(START_S * NS_PER_S)
    while _lives(pid) and clock.monotonic_ns() < deadline_ns:
        await clock.sleep_until(clock.monotonic_ns() + LOOK_NS)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
