"""Long work in the event loop, done in parts: between two of them frames are read and decided on.

Work is a generator that yields wherever others may go first. A part takes about a tenth of a millisecond; that is the
longest that a quote waits for it. What time makes necessary takes at most a quarter of the time, and telling people of
it an eighth: were the parts done as fast as others let them, quotes would queue up for as long as a work lasts.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Generic, TypeAlias, TypeVar

from firmquote.model import NS_PER_MS, Clock

SHARE = 4
"""What time makes necessary has at most one part in so many of the time."""
TELLING_SHARE = 8
"""What is made for people, or for the disk, has at most one part in so many."""
REST_NS_MIN = NS_PER_MS
"""What it owes to others is paid in pieces of this size: the loop's timers are no finer."""
Work: TypeAlias = Iterator[None]
T = TypeVar("T")


class Turns(Generic[T]):
    """Lets the items of a long row take turns: at each moment the next of them, at most `at_once`."""

    def __init__(self, items: Sequence[T], at_once: int) -> None:
        self._items = items
        self._at_once = at_once
        self._first = 0
        self.rounds = 0
        """How often the first of them has had its turn."""

    def next(self) -> Sequence[T]:
        """Return those whose turn it is, in their order; all of them where they are few enough."""
        first, self._first = self._first, self._first + self._at_once
        if self._first >= len(self._items):
            self._first = 0
        self.rounds += not first
        return self._items[first : first + self._at_once]


def portions(items: Sequence[T], at_once: int) -> Iterator[Sequence[T]]:
    """Yield all of `items` in their order, at most `at_once` at a time."""
    for first in range(0, len(items), at_once):
        yield items[first : first + at_once]


async def take_turns(work: Work, clock: Clock, *, share: int = SHARE) -> None:
    """Do `work`, and give way between its parts."""
    async for _ in _paced(work, clock, share):
        pass


async def gathered(parts: Iterator[Sequence[T]], clock: Clock) -> list[T]:
    """Return what all `parts` bring together, and give way between them."""
    found: list[T] = []
    async for some in _paced(parts, clock, TELLING_SHARE):
        found += some
    return found


async def _paced(parts: Iterator[T], clock: Clock, share: int) -> AsyncIterator[T]:
    owed_ns = 0
    begun_ns = clock.monotonic_ns()
    for part in parts:
        yield part
        done_ns = clock.monotonic_ns()
        await give_way(clock)
        owed_ns = max(0, owed_ns + (share - 1) * (done_ns - begun_ns) - (clock.monotonic_ns() - done_ns))
        if owed_ns >= REST_NS_MIN:
            await clock.sleep_until(clock.monotonic_ns() + owed_ns)
            owed_ns = 0
        begun_ns = clock.monotonic_ns()


async def give_way(clock: Clock) -> None:
    """Let everybody who waits go first: one turn of the loop reads the sockets, the next decides on what was read."""
    await clock.sleep_until(0)
    await clock.sleep_until(0)


def at_once(work: Work) -> None:
    """Do all of `work` now: for those who drive time themselves."""
    for _ in work:
        pass
