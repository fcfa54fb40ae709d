"""Back up and restore the state: databases through SQLite's own backup, the rest as files, all with their sums."""

import hashlib
import io
import os
import sqlite3
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from msgspec import Struct, json

from firmquote.errors import ConfigError, StoreError
from firmquote.store import SCHEMAS, downgrade

MANIFEST = "manifest.json"
_SKIPPED = (".token", "-wal", "-shm", "-journal", ".opening", ".lock", ".slot")
"""Secrets of a running process, and what belongs to an open database or a running process only."""


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds: each file with its SHA-256."""

    version: int
    files: dict[str, str]


def back_up(directory: Path, archive: Path) -> Manifest:
    """Write everything under `directory` to `archive`; the gateway may go on running.

    Raises:
        ConfigError: there is no such directory, or the archive exists.
        StoreError: a database is damaged.
    """
    if not directory.is_dir():
        raise ConfigError(f"{directory} is no directory. Name the one of serve.state_dir with --state-dir.")
    if archive.exists():
        raise ConfigError(f"{archive} exists. Choose another name, so that no backup is lost.")
    sums: dict[str, str] = {}
    unfinished = archive.with_name(archive.name + ".part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
        for path in sorted(directory.rglob("*")):
            if not path.is_file() or path.name.endswith(_SKIPPED):
                continue
            name = str(path.relative_to(directory))
            content = _copy_database(path) if path.suffix == ".sqlite" else path.read_bytes()
            sums[name] = hashlib.sha256(content).hexdigest()
            _add(tar, name, content)
        manifest = Manifest(version=1, files=sums)
        _add(tar, MANIFEST, json.encode(manifest))
    unfinished.rename(archive)
    return manifest


def restore(archive: Path, directory: Path) -> Manifest:
    """Put a backup in place of `directory`, which is kept beside it as `….before-restore`.

    Raises:
        ConfigError: no backup, a gateway runs there, or a former restore's copy is in the way.
        StoreError: the backup is damaged; nothing was changed.
    """
    directory = directory.resolve()  # with DynamicUser, systemd's StateDirectory is a link
    _check_stopped(directory)
    old = directory.with_name(directory.name + ".before-restore")
    if old.exists():
        raise ConfigError(f"{old} is in the way: an earlier restore left it. Move it elsewhere, then restore.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".restoring-") as place:
        fresh = Path(place) / "state"
        fresh.mkdir(mode=0o700)
        manifest = _unpack(archive, fresh)
        if directory.exists():
            directory.rename(old)
        fresh.rename(directory)
    return manifest


def take_back(file: Path, directory: Path, *, to: int) -> str:
    """Take a database below `directory` back to version `to`; returns what it is.

    Raises:
        ConfigError: a gateway runs there, or the file cannot go back so far.
        StoreError: it cannot be read or written; it is as it was.
    """
    _check_stopped(directory)
    return downgrade(file, SCHEMAS, to=to)


def _check_stopped(directory: Path) -> None:
    running = list(directory.glob("operator-*.token")) if directory.is_dir() else []
    if running:
        raise ConfigError(f"a gateway keeps its state in {directory} ({running[0].name}). Stop it first.")


def _copy_database(path: Path) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as copy:
        try:
            source, target = sqlite3.connect(f"file:{path}?mode=ro", uri=True), sqlite3.connect(copy.name)
            try:
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")
            finally:
                source.close()
                target.close()
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be backed up: {error}. `firmquote doctor` says what is wrong.") from error
        return Path(copy.name).read_bytes()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o600
    tar.addfile(entry, io.BytesIO(content))


def _unpack(archive: Path, place: Path) -> Manifest:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for entry in tar:
                file = tar.extractfile(entry) if entry.isfile() else None
                if file is not None:
                    found[entry.name] = file.read()
        manifest = json.decode(found.pop(MANIFEST), type=Manifest)
    except (OSError, tarfile.TarError, EOFError, KeyError, ValueError) as error:
        raise StoreError(f"{archive} is no whole backup of Firmquote ({error}). Take another one.") from error
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}
    if sums != manifest.files:
        wrong = min(set(sums.items()) ^ set(manifest.files.items()))[0]
        raise StoreError(f"{archive}: {wrong} is not as it was written. Take another backup.")
    for name, content in found.items():
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise StoreError(f"{archive}: {name} points outside. This is no backup that Firmquote made.")
        path = place / inside
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
    return manifest
