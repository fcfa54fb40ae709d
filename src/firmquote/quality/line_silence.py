"""Is one symbol of a stream frozen although the stream is well? The other lines of that symbol tell. Pure."""

from msgspec import Struct

from firmquote.model import NS_PER_MS, NS_PER_S, Session

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
    """Or another stream's price must have been away for so long, and for longer than the line's longest usual gap."""
    alone_factor: float = 8.0
    """Or, where no other stream brings it, a polled price has left its bid and ask, and the gap is so many times …"""
    alone_floor_ms: int = 6_000
    """… the longest of at least a whole block of gaps, and at least this long; half as many if it is far away, and
    twice as many if it has only changed."""


class _Usual:
    """What is usual in one session: the most of two blocks of gaps."""

    __slots__ = ("count", "gap", "gap_before", "peers", "peers_before", "total")

    def __init__(self) -> None:
        self.count = self.total = 0
        self.gap = self.gap_before = 0
        self.peers = self.peers_before = 0

    @property
    def longest_ns(self) -> int:
        return max(self.gap, self.gap_before)

    @property
    def most_peers(self) -> int:
        return max(self.peers, self.peers_before)

    def note(self, gap_ns: int, peers: int) -> None:
        self.gap = max(self.gap, gap_ns)
        self.peers = max(self.peers, peers)
        self.total += 1
        self.count += 1
        if self.count >= BLOCK:
            self.count = 0
            self.gap_before, self.gap = self.gap, 0
            self.peers_before, self.peers = self.peers, 0


class LineMeter:
    """The gaps of one line, and what the other lines brought within each: a few integers for each part of the day."""

    __slots__ = ("_sessions", "_usual", "moved_ns", "peers", "polled", "spoke_ns")

    def __init__(self, now_ns: int) -> None:
        self.spoke_ns = now_ns
        """When it last brought something, by a clock that never steps."""
        self.peers = 0
        """How often another stream brought this symbol since."""
        self.moved_ns: int | None = None
        """Since when another stream's price has been away from this line's bid and ask."""
        self.polled = 0.0
        """How much a polled price says against it, where no other stream brings the symbol: 1 if it left bid and ask
        since, half of that if it only changed, and twice that if it is far away."""
        self._usual = _Usual()
        self._sessions: dict[Session, _Usual] = {}

    def speak(self, now_ns: int, *, usual: bool = True) -> None:
        """It brought something; `usual` is false for the end of a gap that says nothing of the line."""
        if usual:
            self._usual.note(now_ns - self.spoke_ns, self.peers)
        self.forgive(now_ns)

    def forgive(self, now_ns: int) -> None:
        """Count the present gap from now."""
        self.spoke_ns = now_ns
        self.peers = 0
        self.moved_ns = None
        self.polled = 0.0

    def begin(self, session: Session, now_ns: int) -> None:
        """Another part of the day has begun: what was usual in the last of its kind is usual again.

        Not before the opening: the last minutes of one morning say nothing of the first hours of the next.
        """
        if session is Session.PRE:
            self._sessions.pop(session, None)
        self._usual = self._sessions.setdefault(session, _Usual())
        self.forgive(now_ns)

    @property
    def usual_gap_ns(self) -> int | None:
        """The longest of the recent gaps; `None` with too few of them."""
        return self._usual.longest_ns if self._usual.total >= GAPS_MIN else None

    @property
    def settled(self) -> bool:
        """Whether a whole block of gaps is known."""
        return self._usual.total >= BLOCK

    @property
    def usual_peers(self) -> int | None:
        """The most updates that other streams brought within one of the recent gaps; `None` with too few of them."""
        return self._usual.most_peers if self._usual.total >= GAPS_MIN else None

    def judge(self, now_ns: int, policy: LineSilencePolicy) -> str | None:
        """Return why the line counts as frozen, or `None`. More evidence never makes it less."""
        silent_ns = now_ns - self.spoke_ns
        usual_ns = self.usual_gap_ns
        if usual_ns is None or self.score(now_ns, policy) < 1:
            return None
        since = f"nothing for {silent_ns / NS_PER_S:.1f} s (longest usual gap {usual_ns / NS_PER_S:.1f} s)"
        if self._peers_score(policy) >= 1:
            return f"{since} while other streams brought it {self.peers} times"
        if self.moved_ns is not None and self._away_score(now_ns, policy) >= 1:
            return f"{since} while its price elsewhere has been away for {(now_ns - self.moved_ns) / NS_PER_S:.1f} s"
        return f"{since} while its price changed elsewhere"

    def score(self, now_ns: int, policy: LineSilencePolicy) -> float:
        """Return how near it is to counting as frozen: 1 is enough. More evidence never makes it less."""
        silent_ns = now_ns - self.spoke_ns
        if silent_ns < policy.floor_ms * NS_PER_MS or self._usual.total < GAPS_MIN:
            return 0.0
        return max(self._peers_score(policy), self._away_score(now_ns, policy), self._alone_score(now_ns, policy))

    def _peers_score(self, policy: LineSilencePolicy) -> float:
        return self.peers / max(policy.peer_updates_min, policy.peer_updates_factor * self._usual.most_peers)

    def _away_score(self, now_ns: int, policy: LineSilencePolicy) -> float:
        if self.moved_ns is None:
            return 0.0
        return (now_ns - self.moved_ns) / max(policy.moved_ms_min * NS_PER_MS, self._usual.longest_ns)

    def _alone_score(self, now_ns: int, policy: LineSilencePolicy) -> float:
        if not self.polled or not self.settled:
            return 0.0
        return (now_ns - self.spoke_ns) / max(
            policy.alone_floor_ms * NS_PER_MS, policy.alone_factor / self.polled * self._usual.longest_ns
        )
