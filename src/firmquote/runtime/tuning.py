"""How Python and the machine are set while a gateway runs: nothing holds up the event loop (docs/adr/0012)."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, Clock
from firmquote.runtime.config import MachineSection

SWITCH_S = 100e-6
"""How long a thread that writes to the disk may keep Python from the event loop."""
NEVER = 1_000_000_000
COLLECT_NS = 300 * NS_PER_S
"""How often what lives longer is searched for cycles that nobody uses; that takes some tens of milliseconds."""
PRIORITY = 1
"""The lowest that goes before everything that has none."""


@contextmanager
def tuned(machine: MachineSection) -> Iterator[None]:
    """Set what is set for a gateway, while the block runs; it runs in the event loop's thread.

    Threads give way soon, and only young objects are looked at as they come. Threads that begin meanwhile keep to the
    same processor, and have no priority.

    Raises:
        ConfigError: the machine does not allow what `machine` asks for.
    """
    interval_s, thresholds = sys.getswitchinterval(), gc.get_threshold()
    with _on_processor(machine.processor), _with_priority(wanted=machine.realtime):
        sys.setswitchinterval(SWITCH_S)
        gc.set_threshold(thresholds[0], NEVER, NEVER)
        try:
            yield
        finally:
            gc.set_threshold(*thresholds)
            sys.setswitchinterval(interval_s)


@contextmanager
def _on_processor(number: int | None) -> Iterator[None]:
    if number is None:
        yield
        return
    if sys.platform != "linux":
        raise ConfigError("machine.processor: only Linux can do that. Leave it out.")
    allowed = os.sched_getaffinity(0)
    if number not in allowed:
        there = ", ".join(map(str, sorted(allowed)))
        raise ConfigError(
            f"machine.processor: {number} is not among those that this process may use. Choose one of: {there}."
        )
    os.sched_setaffinity(0, {number})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def _with_priority(*, wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    if sys.platform != "linux":
        raise ConfigError("machine.realtime: only Linux can do that. Leave it out.")
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except PermissionError:
        raise ConfigError(
            "machine.realtime: this process may not have that. Give it CAP_SYS_NICE (docs/how-to/deploy.md), or leave "
            "machine.realtime out."
        ) from None
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameter)


async def collect_rarely(clock: Clock) -> None:
    """Collect what lives longer, until cancelled; what there is at the start lives as long as the process."""
    gc.freeze()
    while True:
        await clock.sleep_until(clock.monotonic_ns() + COLLECT_NS)
        gc.collect()
