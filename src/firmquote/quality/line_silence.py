"""Is one symbol of a stream frozen although the stream is well? The other lines of that symbol tell. Pure."""

from msgspec import Struct

from firmquote.model import NS_PER_MS, NS_PER_S

BLOCK = 64
"""What is usual is the most of the last 64 to 128 gaps."""
GAPS_MIN = 8


class LineSilencePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a single symbol of a live stream counts as frozen."""

    floor_ms: int = 500
    """No shorter gap is suspicious."""
    peer_updates_min: int = 4
    """So many times another stream must have brought this symbol meanwhile …"""
    peer_updates_factor: float = 3.0
    """… and so many times more than it usually does between two updates of this line."""
    moved_ms_min: int = 1_000
    """Or another's price must have been away for so long, and for longer than the line's longest usual gap."""
    alone_factor: float = 8.0
    """Or, where no other stream brings it, a polled price has changed, and the gap is so many times the longest …"""
    alone_floor_ms: int = 6_000
    """… of at least a whole block of gaps, and at least this long."""


class LineMeter:
    """The gaps of one line, and what the other lines brought within each. One object of a few integers a line."""

    __slots__ = (
        "_count", "_gap", "_gap_before", "_peers", "_peers_before", "_total",
        "changed", "moved_ns", "peers", "spoke_ns",
    )  # fmt: skip

    def __init__(self, now_ns: int) -> None:
        self.spoke_ns = now_ns
        """When it last brought something, by a clock that never steps."""
        self.peers = 0
        """How often another stream brought this symbol since."""
        self.moved_ns: int | None = None
        """Since when another provider's price has been away from this line's bid and ask."""
        self.changed = False
        """Whether a polled provider's price has changed since, where no other stream brings the symbol."""
        self._count = 0
        self._total = 0
        self._gap = self._gap_before = 0
        self._peers = self._peers_before = 0

    def speak(self, now_ns: int, *, usual: bool = True) -> None:
        """It brought something; `usual` is false for the end of a gap that says nothing of the line."""
        if usual:
            self._gap = max(self._gap, now_ns - self.spoke_ns)
            self._peers = max(self._peers, self.peers)
            self._total += 1
            self._count += 1
            if self._count >= BLOCK:
                self._count = 0
                self._gap_before, self._gap = self._gap, 0
                self._peers_before, self._peers = self._peers, 0
        self.forgive(now_ns)

    def forgive(self, now_ns: int) -> None:
        """Count the present gap from now."""
        self.spoke_ns = now_ns
        self.peers = 0
        self.moved_ns = None
        self.changed = False

    @property
    def usual_gap_ns(self) -> int | None:
        """The longest of the recent gaps; `None` with too few of them."""
        return max(self._gap, self._gap_before) if self._total >= GAPS_MIN else None

    @property
    def settled(self) -> bool:
        """Whether a whole block of gaps is known."""
        return self._total >= BLOCK

    @property
    def usual_peers(self) -> int | None:
        """The most updates that other streams brought within one of the recent gaps; `None` with too few of them."""
        return max(self._peers, self._peers_before) if self._total >= GAPS_MIN else None

    def judge(self, now_ns: int, policy: LineSilencePolicy) -> str | None:
        """Return why the line counts as frozen, or `None`. More evidence never makes it less."""
        silent_ns = now_ns - self.spoke_ns
        if silent_ns < policy.floor_ms * NS_PER_MS:
            return None
        usual_ns, usual_peers = self.usual_gap_ns, self.usual_peers
        if usual_ns is None or usual_peers is None:
            return None
        since = f"nothing for {silent_ns / NS_PER_S:.1f} s (longest usual gap {usual_ns / NS_PER_S:.1f} s)"
        if self.peers >= max(policy.peer_updates_min, policy.peer_updates_factor * usual_peers):
            return f"{since} while other streams brought it {self.peers} times"
        away_ns = 0 if self.moved_ns is None else now_ns - self.moved_ns
        if away_ns >= max(policy.moved_ms_min * NS_PER_MS, usual_ns):
            return f"{since} while its price elsewhere has been away for {away_ns / NS_PER_S:.1f} s"
        absurd_ns = max(policy.alone_floor_ms * NS_PER_MS, policy.alone_factor * usual_ns)
        if self.changed and self.settled and silent_ns >= absurd_ns:
            return f"{since} while its price changed elsewhere"
        return None
