"""Examines the machine and the configuration before something goes wrong, and says what to do about what it finds."""

import os
import resource
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from enum import Enum
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from firmquote.errors import ConfigError, FirmquoteError
from firmquote.runtime.config import Config, MachineSection
from firmquote.runtime.loading import build_normalizer, load_config, open_provider
from firmquote.runtime.tuning import tuned

FILES_MIN = 1024
MEMORY_MB_MIN = 256
CONNECT_S = 3.0
_MEGABYTE = 1_000_000


class Verdict(Enum):
    """What a finding means."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


class Finding(Struct, frozen=True):
    """One thing that was looked at, what was seen, and what to do about it."""

    name: str
    verdict: Verdict
    saw: str
    do: str = ""


class _Alive(Struct, frozen=True):
    """What `/healthz` answers, as far as it is looked at."""

    status: str


_alive = msgspec.json.Decoder(_Alive)


def examine(path: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Return every finding; nothing is changed."""
    findings = [_clock(), _files(), _memory()]
    try:
        config = load_config(path)
    except FirmquoteError as error:
        return [*findings, Finding("configuration", Verdict.FAIL, str(error))]
    findings.append(Finding("configuration", Verdict.OK, f"{path} is good."))
    findings.append(_port(config))
    findings += _machine(config.machine)
    findings += _state(config)
    findings += _providers(config, environ)
    return findings


def _clock() -> Finding:
    timedatectl = shutil.which("timedatectl")
    if timedatectl is None:
        return Finding("clock", Verdict.WARN, "nobody here says whether it is set.", "Run chrony or systemd-timesyncd.")
    asked = [timedatectl, "show", "--property=NTPSynchronized", "--value"]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=CONNECT_S, check=False)  # noqa: S603 - fixed
    if told.returncode != 0:
        return Finding("clock", Verdict.WARN, "nobody here says whether it is set.", "Run chrony or systemd-timesyncd.")
    if told.stdout.strip() != "yes":
        return Finding("clock", Verdict.FAIL, "it is not synchronised.", "timedatectl set-ntp true")
    return Finding("clock", Verdict.OK, "it is synchronised.")


def _files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES_MIN:
        return Finding("limits", Verdict.FAIL, f"{soft} open files allowed.", "ulimit -n 1024")
    return Finding("limits", Verdict.OK, f"{soft} open files allowed.")


def _memory() -> Finding:
    page = os.sysconf("SC_PAGE_SIZE")
    free_mb = page * os.sysconf("SC_AVPHYS_PAGES") / _MEGABYTE
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free_mb = int(line.split()[1]) / 1_000
    words = f"{free_mb:.0f} MB are available."
    if free_mb < MEMORY_MB_MIN:
        return Finding("memory", Verdict.FAIL, words, f"Free some: {MEMORY_MB_MIN} MB are the least.")
    return Finding("memory", Verdict.OK, words)


def _port(config: Config) -> Finding:
    host, port = config.serve.host, config.serve.port
    where = f"{host}:{port}"
    connection = HTTPConnection(host, port, timeout=CONNECT_S)
    try:
        connection.request("GET", "/healthz")
        alive = _alive.decode(connection.getresponse().read()).status == "alive"
    except ConnectionRefusedError:
        return Finding("port", Verdict.OK, f"{where} is free.")
    except (OSError, HTTPException, msgspec.DecodeError):  # somebody is there, and it may be us with TLS
        alive = config.serve.tls_key is not None
    finally:
        connection.close()
    if alive:
        return Finding("port", Verdict.OK, f"a gateway listens at {where}; a second one needs another serve.port.")
    return Finding(
        "port", Verdict.FAIL, f"something else listens at {where}.", "Stop it, or choose another serve.port."
    )


def _machine(machine: MachineSection) -> Iterator[Finding]:
    if machine == MachineSection():
        return
    try:
        with tuned(machine):
            yield Finding("machine", Verdict.OK, "this user may have what `machine` asks for.")
    except ConfigError as error:
        saw, _, do = str(error).partition(". ")
        yield Finding("machine", Verdict.FAIL, f"{saw}.", do)


def _state(config: Config) -> Iterator[Finding]:
    directory = Path(config.serve.state_dir).expanduser()
    if not directory.is_dir():
        yield Finding("state", Verdict.WARN, f"{directory} is not there yet.", "The first start makes it.")
        return
    mode = directory.stat().st_mode & 0o077
    if not os.access(directory, os.W_OK):
        yield Finding("state", Verdict.FAIL, f"{directory} cannot be written.", f"chown it to {os.geteuid()}.")
    elif mode:
        yield Finding("state", Verdict.WARN, f"others can look into {directory}.", f"chmod 700 {directory}")
    else:
        yield Finding("state", Verdict.OK, f"{directory} is ours alone.")
    free_mb = shutil.disk_usage(directory).free / _MEGABYTE
    enough = free_mb >= config.alerts.disk_free_mb_min
    yield Finding(
        "disk",
        Verdict.OK if enough else Verdict.FAIL,
        f"{free_mb:.0f} MB are free for the state.",
        "" if enough else f"Free some: {config.alerts.disk_free_mb_min:.0f} MB are the least.",
    )
    ledger = Path(config.budgets.ledger or directory / "budget" / "ledger.sqlite").expanduser()
    yield _ledger(ledger)


def _ledger(path: Path) -> Finding:
    if not path.exists():
        return Finding("ledger", Verdict.OK, f"{path} is not there yet; the first request makes it.")
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=CONNECT_S)
        try:
            said = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            database.close()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        return Finding("ledger", Verdict.FAIL, f"{path}: {said}.", "Restore it, or firmquote budget begin-anew.")
    return Finding("ledger", Verdict.OK, f"{path} is whole.")


def _providers(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    order = config.provider_order()
    normalizer = build_normalizer(order, config.symbols)
    for name in order:
        try:
            _, opening = open_provider(name, config, environ, normalizer)
        except FirmquoteError as error:
            saw, _, do = str(error).removeprefix(f"{name}: ").partition(". ")
            yield Finding(f"key {name}", Verdict.FAIL, f"{saw.removesuffix('.')}.", do)
            continue
        if opening.key is not None:
            yield Finding(f"key {name}", Verdict.OK, "it is there (whether it is valid shows when it is used).")
        settings = msgspec.to_builtins(opening.config, enc_hook=str)
        urls = [urlsplit(value) for value in settings.values() if isinstance(value, str)]
        ports = {"http": 80, "ws": 80, "https": 443, "wss": 443}
        for host, port in dict.fromkeys(
            (u.hostname or "", u.port or ports[u.scheme]) for u in urls if u.scheme in ports
        ):
            yield _reach(name, host, port)


def _reach(name: str, host: str, port: int) -> Finding:
    try:
        socket.create_connection((host, port), CONNECT_S).close()
    except OSError as error:
        words = f"{host}:{port} cannot be reached ({error.strerror or error})."
        return Finding(f"reach {name}", Verdict.FAIL, words, "Look at the name service, the route and the firewall.")
    return Finding(f"reach {name}", Verdict.OK, f"{host}:{port} answers.")
