"""The links of a chain and the files that they stand in: what the writer, the reader and the verifier agree on."""

import os
import re
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

GENESIS = "0" * 64
"""What the first link continues."""
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


def seal_link(link: Link) -> tuple[bytes, str]:
    """Return the line of a link, and its hash."""
    fields = msgspec.json.encode({"n": link.n, "at_ns": link.at_ns, "prev": link.prev, "body": link.body})[:-1]
    digest = sha256(fields).hexdigest()
    return fields + b',"hash":"' + digest.encode() + b'"}\n', digest


def unseal_link(line: bytes) -> Link | None:
    """Return the link of a line without its end, or `None` where it does not fit its own hash."""
    seal = _SEAL.search(line)
    if seal is None or sha256(line[: seal.start()]).hexdigest().encode() != seal["hash"]:
        return None
    try:
        return msgspec.json.decode(line, type=Link)
    except msgspec.MsgspecError:
        return None


def segment_path(directory: Path, name: str, first_n: int) -> Path:
    """Return where the segment is that begins with link `first_n`."""
    return directory / f"{name}-{first_n:012d}.jsonl"


def segments_of(directory: Path, name: str) -> list[Path]:
    """Return all segments, oldest first."""
    return sorted(path for path in directory.glob(f"{name}-*.jsonl") if path.stem[len(name) + 1 :].isdigit())


def first_n(path: Path) -> int:
    """Return the number of a segment's first link, by its name."""
    return int(path.stem.rpartition("-")[2])


def read_head(file: int) -> Head | None:
    """Return what an open head file says, or `None`."""
    try:
        return msgspec.json.decode(os.pread(file, 512, 0), type=Head | None)
    except msgspec.MsgspecError:
        return None
