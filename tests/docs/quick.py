"""A `firmquote` for shells that answers at once: each command is a process of its own, forked from one that has
imported everything already. Documents hold some hundred commands, and starting Python takes longer than most of them.

`with quick_firmquote(folder) as quick` puts `folder/firmquote` there, and `quick.start` starts one that goes on
running; `python quick.py PATH` is the process that forks.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

MESSAGE_BYTES_MAX = 180_000
CRASHED = 70
COMMAND_S = 120
COMMAND = """#!{python} -IS
import json, os, socket, sys
there = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
there.connect({path!r})
socket.send_fds(there, [json.dumps([["firmquote", *sys.argv[1:]], os.getcwd(), dict(os.environ)]).encode()], [0, 1, 2])
there.recv(16)
sys.exit(int(there.recv(16) or {crashed}))
"""


class Running:
    """A process that was started and goes on."""

    def __init__(self, there: socket.socket) -> None:
        self._there = there
        self.pid = int(there.recv(16))

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> int:
        """Wait until it has ended, and return its exit code. Raises TimeoutError."""
        self._there.settimeout(timeout_s)
        with self._there:
            return int(self._there.recv(16) or CRASHED)


class Quick:
    """Where the process that forks listens, and the folder with the command."""

    def __init__(self, folder: Path, path: str) -> None:
        self.folder = folder
        self._path = path

    def __call__(self, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with no setting of ours but `environ`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FIRMQUOTE_")}
        env = kept | {"COLUMNS": "200"} | environ
        command = [str(self.folder / "firmquote"), *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, env=env, check=False)

    def start(
        self, args: Sequence[str], environ: Mapping[str, str], output: IO[bytes], program: str = "firmquote"
    ) -> Running:
        """Start a command that goes on running, and that thinks that it is `program`."""
        there = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        there.connect(self._path)
        with Path(os.devnull).open("rb") as nothing:
            ends = [nothing.fileno(), output.fileno(), output.fileno()]
            socket.send_fds(there, [json.dumps([[program, *args], str(Path.cwd()), dict(environ)]).encode()], ends)
            return Running(there)


@contextmanager
def quick_firmquote(folder: Path) -> Iterator[Quick]:
    """Let `folder/firmquote` work while the block runs."""
    with TemporaryDirectory() as short:  # a socket's path must be shorter than pytest's folders are
        path = f"{short}/s"
        command = [sys.executable, __file__, path]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == b"ready\n"
            shim = folder / "firmquote"
            shim.write_text(COMMAND.format(python=sys.executable, path=path, crashed=CRASHED))
            shim.chmod(0o700)
            yield Quick(folder, path)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()


def _serve(path: str) -> None:
    from typer.testing import CliRunner  # noqa: PLC0415 - only the process that forks needs all this

    from firmquote.cli.app import app  # noqa: PLC0415 - as above

    for name in ("cli.show", "cli.show_budget", "runtime.doctor", "runtime.state_backup"):
        import_module(f"firmquote.{name}")  # what commands import when they are called
    CliRunner().invoke(app, ["switch", "--help"])  # typer imports the most of itself with its first command
    gc.freeze()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(path)
    listening.listen(16)
    os.write(1, b"ready\n")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for them: who asked gets their exit codes
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _become(connection)
        connection.close()


def _become(connection: socket.socket) -> None:
    from firmquote.cli import main  # noqa: PLC0415 - imported by now

    message, ends, _, _ = socket.recv_fds(connection, MESSAGE_BYTES_MAX, 3)
    args, folder, environ = json.loads(message)
    for number, end in enumerate(ends):
        os.dup2(end, number)
    connection.send(str(os.getpid()).encode())
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = args
    sys.orig_argv = [sys.executable, *args]  # as the kernel makes it of a program's first line
    code: object = 0
    try:
        main()
    except SystemExit as exit_:
        code = exit_.code
    except BaseException:  # noqa: BLE001 - whatever it is, whoever asked must see it
        traceback.print_exc()
        code = CRASHED
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send(str(code if isinstance(code, int) else int(code is not None)).encode())
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
