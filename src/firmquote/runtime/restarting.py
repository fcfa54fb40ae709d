"""Starts the process that takes over from this one: the same command again, with whatever is installed now."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from firmquote.errors import RefusedError
from firmquote.model.safety import Caller, RestartView

OPTION = "--take-over"
_MINE = "WATCHDOG_PID"
"""Says to whom the supervisor's watchdog applies; it shall apply to whoever is the main process."""
_log = structlog.get_logger("firmquote")


class Restarting:
    """Knows how this process was started."""

    def __init__(self, environ: Mapping[str, str], command: Sequence[str] | None = None) -> None:
        self._command = [*(word for word in startable(command or sys.orig_argv) if word != OPTION), OPTION]
        self._environ = {name: value for name, value in environ.items() if name != _MINE}
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None

    async def begin(self, caller: Caller) -> RestartView:
        """Start the new process. Raises RefusedError while one warms up, or where none can be started."""
        if self._process is not None and self._process.returncode is None:
            raise RefusedError(f"process {self._process.pid} is warming up already. Wait for it.")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, env=self._environ
            )
        except OSError as error:
            raise RefusedError(
                f"{self._command[0]} cannot be started ({error.strerror}). Mend the installation; this process goes on."
            ) from error
        self._watching = asyncio.create_task(self._watch(self._process))
        _log.info("restart", who=caller.who, where=caller.where, pid=self._process.pid)
        return RestartView(old_pid=os.getpid(), new_pid=self._process.pid)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        _log.error("restart", trouble=f"process {process.pid} ended with {code} before it took over; this one goes on")


def startable(command: Sequence[str]) -> Sequence[str]:
    """Return the command that starts what is installed when it is started, and not what `command` was when it began.

    A program of an installation names its interpreter in its first line, and the kernel puts that before the program's
    path, which is kept as it was typed. An upgrade moves a link of that path: the program then names another one.
    """
    named_its_interpreter = len(command) > 1 and not command[1].startswith("-") and _is_program(Path(command[1]))
    return command[1:] if named_its_interpreter else command


def _is_program(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return os.access(path, os.X_OK) and file.read(2) == b"#!"
    except OSError:
        return False
