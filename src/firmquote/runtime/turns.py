"""Long work in the event loop, done in parts: between two of them frames are read and decided on.

Work is a generator that yields wherever others may go first. A part takes about a tenth of a millisecond; that is the
longest that a quote waits for it.
"""

from collections.abc import Iterator
from typing import TypeAlias

from firmquote.model import Clock

Work: TypeAlias = Iterator[None]


async def take_turns(work: Work, clock: Clock) -> None:
    """Do `work`, and give way between its parts."""
    for _ in work:
        await give_way(clock)


async def give_way(clock: Clock) -> None:
    """Let everybody who waits go first: one turn of the loop reads the sockets, the next decides on what was read."""
    await clock.sleep_until(0)
    await clock.sleep_until(0)


def at_once(work: Work) -> None:
    """Do all of `work` now: for those who drive time themselves."""
    for _ in work:
        pass
