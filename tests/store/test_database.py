"""SQLite files: what survives, who may share them, and what each failure says."""

import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest

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
from firmquote.store import SCHEMAS, Database, Schema, downgrade, open_database

FIRST = "CREATE TABLE note(id INTEGER PRIMARY KEY, words TEXT NOT NULL) STRICT"
SECOND = "ALTER TABLE note ADD COLUMN author TEXT; CREATE INDEX note_author ON note(author)"
ONE = Schema(name="notebook", application_id=0x46510001, scripts=(FIRST,))
BACK = "DROP INDEX note_author; ALTER TABLE note DROP COLUMN author"
TWO = Schema(name="notebook", application_id=0x46510001, scripts=(FIRST, SECOND), ways_back=(BACK,))


def write(database: Database, words: str) -> None:
    with database.transaction():
        database.insert("INSERT INTO note(words) VALUES (?)", (words,))


def notes(database: Database) -> list[object]:
    return [row[0] for row in database.rows("SELECT words FROM note ORDER BY id")]


def test_what_was_committed_is_there_after_the_file_was_opened_again(tmp_path: Path) -> None:
    database = open_database(tmp_path / "n.sqlite", ONE)
    write(database, "bought")
    database.close()
    again = open_database(tmp_path / "n.sqlite", ONE)
    assert notes(again) == ["bought"]
    assert again.rows("PRAGMA journal_mode") == [("wal",)]
    assert again.rows("PRAGMA synchronous") == [(2,)]  # FULL
    assert (tmp_path / "n.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_block_that_fails_writes_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path / "n.sqlite", ONE)

    def write_two() -> None:
        with database.transaction():
            database.insert("INSERT INTO note(words) VALUES ('lost')")
            database.insert("INSERT INTO nowhere(words) VALUES ('lost')")

    with pytest.raises(StoreError, match="no such table"):
        write_two()
    assert notes(database) == []
    write(database, "kept")
    assert notes(database) == ["kept"]


def test_an_upgrade_keeps_the_rows_and_so_does_the_way_back(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    old = open_database(path, ONE)
    write(old, "before")
    old.close()
    new = open_database(path, TWO)
    assert new.rows("SELECT words, author FROM note") == [("before", None)]
    write(new, "after")
    new.close()
    with pytest.raises(StoreVersionError, match=r"version 2 .* knows 1\. .*state downgrade .*n\.sqlite --to 1"):
        open_database(path, ONE)
    assert downgrade(path, (TWO,), to=1) == "notebook"
    older = open_database(path, ONE)
    assert notes(older) == ["before", "after"], "nothing that was written since is lost"
    older.close()
    assert open_database(path, TWO).rows("SELECT words FROM note") == [("before",), ("after",)]
    assert notes(open_database(tmp_path / "n.sqlite.v1.bak", ONE)) == ["before", "after"]


def test_a_way_back_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    write(open_database(path, TWO), "kept")
    broken = Schema(
        name="notebook", application_id=TWO.application_id, scripts=TWO.scripts, ways_back=("DROP NONSENSE",)
    )
    with pytest.raises(StoreError, match="NONSENSE"):
        downgrade(path, (broken,), to=1)
    assert notes(open_database(path, TWO)) == ["kept"]


@pytest.mark.parametrize("to", [0, 2, 3])
def test_there_is_no_way_back_to_what_it_never_was(tmp_path: Path, to: int) -> None:
    path = tmp_path / "n.sqlite"
    open_database(path, TWO).close()
    with pytest.raises(ConfigError, match=f"is version 2 of the notebook, so it cannot go back to {to}"):
        downgrade(path, (TWO,), to=to)


def test_a_file_of_another_program_is_not_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    open_database(path, TWO).close()
    with pytest.raises(ConfigError, match="no database of Firmquote"):
        downgrade(path, SCHEMAS, to=1)


@pytest.mark.parametrize("schema", [*SCHEMAS, TWO], ids=lambda schema: schema.name)
def test_every_released_version_is_reached_from_above_as_from_below(schema: Schema, tmp_path: Path) -> None:
    for to in range(1, schema.version):
        older = Schema(
            name=schema.name,
            application_id=schema.application_id,
            scripts=schema.scripts[:to],
            ways_back=schema.ways_back[: to - 1],
        )
        fresh, back = tmp_path / f"fresh{to}.sqlite", tmp_path / f"back{to}.sqlite"
        open_database(back, schema).close()
        downgrade(back, (schema,), to=to)
        described = [
            open_database(path, older).rows("SELECT name, sql FROM sqlite_schema ORDER BY 1") for path in (fresh, back)
        ]
        assert described[0] == described[1]


def test_a_version_without_a_way_back_cannot_be_released() -> None:
    with pytest.raises(AssertionError, match="write a way back"):
        Schema(name="notebook", application_id=1, scripts=(FIRST, SECOND))


def test_an_upgrade_that_fails_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    old = open_database(path, ONE)
    write(old, "before")
    old.close()
    scripts = (FIRST, "CREATE TABLE a(b); NONSENSE")
    broken = Schema(name="notebook", application_id=ONE.application_id, scripts=scripts, ways_back=("DROP TABLE a",))
    with pytest.raises(StoreError, match="NONSENSE"):
        open_database(path, broken)
    assert notes(open_database(path, ONE)) == ["before"]


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingStoreError, match="there is no directory .*nowhere"):
        open_database(tmp_path / "nowhere" / "n.sqlite", ONE)


def test_a_file_that_must_exist_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(MissingStoreError, match="does not exist"):
        open_database(tmp_path / "n.sqlite", ONE, create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"this is a letter to my mother" * 100, bytes(8192), b"SQLite format 3\x00" * 50])
