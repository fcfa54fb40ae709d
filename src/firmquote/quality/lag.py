"""Does a stream fall behind? The growth of its lag, which no liveness timer sees. Pure.

A lag is how much later than its own time a frame arrives. Its least value over a while holds the difference of the
clocks and the shortest way, which do not grow; what grows is a stream that delivers less than happens (a drip), and a
lag that grows by a second each second belongs to source times that stand still.
"""

from collections import deque
from itertools import takewhile

from msgspec import Struct

from firmquote.model import NS_PER_MS, NS_PER_S

WAY_NS_MAX = 250 * NS_PER_MS
"""A least lag between nothing and this may well be the way that frames take; clocks need not differ."""
SKEW_NS_MAX = 2 * NS_PER_S
"""Beyond this it is no difference of clocks but late data, and is shown as such."""
WINDOW_NS = 2 * NS_PER_S
"""The growth is the difference between the least lags of the two halves of this window."""
HORIZON_S = 4.0
"""How far ahead the growth of a lag is followed."""
POINTS_MAX = 256
FLOOR_SECONDS = 60
"""The least lag of so many seconds in which something arrived is the floor."""


class Lag(Struct, frozen=True):
    """How far a stream is behind its own best, and how fast that grows."""

    excess_ms: float = 0.0
    slope_ms_per_s: float = 0.0

    @property
    def behind_ms(self) -> float:
        """How far it is behind, and will be soon if it goes on like this."""
        return self.excess_ms + max(0.0, self.slope_ms_per_s) * HORIZON_S


class LagMeter:
    """Fed with the least lag of what arrived since the last look, by a clock that never steps."""

    def __init__(self) -> None:
        self._points: deque[tuple[int, int]] = deque(maxlen=POINTS_MAX)
        self._floors: deque[int] = deque(maxlen=FLOOR_SECONDS)
        self._second = -1

    @property
    def least_ns(self) -> int | None:
        """The least lag of the last seconds in which something arrived."""
        return min(self._floors, default=None)

    def note(self, lag_ns: int, at_ns: int) -> None:
        """Something arrived; `lag_ns` is the least lag of it."""
        self._points.append((at_ns, lag_ns))
        second = at_ns // NS_PER_S
        if second != self._second:
            self._second = second
            self._floors.append(lag_ns)
        else:
            self._floors[-1] = min(self._floors[-1], lag_ns)

    def forget(self) -> None:
        """Begin anew: another connection, another clock, or a delay of our own making."""
        self._points.clear()
        self._floors.clear()
        self._second = -1

    def lag(self, now_ns: int) -> Lag:
        """Return the lag beyond its floor and its growth; nothing while either half of the window is empty."""
        middle_ns, begin_ns = now_ns - WINDOW_NS // 2, now_ns - WINDOW_NS
        recent = list(takewhile(lambda point: point[0] >= begin_ns, reversed(self._points)))
        early = min((lag for at_ns, lag in recent if at_ns < middle_ns), default=None)
        late = min((lag for at_ns, lag in recent if at_ns >= middle_ns), default=None)
        if early is None or late is None:
            return Lag()
        excess_ns = late - min(self._floors)
        slope = (late - early) / (WINDOW_NS / 2 / NS_PER_S)
        return Lag(excess_ns / NS_PER_MS, slope / NS_PER_MS)


def clock_difference_ns(least_lag_ns: int | None) -> int:
    """Return what of a stream's lags is the difference of the clocks, by a minimum filter.

    A negative lag cannot be: the provider's clock is ahead. A least lag that is longer than any way takes is a clock
    that is behind. Between the two nobody can tell, and nothing is taken off.
    """
    if least_lag_ns is None or 0 <= least_lag_ns <= WAY_NS_MAX or abs(least_lag_ns) > SKEW_NS_MAX:
        return 0
    return least_lag_ns
