"""The one way that anything learns what time it is."""

from typing import Protocol


class Clock(Protocol):
    """Wall time, monotonic time and waiting; `runtime.clock` is the real one, `testing.ManualClock` the tests'."""

    def now_ns(self) -> int:
        """Return wall-clock time, nanoseconds since 1970-01-01 UTC; it may step."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds since an arbitrary start; it never goes back."""
        ...

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Return at `monotonic_ns` or as soon after it as the machine allows; a past moment returns at once."""
        ...
