"""Connection slots: a provider that allows one stream a key must not be asked for two by two processes of ours.

A slot is a locked file. The system lets go of the lock when its process ends in whatever manner, so no slot is ever
lost, and none is taken from a process that lives. Nothing here depends on the ledger: streams go on without it.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from firmquote.store.database import OWNER_ONLY, naming


class Slot:
    """A held slot; `release` or the end of the process frees it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        """Hold it while the block runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release it."""
        self.release()


def take_slot(directory: Path, name: str, slots: int) -> Slot | None:
    """Take one of `slots` slots, or return `None` while other processes hold all of them. Raises StoreError."""
    with naming(directory):
        directory.mkdir(parents=True, exist_ok=True)
        for number in range(slots):
            path = directory / f"{name}-{number}.slot"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            return Slot(path, descriptor)
    return None


def slot_holder(directory: Path, name: str) -> str:
    """Return the id of the process that holds the first slot, as it wrote it itself, for messages."""
    try:
        return (directory / f"{name}-0.slot").read_text().strip() or "unknown"
    except OSError:
        return "unknown"