def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "n.sqlite"
    path.write_bytes(content)
    with pytest.raises(CorruptStoreError, match=r"n\.sqlite: "):
        open_database(path, ONE)
    assert path.read_bytes() == content


def test_damage_in_the_middle_is_found_when_the_file_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    database = open_database(path, ONE)
    with database.transaction():
        for number in range(2_000):
            database.insert("INSERT INTO note(words) VALUES (?)", (f"note {number}",))
    database.close()
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 4] = os.urandom(4096)
    path.write_bytes(bytes(content))
    with pytest.raises(CorruptStoreError, match="is damaged"):
        open_database(path, ONE)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE mail(id)")
    other.close()
    with pytest.raises(CorruptStoreError, match="some other database"):
        open_database(path, ONE)


def test_a_file_that_was_taken_away_while_open_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    database = open_database(path, ONE)
    database.check()
    path.unlink()
    with pytest.raises(MissingStoreError, match="deleted or replaced"):
        database.check()
    open_database(path, ONE)
    with pytest.raises(MissingStoreError, match="deleted or replaced"):
        database.check_place()


def test_a_full_disk_is_said_and_the_next_write_works_once_there_is_space(tmp_path: Path) -> None:
    database = open_database(tmp_path / "n.sqlite", ONE)
    write(database, "before")
    (pages,) = database.rows("PRAGMA page_count")[0]
    assert isinstance(pages, int)
    database.execute(f"PRAGMA max_page_count={pages}")  # as a disk without one more block
    with pytest.raises(FullDiskError, match="the disk is full"):
        write(database, "x" * 100_000)
    database.execute("PRAGMA max_page_count=1000000")
    write(database, "after")
    assert notes(database) == ["before", "after"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    open_database(path, ONE).close()
    path.chmod(0o400)
    with pytest.raises(ReadOnlyStoreError, match="cannot be written"):
        open_database(path, ONE)
    path.chmod(0o600)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ReadOnlyStoreError):
            open_database(path, ONE)
    finally:
        tmp_path.chmod(0o700)


def test_a_database_that_refuses_writes_is_read_only(tmp_path: Path) -> None:
    database = open_database(tmp_path / "n.sqlite", ONE)
    database.execute("PRAGMA query_only=ON")
    with pytest.raises(ReadOnlyStoreError, match="Give this user the right"):
        write(database, "x")


def test_a_writer_that_holds_the_file_for_too_long_is_said(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    first = open_database(path, ONE)
    second = open_database(path, ONE, busy_timeout_ms=10)
    with first.transaction(), pytest.raises(StoreBusyError, match="another process"), second.transaction():
        pass
    write(second, "now")
    assert notes(first) == ["now"]


def _write_many(path: Path, author: int, count: int) -> None:
    database = open_database(path, ONE)
    for number in range(count):
        write(database, f"{author}:{number}")
    database.close()


def test_processes_that_create_and_write_one_file_together_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write_many, args=(path, author, 25)) for author in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert sorted(notes(open_database(path, ONE)), key=str) == sorted(
        f"{author}:{number}" for author in range(4) for number in range(25)
    )
