"""How unusual is it that nothing arrives? A φ-accrual detector over the gaps between arrivals.

After Hayashibara et al., "The φ Accrual Failure Detector", 2004: φ is minus the decimal logarithm of the chance of so
long a gap. The tail is exponential and calibrated by the 99th percentile of past gaps.
"""

from bisect import insort
from collections import deque

from msgspec import Struct

from firmquote.model import NS_PER_MS, Session

TAIL = 0.99
"""The quantile of past gaps that calibrates the tail: a gap of this length has φ = 2 (a chance of 1 in 100)."""
PHI_AT_TAIL = 2.0


class ArrivalPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is remembered of gaps."""

    gaps_kept: int = 256
    gaps_min: int = 20
    """Before this many gaps nothing is usual and nothing is silent."""
    floor_ms: int = 500
    """No shorter gap is ever suspicious."""


class _Usual:
    """The gaps of one session, in order of time and of length."""

    __slots__ = ("recent", "sorted")

    def __init__(self) -> None:
        self.recent: deque[int] = deque()
        self.sorted: list[int] = []


class ArrivalMeter:
    """The gaps between a provider's arrivals, by a clock that never steps, and how unusual the present one is.

    Each part of the day has gaps of its own: the quiet after the close says nothing of the opening.
    """

    def __init__(self, policy: ArrivalPolicy) -> None:
        self._policy = policy
        self._sessions: dict[Session, _Usual] = {}
        self._usual = _Usual()
        self._last_ns: int | None = None

    def note(self, at_ns: int) -> None:
        """Something arrived."""
        if self._last_ns is not None:
            gap_ns = at_ns - self._last_ns
            usual = self._usual
            usual.recent.append(gap_ns)
            insort(usual.sorted, gap_ns)
            if len(usual.recent) > self._policy.gaps_kept:
                usual.sorted.remove(usual.recent.popleft())
        self._last_ns = at_ns

    def forgive(self, at_ns: int) -> None:
        """Count the present gap from now: what came before was not the provider's fault."""
        if self._last_ns is not None:
            self._last_ns = at_ns

    def forget(self) -> None:
        """The connection ended; the next arrival begins no gap."""
        self._last_ns = None

    def begin(self, session: Session) -> None:
        """Another part of the day has begun: what was usual in the last one of its kind is usual again.

        Not before the opening: the last minutes of one morning say nothing of the first hours of the next.
        """
        if session is Session.PRE:
            self._sessions.pop(session, None)
        self._usual = self._sessions.setdefault(session, _Usual())

    def silent_ns(self, now_ns: int) -> int | None:
        """Return how long nothing has arrived, or `None` before the first arrival of this connection."""
        return None if self._last_ns is None else max(0, now_ns - self._last_ns)

    def usual_gap_ns(self) -> int | None:
        """Return the gap that all but one in a hundred stayed below, at least the floor; `None` with too few gaps."""
        gaps = self._usual.sorted
        if len(gaps) < self._policy.gaps_min:
            return None
        return max(gaps[min(len(gaps) - 1, int(TAIL * len(gaps)))], self._policy.floor_ms * NS_PER_MS)

    def phi(self, now_ns: int) -> float:
        """Return the suspicion: minus the decimal logarithm of the chance of so long a gap."""
        usual_ns, silent_ns = self.usual_gap_ns(), self.silent_ns(now_ns)
        if usual_ns is None or silent_ns is None:
            return 0.0
        return PHI_AT_TAIL * silent_ns / usual_ns
