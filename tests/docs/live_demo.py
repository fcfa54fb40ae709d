"""A demo in a process of its own, as an operator starts it, and a shell beside it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
DEFAULT_URL = "http://127.0.0.1:8090"
COMMAND_S = 120
DEMO = (sys.executable, "-m", "firmquote", "demo", "--port", "0", "--json")
MAKE_INTERRUPTED = (2, -signal.SIGINT)
"""What make ends with when its demo has ended well, by who of them heard of Ctrl-C first."""
NOT_RUNNING = 5


class LiveDemo:
    """Runs commands in a shell that is set up as the documents say."""

    def __init__(self, started: dict[str, str], home: Path, programs: Path | None) -> None:
        self.url = started["url"]
        self.home = home
        self.lab = started
        self.lab_port = started["polygon"].rsplit(":", 1)[1]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("FIRMQUOTE_")}
        first = [str(programs)] if programs else []
        self.environ = kept | {
            "HOME": str(home),
            "FIRMQUOTE_URL": self.url,
            "FIRMQUOTE_LAB_PORT": self.lab_port,
            "FIRMQUOTE_POLYGON_API_KEY": "a-key-that-is-never-sent",
            "FIRMQUOTE_ALPHAVANTAGE_API_KEY": "a-key-that-is-never-sent",
            "PATH": os.pathsep.join([*first, str(Path(sys.executable).parent), os.environ["PATH"]]),
            "COLUMNS": "200",
        }

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line in the project's folder; the address of the documents is that of this demo."""
        line = command.replace(DEFAULT_URL, self.url).replace(".venv/bin/firmquote", "firmquote")
        line = line.replace("-8090.token", f"-{self.url.rsplit(':', 1)[1]}.token")
        return subprocess.run(
            ["/bin/sh", "-c", line],
            capture_output=True, text=True, timeout=COMMAND_S, env=self.environ, cwd=ROOT, check=False,
        )  # fmt: skip


@contextmanager
def live_demo(home: Path, command: Sequence[str] = DEMO, *, programs: Path | None = None) -> Iterator[LiveDemo]:
    """Run a demo with its own home while the block runs; its shell looks for commands in `programs` first."""
    log = (home / "demo.log").open("w")
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, "HOME": str(home)},
        cwd=ROOT,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        demo = LiveDemo(json.loads(process.stdout.readline()), home, programs)
        assert demo.shell(f"firmquote wait usable --within {PATIENCE_S}s").returncode == 0
        yield demo
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        assert process.wait(timeout=PATIENCE_S) in (0, *MAKE_INTERRUPTED)
        assert demo.shell("firmquote status").returncode == NOT_RUNNING
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        log.close()
