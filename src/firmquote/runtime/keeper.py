"""Puts states and audit records on the disk, in one thread of its own: nothing that acts ever waits for a disk."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog
from msgspec import Struct

from firmquote.errors import CorruptStoreError, StoreError
from firmquote.model import Clock
from firmquote.model.safety import AuditEntry, AuditPage, AuditRecord
from firmquote.store import (
    ASIDE,
    Chain,
    Verification,
    put_aside,
    read_chain,
    read_state,
    verify_chain,
    write_state,
)

AUDIT = "audit"
BACKLOG_MAX = 10_000
"""Audit records that wait for a disk that refuses; beyond it the oldest are lost, and counted."""
WAIT_S = 1.0
"""How long an answer waits for its record to be on the disk before it says that it is not."""
CLOSE_S = 3.0
PAGE_MAX = 1_000
S = TypeVar("S", bound=Struct)
_log = structlog.get_logger("firmquote")


class _Dated(Struct, frozen=True):
    at_ns: int
    record: AuditRecord


class Keeper:
    """Writes under one directory. Before `open` and after `close` everything is kept in memory only."""

    def __init__(self, clock: Clock) -> None:
        self.trouble: str | None = "not opened: nothing outlives this process"
        """Why what should be on the disk is not, or `None`."""
        self.lost = 0
        """Audit records that were never written."""
        self._clock = clock
        self._directory: Path | None = None
        self._chain: Chain | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._backlog: deque[_Dated] = deque(maxlen=BACKLOG_MAX)
        self._unsaved: dict[str, Struct] = {}
        self._written: Future[bool] | None = None

    @property
    def directory(self) -> Path | None:
        """Where everything is kept, once it is open."""
        return self._directory

    def open(self, directory: Path) -> None:
        """Keep everything in `directory` from now on.

        Raises:
            StoreError: another gateway keeps its state there, or the disk refuses.
        """
        self._directory = directory
        self._chain = Chain(directory / AUDIT, AUDIT)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")
        self.trouble = None
        if self._chain.recovered is not None:
            self.audit(
                AuditRecord(what="audit", target="trail", who="firmquote", where="start", why=self._chain.recovered)
            )
        self.flush()

    def read(self, name: str, type_: type[S]) -> S | None:
        """Return what `save` put under `name`; `None` where it never did, and before anything is open.

        Raises:
            StoreError: it cannot be read; a damaged file is put aside first, where `unreadable` finds it.
        """
        if self._directory is None:
            return None
        path = self._directory / name
        try:
            return read_state(path, type_)
        except CorruptStoreError:
            put_aside(path)
            raise

    def refuse(self, name: str, words: str) -> CorruptStoreError:
        """Put a file aside that says nothing that we understand; returns the error to raise. Raises StoreError."""
        assert self._directory is not None, "opened first"
        return CorruptStoreError(f"{put_aside(self._directory / name)}: {words}.")

    def unreadable(self) -> Mapping[str, str]:
        """Return the damaged files that were put aside and that nobody has taken away yet."""
        if self._directory is None:
            return {}
        return {
            path.name.removesuffix(ASIDE): f"{path} is what was left of it"
            for path in sorted(self._directory.glob(f"*{ASIDE}"))
        }

    def audit(self, record: AuditRecord) -> None:
        """Note what happened; `flush` or the next second puts it on the disk."""
        self.lost += len(self._backlog) == BACKLOG_MAX
        self._backlog.append(_Dated(self._clock.now_ns(), record))
        _log.info("audit", **{k: v for k, v in _fields(record) if v is not None})

    def save(self, name: str, state: Struct) -> None:
        """Let `state` replace what `name` holds; `flush` or the next second puts it on the disk."""
        self._unsaved[name] = state

    def flush(self) -> Future[bool] | None:
        """Start writing what waits; the future says whether all that waited at this moment is on the disk."""
        if self._thread is None:
            return None
        self._written = self._thread.submit(self._write)
        return self._written

    async def written(self) -> bool:
        """Write what waits and say whether it is on the disk; a disk that hangs makes this `False`, not late."""
        future = self.flush()
        if future is None:
            return False
        try:
            async with asyncio.timeout(WAIT_S):
                return await asyncio.shield(asyncio.wrap_future(future))
        except TimeoutError:
            self.trouble = f"the disk did not answer within {WAIT_S:g} s"
            return False

    def second(self) -> None:
        """Try again what could not be written."""
        if (self._backlog or self._unsaved) and (self._written is None or self._written.done()):
            self.flush()

    @property
    def pending(self) -> int:
        """Records and states that are not on the disk yet."""
        return len(self._backlog) + len(self._unsaved)

    def close(self) -> None:
        """Write what waits, as far as the disk lets us, and let another gateway have the directory."""
        future = self.flush()
        if future is None or self._thread is None or self._chain is None:
            return
        try:
            future.result(timeout=CLOSE_S)
        except TimeoutError:
            _log.error("state", trouble="the disk hangs; what was not written is lost", pending=self.pending)
            self._thread.shutdown(wait=False, cancel_futures=True)
            return
        _log.info("audit_head", n=self._chain.head.n, hash=self._chain.head.hash)
        self._thread.shutdown(wait=True)
        self._chain.close()
        self._thread = self._chain = None

    def page(self, *, after: int, limit: int) -> AuditPage:
        """Return a part of the trail; reads the disk."""
        if self._directory is None or self._chain is None:
            return AuditPage(entries=(), head_n=0, head_hash="")
        head = self._chain.head
        return AuditPage(
            entries=read_audit(self._directory, after=after, limit=min(limit, PAGE_MAX)),
            head_n=head.n,
            head_hash=head.hash,
        )

    # -- in the thread

    def _write(self) -> bool:
        assert self._directory is not None
        try:
            self._write_states(self._directory)
            self._write_audit()
        except StoreError as error:
            if self.trouble is None:
                _log.error("state", trouble=str(error))
            self.trouble = str(error)
            return False
        self.trouble = None
        return True

    def _write_states(self, directory: Path) -> None:
        for name, state in list(self._unsaved.items()):
            write_state(directory / name, state)
            if self._unsaved.get(name) is state:
                del self._unsaved[name]

    def _write_audit(self) -> None:
        assert self._chain is not None
        while self._backlog:
            first = self._backlog[0]
            self._chain.append([first.record], first.at_ns)
            if self._backlog and self._backlog[0] is first:
                self._backlog.popleft()


def read_audit(directory: Path, *, after: int, limit: int) -> tuple[AuditEntry, ...]:
    """Return audit records numbered above `after`, oldest first."""
    return tuple(
        AuditEntry(n=link.n, at_ns=link.at_ns, hash=link.hash, record=msgspec.json.decode(link.body, type=AuditRecord))
        for link in read_chain(directory / AUDIT, AUDIT, after=after, limit=limit)
    )


def verify_audit(directory: Path, *, head: str | None = None) -> Verification:
    """Verify the trail under `directory`."""
    return verify_chain(directory / AUDIT, AUDIT, head=head)


def _fields(record: AuditRecord) -> Sequence[tuple[str, str | None]]:
    return [(name, getattr(record, name)) for name in record.__struct_fields__]
