"""Verifies a chain: reads every byte, names what is wrong, and where."""

import os
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from firmquote.store.sealing import GENESIS, Head, first_n, read_head, segments_of, unseal_link

PROBLEMS_MAX = 100
"""Problems that one verification names."""


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


def verify_chain(directory: Path, name: str, *, head: str | None = None) -> Verification:
    """Read every byte of a chain and say what is wrong with it, and where. `head` is a hash that was kept elsewhere."""
    stored = _stored_head(directory, name)  # first, because a gateway may go on writing while we read
    segments = segments_of(directory, name)
    walk = _Walk()
    for path in segments:
        walk.begin(path)
        with path.open("rb") as file:
            walk.read(file)
    walk.finish(stored, head)
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
        if first_n(path) > self.last.n + 1:
            self._gap(first_n(path) - 1)

    def read(self, file: BinaryIO) -> None:
        """Check every line of the segment."""
        for line in file:
            if not line.endswith(b"\n"):  # what is unfinished was never acknowledged; its head tells if it was
                return
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
        link = unseal_link(line)
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


def _stored_head(directory: Path, name: str) -> Head | None:
    try:
        file = os.open(directory / f"{name}.head", os.O_RDONLY)
    except OSError:
        return None
    try:
        return read_head(file)
    finally:
        os.close(file)
