"""A wall clock that does not step: when the machine's does, nothing here suddenly looks an hour old, or fresh again.

Time is the monotonic clock and an offset. When the wall clock steps, the offset stays until there is a reason to
believe the new time: the providers' times fit it better, or no provider is there to tell.
"""

from collections.abc import Iterable

from msgspec import Struct

from firmquote.model import NS_PER_MS, NS_PER_S, Clock

STEP_MIN_NS = 200 * NS_PER_MS
"""Below this the two clocks may drift apart, as they do; it is made good without a word."""
NEAR_NS = NS_PER_S
"""Quotes come so soon after their own time where both clocks are right."""


class ClockStep(Struct, frozen=True):
    """The wall clock moved by `by_ns` against the monotonic one."""

    by_ns: int
    adopted: bool
    words: str


class SteadyClock:
    """Implements `Clock` over another one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_ns = clock.now_ns() - clock.monotonic_ns()
        self._known_ns = 0
        """The step that was last told of and not adopted."""
        self.monotonic_ns = clock.monotonic_ns
        self.sleep_until = clock.sleep_until
        self.steps = 0

    def now_ns(self) -> int:
        """Return the time by the offset in use."""
        return self.monotonic_ns() + self._offset_ns

    def look(
        self, floors_ns: Iterable[int], *, from_the_future: bool, somebody_may_tell: bool = False
    ) -> ClockStep | None:
        """Compare with the wall; returns a step when one is seen, and again if it is adopted later.

        `floors_ns` are the least delays of the streams by this clock; `from_the_future` says that quotes are refused
        because they seem to come from there; `somebody_may_tell` that streams speak whose delays are not yet known.
        """
        by_ns = self._clock.now_ns() - self.now_ns()
        if abs(by_ns) < STEP_MIN_NS:
            self._offset_ns += by_ns
            self._known_ns = 0
            return None
        new = abs(by_ns - self._known_ns) >= STEP_MIN_NS
        self.steps += new
        self._known_ns = by_ns
        seconds = f"our clock stepped by {by_ns / NS_PER_S:+.1f} s"
        floors = list(floors_ns)
        waits = somebody_may_tell and not floors and not from_the_future
        why = None if waits else _why_adopt(by_ns, floors, from_the_future=from_the_future)
        if why is not None:
            self._offset_ns += by_ns
            self._known_ns = 0
            return ClockStep(by_ns, adopted=True, words=f"{seconds}; the new time is taken: {why}")
        if new:
            return ClockStep(by_ns, adopted=False, words=f"{seconds}; ignored unless the providers' times fit it")
        return None


def _why_adopt(by_ns: int, floors_ns: list[int], *, from_the_future: bool) -> str | None:
    if from_the_future and by_ns > 0:
        return "quotes come from the future by the old one"
    if not floors_ns:
        return "no stream tells another"
    if all(_is_near(floor + by_ns) and not _is_near(floor) for floor in floors_ns):
        return "the providers' times fit it"
    return None


def _is_near(floor_ns: int) -> bool:
    return abs(floor_ns) <= NEAR_NS
