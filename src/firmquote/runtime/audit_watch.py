"""Reads the whole audit trail now and then: a trail that nobody verifies proves nothing."""

import asyncio

import structlog

from firmquote.model import NS_PER_S, Clock
from firmquote.runtime.keeper import Keeper, verify_audit
from firmquote.store import Verification

NAMED_MAX = 3
"""Problems that are written out; the rest are counted."""
_log = structlog.get_logger("firmquote")


class AuditWatch:
    """Verifies at the start and every `every_s`, in a thread: 10 ms for a thousand records of 300 bytes."""

    def __init__(self, keeper: Keeper, clock: Clock, every_s: float) -> None:
        self.trouble: str | None = None
        """What is wrong with the trail, or `None`."""
        self._keeper = keeper
        self._clock = clock
        self._every_ns = int(every_s * NS_PER_S)

    async def run(self) -> None:
        """Verify until cancelled."""
        while True:
            directory = self._keeper.directory
            if directory is not None:
                try:
                    trouble = _words(await asyncio.to_thread(verify_audit, directory))
                except OSError as error:
                    trouble = f"{error.filename} cannot be read ({error.strerror})"
                if trouble is not None and self.trouble is None:
                    _log.error("audit_broken", trouble=trouble)
                self.trouble = trouble
            pause_ns = NS_PER_S if directory is None else self._every_ns
            await self._clock.sleep_until(self._clock.monotonic_ns() + pause_ns)


def _words(found: Verification) -> str | None:
    if found.good:
        return None
    named = "; ".join(f"{p.kind}: {p.file} line {p.line}: {p.words}" for p in found.problems[:NAMED_MAX])
    more = len(found.problems) - NAMED_MAX
    return f"{named} and {more} more" if more > 0 else named
