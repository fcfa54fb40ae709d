"""Firmquote installed as a service, as `docs/how-to/deploy.md` says, below a folder of its own and with simulators
for providers. There is no systemd under tests: `systemctl` and `journalctl` of the documents do here what the unit
says that they do."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from threading import Event
from typing import IO
from urllib.request import urlopen

from tests.docs.live_demo import COMMAND_S, DEFAULT_URL, ROOT
from tests.docs.quick import Quick, Running

from firmquote.lab import LAB_KEY
from firmquote.runtime import SystemClock

STOP_S = 15
"""TimeoutStopSec of the unit."""
CONFIG = """
providers:
  polygon: {{api_key: {{env: FIRMQUOTE_POLYGON_API_KEY}}, settings: {polygon}}}
  alphavantage: {{api_key: {{env: FIRMQUOTE_ALPHAVANTAGE_API_KEY}}, settings: {alphavantage}}}
"""
ENVIRONMENT = """
FIRMQUOTE_POLYGON_API_KEY={key}
FIRMQUOTE_ALPHAVANTAGE_API_KEY={key}
"""
SUPERVISION = re.compile(r"(?P<program>systemctl|journalctl) (?P<rest>.*)")


class Successor:
    """A process that has taken over: the service from then on, and no child of ours."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._end = os.pidfd_open(pid)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self._pid, number)

    def wait(self, timeout_s: float) -> int | None:
        """Wait until it has ended; only its parent learns its exit code. Raises TimeoutError."""
        if not select.select([self._end], [], [], timeout_s)[0]:
            raise TimeoutError
        os.close(self._end)
        return None


