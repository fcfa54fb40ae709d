"""How far is a provider's clock from ours, and how late does it deliver? Told apart by a minimum filter.

What arrives is late by the difference of the clocks and by the way it took. The way is never shorter than its
shortest, so the least delay of many is the difference of the clocks and a constant; the rest is lateness.
"""

from collections import deque
from collections.abc import Iterable, Mapping

from msgspec import Struct

from firmquote.model import NS_PER_MS, NS_PER_S, Reason
from firmquote.quality.fitness import Finding

BUCKET_NS = NS_PER_S


class ClockPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a provider's clock is off."""

    window_s: int = 5
    """The least delay is taken over so many seconds in which something arrived."""
    ahead_ms_max: int = 500
    behind_ms_max: int = 1_000
    """A real-time provider whose least delay is above this is late, or its clock is behind."""
    delayed_s: int = 60
    """From here on it is not late but sells delayed data, whatever its plan says."""
    same_ms: int = 300
    """Offsets of several providers within this are one: then it is our own clock that is off."""


class MinimumFilter:
    """The least delay of the last seconds; needs no more than one number a second."""

    def __init__(self, policy: ClockPolicy) -> None:
        self._least: deque[int] = deque(maxlen=policy.window_s)
        self._second = 0

    def note(self, delays_ns: Iterable[int], *, now_ns: int) -> None:
        """Take the delays of what has arrived since the last call."""
        least = min(delays_ns, default=None)
        if least is None:
            return
        second = now_ns // BUCKET_NS
        if second != self._second:
            self._second = second
            self._least.append(least)
        else:
            self._least[-1] = min(self._least[-1], least)

    def forget(self) -> None:
        """Begin anew: another connection, or another time."""
        self._least.clear()
        self._second = 0

    def floor_ns(self) -> int | None:
        """Return the least delay; `None` while the window is not full."""
        return min(self._least) if len(self._least) == self._least.maxlen else None


class ClockVerdicts(Struct, frozen=True, kw_only=True):
    """Who is off; `own_offset_ns` where all real-time providers agree that it is us."""

    findings: dict[str, Finding]
    own_offset_ns: int | None = None


def judge_clocks(floors_ns: Mapping[str, int | None], policy: ClockPolicy) -> ClockVerdicts:
    """Judge the least delays of real-time streams.

    Where at least two of them, and all that are known, are off by the same, nobody is blamed but ourselves.
    """
    off = {name: floor for name, floor in floors_ns.items() if floor is not None and _is_off(floor, policy)}
    known = [floor for floor in floors_ns.values() if floor is not None]
    one = max(known, default=0) - min(known, default=0) <= policy.same_ms * NS_PER_MS
    if len(off) >= 2 and len(off) == len(known) and one:
        return ClockVerdicts(findings={}, own_offset_ns=sum(known) // len(known))
    return ClockVerdicts(findings={name: _finding(floor, policy) for name, floor in off.items()})


def _is_off(floor_ns: int, policy: ClockPolicy) -> bool:
    return floor_ns < -policy.ahead_ms_max * NS_PER_MS or floor_ns > policy.behind_ms_max * NS_PER_MS


def _finding(floor_ns: int, policy: ClockPolicy) -> Finding:
    seconds = abs(floor_ns) / NS_PER_S
    if floor_ns < 0:
        return Finding(Reason.CLOCK_SKEW, f"its clock is {seconds:.1f} s ahead of ours")
    if floor_ns >= policy.delayed_s * NS_PER_S:
        return Finding(Reason.DELAYED, f"everything comes {seconds:.0f} s late: this is no real-time data")
    return Finding(Reason.CLOCK_SKEW, f"everything is {seconds:.1f} s old: late, or its clock is behind ours")
