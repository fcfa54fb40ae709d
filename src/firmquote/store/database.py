"""Open an SQLite file so that what was committed survives a crash, and say clearly why it cannot be opened.

Every file: WAL, `synchronous=FULL`, readable by its owner only, a schema version with the scripts that lead to it,
and a copy of the old file before each upgrade. Connections are in autocommit; `transaction` is the one way to write.
One `Database` belongs to one thread at a time. Several processes may share a file.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from msgspec import Struct

from firmquote.errors import (
    ConfigError,
    CorruptStoreError,
    FullDiskError,
    MissingStoreError,
    ReadOnlyStoreError,
    StoreBusyError,
    StoreError,
    StoreVersionError,
)

BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another process before it gives up with StoreBusyError."""
OWNER_ONLY = 0o600
_Value = str | int | float | bytes | None
_PRIMARY_CODE = 0xFF
_ERRORS: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_CORRUPT: (CorruptStoreError, "is damaged. Put it aside and restore the newest backup beside it"),
    sqlite3.SQLITE_NOTADB: (CorruptStoreError, "is no SQLite file. Put it aside and restore the newest backup"),
    sqlite3.SQLITE_READONLY: (ReadOnlyStoreError, "cannot be written. Give this user the right to write it"),
    sqlite3.SQLITE_PERM: (ReadOnlyStoreError, "cannot be written. Give this user the right to write it"),
    sqlite3.SQLITE_FULL: (FullDiskError, "cannot grow: the disk is full. Free some space"),
    sqlite3.SQLITE_BUSY: (StoreBusyError, "is held by another process. Find out which, e.g. with fuser"),
    sqlite3.SQLITE_LOCKED: (StoreBusyError, "is held by another connection. Find out which"),
    sqlite3.SQLITE_CANTOPEN: (MissingStoreError, "cannot be opened. See that its directory exists and is yours"),
}


class Schema(Struct, frozen=True, kw_only=True):
    """What a file holds. `scripts[n]` leads from version n to n + 1; a script that was released never changes."""

    name: str
    application_id: int
    """Written into the file's header, so that another program's database is not taken for ours."""
    scripts: tuple[str, ...]
    ways_back: tuple[str, ...] = ()
    """`ways_back[n]` undoes `scripts[n + 1]` and keeps every row: no version is released without its way back."""

    def __post_init__(self) -> None:
        """Refuse a version that nobody could leave again."""
        assert len(self.ways_back) == self.version - 1, f"{self.name}: write a way back for each script but the first"

    @property
    def version(self) -> int:
        """The version that this program writes."""
        return len(self.scripts)


