"""One small struct in one file, replaced as a whole: after a crash at any instruction it is the old or the new one."""

import os
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from firmquote.errors import CorruptStoreError, StoreError

S = TypeVar("S", bound=Struct)
ASIDE = ".unreadable"
"""What a damaged file's name ends in once it was put aside."""


def write_state(path: Path, state: Struct) -> None:
    """Put `state` on the disk, readable by its owner only.

    Raises:
        StoreError: the disk refuses; the file is as it was.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}). Give it room and rights.") from error


def read_state(path: Path, type_: type[S]) -> S | None:
    """Return what is in `path`, or `None` where there is no such file.

    Raises:
        StoreError: it cannot be read.
        CorruptStoreError: it is damaged; what it said is not known.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}). Give this user the right to read it.") from error
    try:
        return msgspec.json.decode(text, type=type_)
    except msgspec.MsgspecError as error:
        raise CorruptStoreError(f"{path} is damaged ({error}). Put it aside; what it held is not known.") from error


def put_aside(path: Path) -> Path:
    """Give a damaged file another name, so that it is not written over; one from before is replaced.

    Raises:
        StoreError: the disk refuses.
    """
    aside = path.with_name(f"{path.name}{ASIDE}")
    try:
        return path.replace(aside)
    except OSError as error:
        raise StoreError(f"{path} is damaged and cannot be put aside ({error.strerror}).") from error
