"""A clock that stands still until a test moves it."""

import asyncio
import heapq
from itertools import count

NOON_NS = 1_700_000_000_000_000_000
"""Where a ManualClock starts: a moment that no test should care about."""


class ManualClock:
    """Wall and monotonic time that advance together, by hand; sleepers wake in due order."""

    def __init__(self, now_ns: int = NOON_NS) -> None:
        self._now_ns = now_ns
        self._elapsed_ns = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    def now_ns(self) -> int:
        """Return the wall time, nanoseconds since 1970-01-01 UTC."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Return nanoseconds since this clock was made."""
        return self._elapsed_ns

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Wait until `advance` has passed `monotonic_ns`."""
        if monotonic_ns <= self._elapsed_ns:
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (monotonic_ns, next(self._order), woken))
        await woken

    def advance(self, by_ns: int) -> None:
        """Move both clocks on and wake whoever is due, in order of their due time."""
        self._now_ns += by_ns
        self._elapsed_ns += by_ns
        while self._sleepers and self._sleepers[0][0] <= self._elapsed_ns:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)

    def step_wall(self, by_ns: int) -> None:
        """Step the wall clock alone, as NTP or an operator would."""
        self._now_ns += by_ns
