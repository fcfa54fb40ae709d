"""How Python itself is set while a gateway runs, so that nothing holds up the event loop (docs/adr/0012)."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from firmquote.model import NS_PER_S, Clock

SWITCH_S = 100e-6
"""How long a thread that writes to the disk may keep Python from the event loop."""
NEVER = 1_000_000_000
COLLECT_NS = 300 * NS_PER_S
"""How often what lives longer is searched for cycles that nobody uses; that takes some tens of milliseconds."""


@contextmanager
def tuned() -> Iterator[None]:
    """Set Python while the block runs: threads give way soon, and only young objects are looked at as they come."""
    interval_s, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(thresholds[0], NEVER, NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval_s)


async def collect_rarely(clock: Clock) -> None:
    """Collect what lives longer, until cancelled; what there is at the start lives as long as the process."""
    gc.freeze()
    while True:
        await clock.sleep_until(clock.monotonic_ns() + COLLECT_NS)
        gc.collect()