class Database:
    """An open file. Every method raises a `StoreError` that names the file and the way out."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._inode = path.stat().st_ino

    def rows(self, sql: str, values: Sequence[_Value] = ()) -> list[tuple[_Value, ...]]:
        """Return all rows of a query."""
        with naming(self.path):
            return self._connection.execute(sql, values).fetchall()

    def execute(self, sql: str, values: Sequence[_Value] = ()) -> int:
        """Run one statement and return how many rows it changed; within `transaction` where it writes."""
        with naming(self.path):
            return self._connection.execute(sql, values).rowcount

    def insert(self, sql: str, values: Sequence[_Value] = ()) -> int:
        """Insert one row and return its id; within `transaction`."""
        with naming(self.path):
            return self._connection.execute(sql, values).lastrowid or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all or nothing; durable when the block has ended. No other process writes meanwhile."""
        with naming(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with naming(self.path):
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:  # on a full disk SQLite has rolled back by itself
                self._connection.execute("ROLLBACK")

    def check(self) -> None:
        """Read the whole file. Raises CorruptStoreError for damage, MissingStoreError if the file was taken away."""
        self.check_place()
        with naming(self.path):
            found = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise CorruptStoreError(
                f"{self.path}: is damaged ({'; '.join(found)}). Put it aside and restore the newest backup beside it."
            )

    def check_place(self) -> None:
        """See that the path still names the open file: a file that was deleted or replaced can be written unseen."""
        try:
            inode = self.path.stat().st_ino
        except OSError:
            inode = None
        if inode != self._inode:
            raise MissingStoreError(
                f"{self.path}: was deleted or replaced while it was open. Restore it and start again."
            )

    def back_up(self, target: Path) -> None:
        """Write a consistent copy to `target`, replacing it only when the copy is complete."""
        unfinished = target.with_name(target.name + ".unfinished")
        with naming(target):
            unfinished.unlink(missing_ok=True)
            os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
            with closing(sqlite3.connect(unfinished)) as copy:
                self._connection.backup(copy)
            unfinished.replace(target)

    def close(self) -> None:
        """Close the file; the last process to do so merges the write-ahead log."""
        self._connection.close()


def open_database(
    path: Path, schema: Schema, *, create: bool = True, busy_timeout_ms: int = BUSY_TIMEOUT_MS
) -> Database:
    """Open `path`, bring it to this program's version, and return it.

    An older file is copied to `<name>.v<N>.bak` before it is upgraded; `downgrade` is the way back.

    Raises:
        MissingStoreError: no such directory, or no such file while `create` is false.
        CorruptStoreError: damaged, no SQLite file, or another program's.
        ReadOnlyStoreError: the file or its directory cannot be written by this user.
        FullDiskError: no space left.
        StoreBusyError: another process holds it for longer than the timeout.
        StoreVersionError: a newer program wrote it.
    """
    if not path.parent.is_dir():
        raise MissingStoreError(
            f"{path}: there is no directory {path.parent}. Create it, or name another state directory."
        )
    if not create and not path.exists():
        raise MissingStoreError(f"{path}: does not exist. Restore it from a backup.")
    with naming(path), _one_opener(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
        connection = sqlite3.connect(
            path, timeout=busy_timeout_ms / 1_000, isolation_level=None, check_same_thread=False
        )
        with ExitStack() as undo:
            undo.callback(connection.close)
            database = Database(path, connection)
            _prepare(database, schema)
            undo.pop_all()
    return database


def downgrade(path: Path, schemas: Sequence[Schema], *, to: int) -> str:
    """Take the file back to version `to`, with every row, for an older program; returns what the file is.

    No gateway may have it open. It is copied to `<name>.v<N>.bak` before, N being the version that it had.

    Raises:
        ConfigError: it is none of `schemas`, or was never of that version.
        StoreError: it cannot be read or written; it is as it was.
    """
    if not path.is_file():
        raise MissingStoreError(f"{path}: does not exist. Name a file below the state directory.")
    with naming(path), _one_opener(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        database = Database(path, connection)
        owner, version = _pragma(database, "application_id"), _pragma(database, "user_version")
        schema = next((each for each in schemas if each.application_id == owner), None)
        if schema is None:
            raise ConfigError(f"{path}: is no database of Firmquote. Name one below the state directory.")
        if not 1 <= to < version <= schema.version:
            raise ConfigError(
                f"{path}: is version {version} of the {schema.name}, so it cannot go back to {to}. "
                f"This program knows versions 1 to {schema.version}."
            )
        database.back_up(path.with_name(f"{path.name}.v{version}.bak"))
        with database.transaction():
            for script in reversed(schema.ways_back[to - 1 : version - 1]):
                _run(database, script)
            database.execute(f"PRAGMA user_version={to}")
    return schema.name


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say about `path` into a StoreError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY_CODE
        kind, words = _ERRORS.get(code, (StoreError, "cannot be used. See the message and the system's log"))
        raise kind(f"{path}: {words} ({error}).") from error
    except PermissionError as error:
        kind, words = _ERRORS[sqlite3.SQLITE_READONLY]
        raise kind(f"{path}: {words} ({error.strerror}).") from error
    except OSError as error:
        full = error.errno in _FULL
        kind, words = _ERRORS[sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_CANTOPEN]
        raise kind(f"{path}: {words} ({error.strerror}).") from error


_FULL = frozenset({28, 122})
"""ENOSPC and EDQUOT."""


@contextmanager
def _one_opener(path: Path) -> Iterator[None]:
    # SQLite's busy timeout does not cover the change to WAL, and two upgrades at once would be one too many.
    descriptor = os.open(path.with_name(path.name + ".opening"), os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _prepare(database: Database, schema: Schema) -> None:
    path = database.path
    version = _pragma(database, "user_version")
    owner = _pragma(database, "application_id")
    if version > schema.version:
        raise StoreVersionError(
            f"{path}: has version {version} of the {schema.name}, and this program knows {schema.version}. "
            f"Run the newer Firmquote; or with the newer one `firmquote state downgrade {path} --to {schema.version}`, "
            "which keeps what was written since, and then this one again."
        )
    if owner != schema.application_id and (owner or version or _tables(database)):
        raise CorruptStoreError(
            f"{path}: is not a {schema.name} of Firmquote but some other database. Name another file."
        )
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA foreign_keys=ON")
    with database.transaction():  # fails at once where the file cannot be written
        database.execute(f"PRAGMA application_id={schema.application_id}")
    _check_quickly(database)
    if version == schema.version:
        return
    if version:
        database.back_up(path.with_name(f"{path.name}.v{version}.bak"))
    with database.transaction():
        for script in schema.scripts[version:]:
            _run(database, script)
        database.execute(f"PRAGMA user_version={schema.version}")


def _run(database: Database, script: str) -> None:
    for statement in filter(str.strip, script.split(";")):
        database.execute(statement)


def _check_quickly(database: Database) -> None:
    found = [str(row[0]) for row in database.rows("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise CorruptStoreError(
            f"{database.path}: is damaged ({found[0]}). Put it aside and restore the newest backup beside it."
        )


def _pragma(database: Database, name: str) -> int:
    value = database.rows(f"PRAGMA {name}")[0][0]
    assert isinstance(value, int)
    return value


def _tables(database: Database) -> int:
    count = database.rows("SELECT count(*) FROM sqlite_schema")[0][0]
    assert isinstance(count, int)
    return count
