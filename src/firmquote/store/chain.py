"""An append-only log that shows when somebody touched it: JSON lines, each sealed with the hash of the one before.

    <directory>/<name>-000000000001.jsonl    segments, named after the number of their first link
    <directory>/<name>.head                  number and hash of the last link: what truncation cannot take along

A line is `{"n":…,"at_ns":…,"prev":…,"body":{…},"hash":…}`; `hash` is the SHA-256 of the line's bytes before it, and
`prev` the hash of the link before. Links are on the disk before `append` returns. Nothing is ever deleted here.
Whoever can rewrite every file can forge a whole chain: keep a head elsewhere and give it to `verify_chain`.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Raw, Struct

from firmquote.errors import StoreError
from firmquote.store.sealing import (
    GENESIS,
    Head,
    Link,
    first_n,
    read_head,
    seal_link,
    segment_path,
    segments_of,
    unseal_link,
)

SEGMENT_BYTES_MAX = 8 * 1024 * 1024
"""A segment that has reached this size is followed by a new one."""


class Sealed(Struct, frozen=True):
    """A line that is ready to be written, and the end of the chain that it makes."""

    line: bytes
    head: Head


class Chain:
    """The one writer of a chain. Not for several threads; every method may wait for the disk."""

    def __init__(self, directory: Path, name: str, *, segment_bytes_max: int = SEGMENT_BYTES_MAX) -> None:
        """Open the chain, or begin it. What a crash left half-written was never acknowledged and is cut off.

        Damage is no reason to refuse: the chain goes on after its head, and `verify_chain` keeps showing the hole.

        Raises:
            StoreError: another process writes it, or the disk refuses.
        """
        self.recovered: str | None = None
        """What was found unfinished or damaged when it was opened."""
        self._directory = directory
        self._name = name
        self._segment_bytes_max = segment_bytes_max
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._head_file = os.open(directory / f"{name}.head", os.O_RDWR | os.O_CREAT, 0o600)
            self._lock()
            self.head = self._recover()
            _write_head(self._head_file, self.head)  # its block is there from now on, however full the disk gets
            segments = segments_of(directory, name)
            self._open_segment(segments[-1] if segments else segment_path(directory, name, 1))
        except OSError as error:
            raise _refused(directory, name, "opened", error) from error

    def append(self, bodies: Sequence[Struct], at_ns: int) -> Head:
        """Seal `bodies`, in order, and return the new head once they are on the disk, all of them or none.

        Raises:
            StoreError: the disk refuses; the chain is as it was before.
        """
        return self.write(self.seal(bodies, at_ns))

    def seal(self, bodies: Sequence[Struct], at_ns: int, *, after: Head | None = None) -> list[Sealed]:
        """Return `bodies` as the links that follow `after`, or the chain's end. The disk is not touched."""
        head, sealed = after or self.head, []
        for body in bodies:
            link = Link(n=head.n + 1, at_ns=at_ns, prev=head.hash, body=Raw(msgspec.json.encode(body)))
            line, digest = seal_link(link)
            head = Head(link.n, digest)
            sealed.append(Sealed(line, head))
        return sealed

    def write(self, sealed: Sequence[Sealed]) -> Head:
        """Append what was sealed last, and return the new head once it is on the disk, all of it or nothing.

        Raises:
            StoreError: the disk refuses; the chain is as it was before.
        """
        head = sealed[-1].head if sealed else self.head
        try:
            if self._size >= self._segment_bytes_max:
                full = self._file
                self._open_segment(segment_path(self._directory, self._name, self.head.n + 1))
                os.close(full)
            self._write(b"".join([each.line for each in sealed]), head)
        except OSError as error:
            raise _refused(self._directory, self._name, "written", error) from error
        self.head = head
        return head

    def close(self) -> None:
        """Let another writer have it."""
        os.close(self._file)
        os.close(self._head_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._head_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._head_file)
            raise StoreError(
                f"{self._directory / self._name}: another process writes this log. "
                "Stop the other gateway, or give this one its own serve.state_dir."
            ) from None

    def _recover(self) -> Head:
        head = read_head(self._head_file)
        segments = segments_of(self._directory, self._name)
        if not segments:
            return head or Head(0, GENESIS)
        torn = _cut_torn_line(segments[-1])
        if torn:
            self.recovered = f"{torn} bytes of an unfinished line were cut off {segments[-1].name}"
        last = _last_link(segments[-1])
        if last is not None and (head is None or last.n >= head.n):
            return Head(last.n, last.hash)
        never_written = last is None and head is not None and head.n == 0
        if not never_written:
            self.recovered = f"{segments[-1].name} does not end where its head says; it goes on after the head"
        return head or Head(0, GENESIS)

    def _open_segment(self, path: Path) -> None:
        new = not path.exists()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._file).st_size
        if new:
            _sync_directory(self._directory)

    def _write(self, data: bytes, head: Head) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            os.fdatasync(self._file)
            _write_head(self._head_file, head)
        except OSError:
            with contextlib.suppress(OSError):  # if even this fails, opening it again cuts the torn line off
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)


def read_chain(directory: Path, name: str, *, after: int = 0, limit: int = 1_000) -> list[Link]:
    """Return up to `limit` links numbered above `after`, oldest first; lines that cannot be read are left out."""
    segments = segments_of(directory, name)
    wanted = [path for path, following in zip(segments, [*segments[1:], None], strict=True)
              if following is None or first_n(following) > after + 1]  # fmt: skip
    found: list[Link] = []
    for path in wanted:
        with path.open("rb") as file:
            for line in file:
                link = unseal_link(line.rstrip(b"\n"))
                if link is not None and link.n > after:
                    found.append(link)
                    if len(found) == limit:
                        return found
    return found


def find_links(directory: Path, name: str, containing: bytes, *, until: int | None = None) -> Iterator[Link]:
    """Yield the links with these bytes in them, newest first; lines that cannot be read are left out.

    With `until`, segments that begin after that number are passed over. A line is unsealed only where the bytes are.
    """
    for path in reversed(segments_of(directory, name)):
        if until is not None and first_n(path) > until:
            continue
        data = path.read_bytes()
        begin = len(data)
        while (place := data.rfind(containing, 0, begin)) >= 0:
            begin = data.rfind(b"\n", 0, place) + 1
            end = data.find(b"\n", place)
            link = unseal_link(data[begin:end]) if end >= 0 else None  # a line without its end is being written
            if link is not None:
                yield link


def read_back(directory: Path, name: str) -> Iterator[Link]:
    """Yield the links from the newest on, a segment at a time; lines that cannot be read are left out."""
    for path in reversed(segments_of(directory, name)):
        links = map(unseal_link, reversed(path.read_bytes().splitlines()))
        yield from (link for link in links if link is not None)


def _cut_torn_line(path: Path) -> int:
    with path.open("r+b") as file:
        data = file.read()
        torn = len(data) - (data.rfind(b"\n") + 1)
        if torn:
            file.truncate(len(data) - torn)
            os.fsync(file.fileno())
    return torn


def _last_link(path: Path) -> Link | None:
    lines: Iterator[bytes] = reversed(path.read_bytes().splitlines())
    return next((link for link in map(unseal_link, lines) if link is not None), None)


def _write_head(file: int, head: Head) -> None:
    # One small write at one place: within a sector, so no crash leaves half of it.
    os.pwrite(file, msgspec.json.encode(head).ljust(127) + b"\n", 0)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(directory: Path, name: str, verb: str, error: OSError) -> StoreError:
    return StoreError(
        f"{directory / name}: the log cannot be {verb} ({error.strerror}). Give it room and rights, then start again."
    )
