"""The real clock: the one module that reads time and sleeps."""

import asyncio
import time


class SystemClock:
    """The machine's wall and monotonic clocks."""

    now_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Return at `monotonic_ns`, or at once when that has passed (after letting others run)."""
        await asyncio.sleep(max(0, monotonic_ns - time.monotonic_ns()) / 1e9)