class Service:
    """The machine of an operator: its files, its service and a shell."""

    def __init__(self, place: Path, settings: dict[str, dict[str, str]], quick: Quick, *, real: bool) -> None:
        self.place = place
        self._quick = quick
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
            self.port, self._guard_port = one.getsockname()[1], other.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._paths = {
            DEFAULT_URL: self.url,
            "-8090": f"-{self.port}",
            "127.0.0.1:8091": f"127.0.0.1:{self._guard_port}",
            "/etc/systemd/system": f"{place}/units",
            "/etc/firmquote": f"{place}/etc",
            "/var/lib/firmquote": f"{place}/state",
            "/var/backups/firmquote": f"{place}/backups",
            "/opt/firmquote/bin:": "",  # PATH has it, or the quick one
            "/opt/firmquote": f"{place}/opt/firmquote",
            "NEW_KEY": LAB_KEY,
            "lab fault alphavantage": f"lab fault --port {settings['alphavantage']['rest_url'].rsplit(':', 1)[1]} alphavantage",
            "alpaca: {}": f"alpaca: {{settings: {json.dumps(settings['alpaca'])}}}",
        }
        self._process: Running | Successor | None = None
        self._guard: Running | None = None
        self._log: IO[bytes] = (place / "journal").open("wb")
        self._install(settings)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FIRMQUOTE_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        quick_path = os.pathsep.join([str(quick.folder), path])
        self.environ = kept | {
            "HOME": str(place),
            "FIRMQUOTE_URL": self.url,
            "FIRMQUOTE_STATE_DIR": f"{place}/state",
            "FIRMQUOTE_LAB_PORT": settings["polygon"]["rest_url"].rsplit(":", 1)[1],
            "PATH": path if real else quick_path,
            "COLUMNS": "200",
        }
        self._quick_environ = self.environ | {"PATH": quick_path}

    def _install(self, settings: dict[str, dict[str, str]]) -> None:
        for folder in ("etc", "state", "backups", "opt", "units"):
            (self.place / folder).mkdir(mode=0o700)
        for version in ("0.1.0", "0.2.0"):
            _install_version(self.place / "opt" / f"firmquote-{version}", version)
        (self.place / "opt" / "firmquote").symlink_to("firmquote-0.1.0")
        demo = (ROOT / "config" / "demo.yaml").read_text().replace("  port: 8090", f"  port: {self.port}")
        state = f"  state_dir: {self.place}/state"
        demo = demo.replace(
            "failback_after_s: 10", "failback_after_s: 10\n    switches_max: 1000"
        )  # many sections move it
        providers = {name: json.dumps(own) for name, own in settings.items()}
        text = demo.replace("  host: 127.0.0.1", f"  host: 127.0.0.1\n{state}") + CONFIG.format_map(providers)
        for name in ("live_feeds.yaml", "simulated.yaml"):
            (self.place / "etc" / name).write_text(text)
        keys = self.place / "etc" / "environment"
        keys.touch(mode=0o600)
        keys.write_text(ENVIRONMENT.format(key=LAB_KEY))

    def translate(self, text: str) -> str:
        """Return `text` with the places of the documents replaced by those of this machine."""
        for written, here in self._paths.items():
            text = text.replace(written, here)
        return re.sub(r"firmquote audit \w+", rf"\g<0> --port {self.port}", text)

    def shell(self, command: str) -> CompletedProcess[str]:
        """Run a command as an operator would."""
        return self._run(command, self.environ)

    def quick_shell(self, command: str) -> CompletedProcess[str]:
        """Run a command without the time that `firmquote` takes to start."""
        return self._run(command, self._quick_environ)

    def _run(self, command: str, environ: dict[str, str]) -> CompletedProcess[str]:
        supervision = SUPERVISION.fullmatch(command.splitlines()[-1])
        if supervision is not None:
            return self._supervise(supervision["program"], supervision["rest"].split())
        done = subprocess.run(
            ["/bin/sh", "-c", self.translate(command)],
            capture_output=True, text=True, timeout=COMMAND_S, env=environ, cwd=ROOT, check=False,
        )  # fmt: skip
        if command.endswith("firmquote restart") and done.returncode == 0:
            self._follow()
        return done

    def calm(self) -> None:
        """Go back to how it began: nothing is broken, nothing is engaged, Alpha Vantage serves."""
        if self._process is None:
            return
        (self.place / "state" / f"gateway-{self.port}" / "switches").unlink(missing_ok=True)
        status = json.loads(self._well("firmquote status --json"))
        orders = ["firmquote lab fault polygon clear"]
        orders += [f"firmquote switch release {one['name']} --reason calm" for one in status["switches"]]
        if status["health"]["active_provider"] != "alphavantage":
            orders.append("firmquote activate alphavantage --reason calm")
        stages = ["shadow", "canary", "priority", "full"]
        missing = len(stages) - 1 - stages.index(status["health"]["expansion_state"])
        orders += ["firmquote rollout promote --force --reason calm"] * missing
        for order in [*orders, "firmquote wait up=polygon --within 60s", "firmquote wait usable --within 60s"]:
            self._well(order)

    def _well(self, command: str) -> str:
        done = self.quick_shell(command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    # -- in place of systemd

    def start(self) -> None:
        """ExecStart, with EnvironmentFile."""
        keys = (self.place / "etc" / "environment").read_text().split()
        args = ["run", "--config", f"{self.place}/etc/live_feeds.yaml"]
        environ = self.environ | dict(line.split("=", 1) for line in keys)
        program = f"{self.place}/opt/firmquote/bin/firmquote"
        self._process = self._quick.start(args, environ, self._log, program)

    def _start_guard(self) -> None:
        args = ["alerts", "guard", "--config", f"{self.place}/etc/live_feeds.yaml", "--port", str(self._guard_port)]
        self._guard = self._quick.start(args, self.environ, self._log)
        begun_ns = SystemClock.monotonic_ns()
        while True:  # Type=notify: `enable --now` returns once it serves
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", self._guard_port)) == 0:
                    return
            assert SystemClock.monotonic_ns() - begun_ns < COMMAND_S * 1e9, "the guard does not serve"
            Event().wait(0.02)

    def stop(self) -> None:
        """SIGTERM, and an end in time."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            assert self._process.wait(STOP_S) in (0, None)
            self._process = None

    def _follow(self) -> None:
        """MAINPID=: the process that has taken over is the service."""
        before = self._process
        with urlopen(f"{self.url}/healthz") as answer:
            self._process = Successor(json.load(answer)["pid"])
        assert before is not None
        assert before.wait(STOP_S) in (0, None)

    def close(self) -> None:
        """Leave nothing running."""
        for process in (self._process, self._guard):
            if process is not None:
                process.send_signal(signal.SIGKILL)
                process.wait(STOP_S)
        self._log.close()

    def _supervise(self, program: str, words: list[str]) -> CompletedProcess[str]:
        verb = words[0] if program == "systemctl" else "journal"
        output = ""
        if verb in ("stop", "restart"):
            self.stop()
        if words == ["enable", "--now", "firmquote-guard"]:
            self._start_guard()
        elif verb in ("start", "restart") or words[:2] == ["enable", "--now"]:
            self.start()
        elif verb in ("reload", "kill"):
            assert self._process is not None
            self._process.send_signal(signal.SIGHUP if verb == "reload" else signal.SIGUSR1)
        elif verb in ("is-active", "status"):
            output = "active" if self._process else "inactive"
        elif verb == "journal":
            output = (self.place / "journal").read_text()
        return CompletedProcess(words, 0, output, "")


def _install_version(place: Path, version: str) -> None:
    """Make a virtual environment that holds what ours holds, and says that it is `version`."""
    ours = Path(sys.executable).resolve()
    packages = place / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    packages.mkdir(parents=True)
    (place / "bin").mkdir()
    (place / "pyvenv.cfg").write_text(f"home = {ours.parent}\n")
    (place / "bin" / "python").symlink_to(ours)
    here = sysconfig.get_path("purelib")
    told = f"import site; site.addsitedir({here!r}); import firmquote; firmquote.__version__ = {version!r}\n"
    (packages / "ours.pth").write_text(told)
    program = place / "bin" / "firmquote"
    program.write_text(f"#!{place}/bin/python\nfrom firmquote.cli import main\n\nmain()\n")
    program.chmod(0o755)


@contextmanager
def service(place: Path, quick: Quick, *, real: bool = False, started: bool = True) -> Iterator[Service]:
    """Run the simulators while the block runs, and the service as long as it is wanted.

    With `real` each command of the shell is a process from its beginning, which takes as long as it takes.
    """
    ports = [word for name in ("polygon", "alphavantage", "alpaca") for word in ("--port", f"{name}=0")]
    with (place / "lab").open("w+b") as told:
        lab = quick.start(["lab", "serve", *ports, "--json"], os.environ, told)
        try:
            installed = Service(place, _settings(place / "lab"), quick, real=real)
            try:
                if started:
                    installed.start()
                yield installed
            finally:
                installed.close()
        finally:
            lab.send_signal(signal.SIGKILL)
            lab.wait(STOP_S)


def _settings(told: Path) -> dict[str, dict[str, str]]:
    begun_ns = SystemClock.monotonic_ns()
    while not (text := told.read_text()).endswith("\n"):
        assert SystemClock.monotonic_ns() - begun_ns < COMMAND_S * 1e9
        Event().wait(0.02)
    settings: dict[str, dict[str, str]] = json.loads(text)["providers"]
    return settings
