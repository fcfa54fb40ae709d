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
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
from msgspec import Raw, Struct

from firmquote.errors import StoreError

SEGMENT_BYTES_MAX = 8 * 1024 * 1024
"""A segment that has reached this size is followed by a new one."""
PROBLEMS_MAX = 100
"""Problems that one verification names; it says when there were more."""
GENESIS = "0" * 64
_SEAL = re.compile(rb',"hash":"(?P<hash>[0-9a-f]{64})"\}\Z')


class Link(Struct, frozen=True, kw_only=True):
    """One record of a chain."""

    n: int
    at_ns: int
    prev: str
    body: Raw
    hash: str = ""


class Head(Struct, frozen=True):
    """The end of a chain: the number and the hash of its last link."""

    n: int
    hash: str


class ChainProblem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong, and where."""

    kind: str
    """`edited`, `missing`, `reordered`, `broken`, `truncated` or `head`."""
    file: str
    line: int
    n: int | None
    words: str


class Verification(Struct, frozen=True, kw_only=True):
    """What a verification found. `good` only without any problem."""

    good: bool
    links: int
    segments: int
    head_n: int
    head_hash: str
    problems: tuple[ChainProblem, ...]


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
            segments = _segments(directory, name)
            self._open_segment(segments[-1] if segments else _segment(directory, name, 1))
        except OSError as error:
            raise _refused(directory, name, "opened", error) from error

    def append(self, bodies: Sequence[Struct], at_ns: int) -> Head:
        """Seal `bodies`, in order, and return the new head once they are on the disk, all of them or none.

        Raises:
            StoreError: the disk refuses; the chain is as it was before.
        """
        head, lines = self.head, []
        for body in bodies:
            link = Link(n=head.n + 1, at_ns=at_ns, prev=head.hash, body=Raw(msgspec.json.encode(body)))
            line, digest = _seal(link)
            head = Head(link.n, digest)
            lines.append(line)
        try:
            if self._size >= self._segment_bytes_max:
                full = self._file
                self._open_segment(_segment(self._directory, self._name, self.head.n + 1))
                os.close(full)
            self._write(b"".join(lines), head)
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
        head = _read_head(self._head_file)
        segments = _segments(self._directory, self._name)
        if not segments:
            return head or Head(0, GENESIS)
        torn = _cut_torn_line(segments[-1])
        if torn:
            self.recovered = f"{torn} bytes of an unfinished line were cut off {segments[-1].name}"
        last = _last_link(segments[-1])
        if last is not None and (head is None or last.n >= head.n):
            return Head(last.n, last.hash)
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
    segments = _segments(directory, name)
    wanted = [path for path, following in zip(segments, [*segments[1:], None], strict=True)
              if following is None or _first_n(following) > after + 1]  # fmt: skip
    found: list[Link] = []
    for path in wanted:
        with path.open("rb") as file:
            for line in file:
                link = _unseal(line.rstrip(b"\n"))
                if link is not None and link.n > after:
                    found.append(link)
                    if len(found) == limit:
                        return found
    return found


def verify_chain(directory: Path, name: str, *, head: str | None = None) -> Verification:
    """Read every byte of a chain and say what is wrong with it, and where. `head` is a hash that was kept elsewhere."""
    segments = _segments(directory, name)
    walk = _Walk()
    for path in segments:
        walk.begin(path)
        with path.open("rb") as file:
            walk.read(file)
    walk.finish(_stored_head(directory, name), head)
    problems = tuple(walk.problems[:PROBLEMS_MAX])
    return Verification(
        good=not problems,
        links=walk.links,
        segments=len(segments),
        head_n=walk.last.n,
        head_hash=walk.last.hash,
        problems=problems,
    )


class _Walk:
    """One pass over all lines; after a problem it goes on from what it found, so that each is named once."""

    def __init__(self) -> None:
        self.problems: list[ChainProblem] = []
        self.links = 0
        self.last = Head(0, GENESIS)
        self._hashes: dict[str, int] = {}
        self._gaps: list[tuple[int, int, str, int]] = []
        self._file = ""
        self._line = 0
        self._trusted = True

    def begin(self, path: Path) -> None:
        """Enter a segment."""
        self._file, self._line = path.name, 0
        if _first_n(path) > self.last.n + 1:
            self._gap(_first_n(path) - 1)

    def read(self, file: BinaryIO) -> None:
        """Check every line of the segment."""
        for line in file:
            if line.endswith(b"\n"):  # what is unfinished was never acknowledged; its head tells if it was
                self._line += 1
                self.links += 1
                self._check(line[:-1])

    def finish(self, stored: Head | None, kept: str | None) -> None:
        """Compare with the head, and name the holes that nothing out of place filled."""
        for first, last, file, line in self._gaps:
            self.problems.append(
                ChainProblem(
                    kind="missing", file=file, line=line, n=first, words=f"links {first} to {last} are missing"
                )
            )
        if stored is None and self.links:
            self._note("head", None, "the head file is missing or unreadable")
        elif stored is not None and stored.n > self.last.n:
            self._note("truncated", self.last.n + 1, f"ends at link {self.last.n}; its head says {stored.n}")
        elif stored is not None and stored.n == self.last.n and stored.hash != self.last.hash and self._trusted:
            self._note("head", stored.n, "the last link is not the one of its head")
        if kept is not None and kept not in self._hashes:
            self._note("head", None, "no link has the hash that was kept elsewhere: the chain was rewritten or cut")

    def _check(self, line: bytes) -> None:
        expected = self.last.n + 1
        link = _unseal(line)
        if link is None:
            self._note("edited", expected, f"link {expected} does not fit its own hash")
            self.last, self._trusted = Head(expected, GENESIS), False
            return
        self._hashes[link.hash] = link.n
        if link.n < expected:
            self._out_of_place(link.n)
            return
        if link.n > expected:
            self._gap(link.n - 1)
        elif self._trusted and link.prev != self.last.hash:
            self._note("broken", link.n, f"link {link.n} does not continue link {link.n - 1}")
        self.last, self._trusted = Head(link.n, link.hash), True

    def _gap(self, until: int) -> None:
        self._gaps.append((self.last.n + 1, until, self._file, self._line))
        self.last, self._trusted = Head(until, GENESIS), False

    def _out_of_place(self, n: int) -> None:
        self._note("reordered", n, f"link {n} stands after link {self.last.n}")
        for index, (first, last, file, line) in enumerate(self._gaps):
            if first <= n <= last:
                parts = [(first, n - 1, file, line), (n + 1, last, file, line)]
                self._gaps[index : index + 1] = [part for part in parts if part[0] <= part[1]]
                return

    def _note(self, kind: str, n: int | None, words: str) -> None:
        self.problems.append(ChainProblem(kind=kind, file=self._file, line=self._line, n=n, words=words))


def _seal(link: Link) -> tuple[bytes, str]:
    fields = msgspec.json.encode({"n": link.n, "at_ns": link.at_ns, "prev": link.prev, "body": link.body})[:-1]
    digest = sha256(fields).hexdigest()
    return fields + b',"hash":"' + digest.encode() + b'"}\n', digest


def _unseal(line: bytes) -> Link | None:
    seal = _SEAL.search(line)
    if seal is None or sha256(line[: seal.start()]).hexdigest().encode() != seal["hash"]:
        return None
    try:
        return msgspec.json.decode(line, type=Link)
    except msgspec.MsgspecError:
        return None


def _segment(directory: Path, name: str, first_n: int) -> Path:
    return directory / f"{name}-{first_n:012d}.jsonl"


def _segments(directory: Path, name: str) -> list[Path]:
    return sorted(path for path in directory.glob(f"{name}-*.jsonl") if path.stem[len(name) + 1 :].isdigit())


def _first_n(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


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
    return next((link for link in map(_unseal, lines) if link is not None), None)


def _read_head(file: int) -> Head | None:
    try:
        return msgspec.json.decode(os.pread(file, 512, 0), type=Head | None)
    except msgspec.MsgspecError:
        return None


def _stored_head(directory: Path, name: str) -> Head | None:
    try:
        file = os.open(directory / f"{name}.head", os.O_RDONLY)
    except OSError:
        return None
    try:
        return _read_head(file)
    finally:
        os.close(file)


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
