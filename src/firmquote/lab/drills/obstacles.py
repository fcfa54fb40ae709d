"""What stands in the way while a switch is pulled: databases, disks and providers that do not answer."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path

from msgspec import Struct

from firmquote.lab.firehose import Firehose
from firmquote.runtime.switching import STATE

_NEW = f".{STATE}.new"
"""What the state of the switches is written to before it takes its place."""


class Obstacle(Struct, frozen=True):
    """A name and how to put it in the way; it is gone when the block ends."""

    name: str
    stand: Callable[[Path, Firehose], AbstractContextManager[object]]
    persists: bool = True
    """Whether the order can still be written down."""


@contextmanager
def locked_databases(directory: Path, _: Firehose) -> Iterator[None]:
    """Hold every database below the directory, as a backup that never ends would."""
    connections = [sqlite3.connect(path, isolation_level=None) for path in directory.rglob("*.sqlite")]
    try:
        for connection in connections:
            connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        for connection in connections:
            with closing(connection):
                connection.rollback()


@contextmanager
def full_disk(directory: Path, _: Firehose) -> Iterator[None]:
    """Let every write of the state answer ENOSPC."""
    places = [path / _NEW for path in directory.glob("gateway-*")]
    for place in places:
        place.symlink_to("/dev/full")
    try:
        yield
    finally:
        for place in places:
            place.unlink(missing_ok=True)


@contextmanager
def hanging_disk(directory: Path, _: Firehose) -> Iterator[None]:
    """Let every write of the state wait for ever: nobody reads the pipe that it goes into."""
    places = [path / _NEW for path in directory.glob("gateway-*")]
    for place in places:
        os.mkfifo(place)
    try:
        yield
    finally:
        for place in places:
            with suppress(OSError):
                os.close(os.open(place, os.O_RDONLY | os.O_NONBLOCK))  # whoever waits for a reader goes on
            place.unlink(missing_ok=True)


@contextmanager
def hanging_provider(_: Path, hose: Firehose) -> Iterator[None]:
    """Stop the provider's process with its connection open."""
    hose.pause()
    try:
        yield
    finally:
        hose.resume()


OBSTACLES = (
    Obstacle("nothing in the way", lambda _, __: nullcontext()),
    Obstacle("database locked", locked_databases),
    Obstacle("disk full", full_disk, persists=False),
    Obstacle("disk hangs", hanging_disk, persists=False),
    Obstacle("provider hangs", hanging_provider),
)
