"""Is a stream silent, or is the market quiet? A frozen stream raises no error, so its silence is weighed as evidence.

Two things are asked. How unusual is this gap for this provider (a φ-accrual detector, after Hayashibara et al., "The φ
Accrual Failure Detector", 2004), and did the market go on meanwhile, as the other providers saw it? A gap alone moves
nothing until it is absurd, since quiet markets have long gaps. No gap moves anything while nobody else saw a change:
then the market is quiet, closed or halted, or we are cut off ourselves.
"""

from bisect import insort
from collections import deque

from msgspec import Struct

from firmquote.model import NS_PER_MS, Price

TAIL = 0.99
"""The quantile of past gaps that calibrates the tail: a gap of this length has φ = 2 (a chance of 1 in 100)."""
PHI_AT_TAIL = 2.0


class SilencePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much evidence makes a silence."""

    gaps_kept: int = 256
    gaps_min: int = 20
    """Before this many gaps nothing is usual and nothing is silent."""
    floor_ms: int = 500
    """No shorter gap is ever suspicious."""
    phi_with_peers: float = 3.0
    """Suspicion that is enough when another provider's price has left this one's bid and ask, or streams go on."""
    peer_updates_min: int = 10
    """Updates that other streams must have brought meanwhile to count as going on."""
    moved_spreads: float = 2.0
    """How many spreads outside this one's bid and ask another's price must be."""
    phi_alone: float = 12.0
    """Suspicion that is enough when others have changed at all …"""
    alone_floor_ms: int = 5_000
    """… and the gap is at least this long."""


class ArrivalMeter:
    """The gaps between a provider's arrivals, by a clock that never steps, and how unusual the present one is."""

    def __init__(self, policy: SilencePolicy) -> None:
        self._policy = policy
        self._recent: deque[int] = deque()
        self._sorted: list[int] = []
        self._last_ns: int | None = None

    def note(self, at_ns: int) -> None:
        """Something arrived."""
        if self._last_ns is not None:
            gap_ns = at_ns - self._last_ns
            self._recent.append(gap_ns)
            insort(self._sorted, gap_ns)
            if len(self._recent) > self._policy.gaps_kept:
                self._sorted.remove(self._recent.popleft())
        self._last_ns = at_ns

    def forgive(self, at_ns: int) -> None:
        """Count the present gap from now: what came before was not the provider's fault."""
        if self._last_ns is not None:
            self._last_ns = at_ns

    def forget(self) -> None:
        """The connection ended; the next arrival begins no gap."""
        self._last_ns = None

    def relearn(self) -> None:
        """What was usual is so no more: another session has begun."""
        self._recent.clear()
        self._sorted.clear()

    def silent_ns(self, now_ns: int) -> int | None:
        """Return how long nothing has arrived, or `None` before the first arrival of this connection."""
        return None if self._last_ns is None else max(0, now_ns - self._last_ns)

    def usual_gap_ns(self) -> int | None:
        """Return the gap that all but one in a hundred stayed below, at least the floor; `None` with too few gaps."""
        if len(self._sorted) < self._policy.gaps_min:
            return None
        tail_ns = self._sorted[min(len(self._sorted) - 1, int(TAIL * len(self._sorted)))]
        return max(tail_ns, self._policy.floor_ms * NS_PER_MS)

    def phi(self, now_ns: int) -> float:
        """Return the suspicion: minus the decimal logarithm of the chance of so long a gap, on an exponential tail."""
        usual_ns, silent_ns = self.usual_gap_ns(), self.silent_ns(now_ns)
        if usual_ns is None or silent_ns is None:
            return 0.0
        return PHI_AT_TAIL * silent_ns / usual_ns


class PeerEvidence(Struct, frozen=True, kw_only=True):
    """What the other usable providers saw since this one fell silent."""

    stream_updates: int = 0
    """Updates of other streams."""
    changes: int = 0
    """Prices of polled providers that changed."""
    moved_symbols: tuple[str, ...] = ()
    """Symbols whose price elsewhere has left this provider's bid and ask."""


class Silence(Struct, frozen=True, kw_only=True):
    """A verdict with its evidence."""

    silent_ms: float
    usual_gap_ms: float
    phi: float
    because: str

    @property
    def words(self) -> str:
        """One sentence for people."""
        return (
            f"silent for {self.silent_ms / 1_000:.1f} s (usual gap {self.usual_gap_ms / 1_000:.1f} s, "
            f"suspicion {self.phi:.1f}) while {self.because}"
        )


def judge_silence(meter: ArrivalMeter, peers: PeerEvidence, policy: SilencePolicy, *, now_ns: int) -> Silence | None:
    """Return the silence that the evidence amounts to, or `None`. More evidence never makes it less.

    `now_ns` is of the clock that the meter was fed with.
    """
    phi, silent_ns, usual_ns = meter.phi(now_ns), meter.silent_ns(now_ns), meter.usual_gap_ns()
    if silent_ns is None or usual_ns is None:
        return None
    because = ""
    if phi >= policy.phi_with_peers and peers.stream_updates >= policy.peer_updates_min:
        because = f"other streams brought {peers.stream_updates} updates"
    elif phi >= policy.phi_with_peers and peers.moved_symbols:
        because = f"the price of {', '.join(peers.moved_symbols)} moved away elsewhere"
    elif phi >= policy.phi_alone and silent_ns >= policy.alone_floor_ms * NS_PER_MS:
        seen = peers.stream_updates + peers.changes
        because = f"prices changed {seen} times elsewhere" if seen else ""
    if not because:
        return None
    return Silence(silent_ms=silent_ns / NS_PER_MS, usual_gap_ms=usual_ns / NS_PER_MS, phi=phi, because=because)


def has_moved_away(price: Price, bid: Price, ask: Price, policy: SilencePolicy) -> bool:
    """Say whether `price`, seen elsewhere, lies outside bid and ask by more than the allowed spreads.

    A locked quote has no spread to measure by: a hundredth of a percent of the price stands in.
    """
    spread = max(ask - bid, ask * 1e-4)
    return price < bid - policy.moved_spreads * spread or price > ask + policy.moved_spreads * spread
