"""Watches the streams for silence: feeds the meters, gathers what the other providers saw, and asks for a verdict."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from firmquote.board import Feed, Line
from firmquote.model import NS_PER_MS, NS_PER_S, LastPrice
from firmquote.quality import ArrivalMeter, PeerEvidence, Silence, SilencePolicy, has_moved_away, judge_silence

STALL_NS = 250 * NS_PER_MS
"""A timer that is later than this means that our own process stood still; nobody's silence is judged by it."""

DRAIN_NS = 2 * NS_PER_S
"""For this long after a standstill what was waiting in the sockets is read: it is late because of us."""


class _Watched:
    """One stream: its meter, and where everybody stood when it last spoke."""

    def __init__(self, feed: Feed, policy: SilencePolicy) -> None:
        self.feed = feed
        self.meter = ArrivalMeter(policy)
        self.accepted = feed.accepted
        self.spoke_ns = 0
        """By the wall clock, to compare with the times at which prices changed."""
        self.peers: dict[str, tuple[int, int]] = {}
        self.silent = False


class Suspicion(Struct, frozen=True, kw_only=True):
    """What the health page shows of a stream."""

    silent_ms: float | None
    usual_gap_ms: float | None
    phi: float


class SilenceWatch:
    """Called by the timer. Holds no socket and reads no clock."""

    def __init__(self, policy: SilencePolicy) -> None:
        self._policy = policy
        self._watched: dict[str, _Watched] = {}
        self._looked_ns: int | None = None
        self._forgive_until_ns = 0
        self.stalls = 0
        """How often our own process stood still."""

    def add(self, feed: Feed) -> None:
        """Watch this stream from now on."""
        self._watched[feed.provider] = _Watched(feed, self._policy)

    def look(
        self, feeds: Mapping[str, Feed], usable: Iterable[str], *, interval_ns: int, monotonic_ns: int, now_ns: int
    ) -> dict[str, Silence | None]:
        """Return a verdict on every watched stream. `usable` are the providers whose word counts as evidence."""
        before_ns, self._looked_ns = self._looked_ns, monotonic_ns
        stalled = before_ns is not None and monotonic_ns - before_ns > interval_ns + STALL_NS
        self.stalls += stalled
        if stalled:
            self._forgive_until_ns = monotonic_ns + DRAIN_NS
        if monotonic_ns < self._forgive_until_ns:
            for feed in feeds.values():
                feed.forget_delays()
        witnesses = frozenset(usable)
        verdicts: dict[str, Silence | None] = {}
        for name, watched in self._watched.items():
            feed = watched.feed
            if feed.accepted != watched.accepted:
                watched.accepted = feed.accepted
                watched.spoke_ns = now_ns
                watched.peers = {other: (feeds[other].accepted, feeds[other].changes) for other in feeds}
                if stalled or watched.silent:  # such a gap is not a usual one
                    watched.meter.forgive(monotonic_ns)
                else:
                    watched.meter.note(monotonic_ns)
            elif stalled:
                watched.meter.forgive(monotonic_ns)
            peers = self._evidence(watched, feeds, witnesses - {name}, monotonic_ns)
            verdicts[name] = judge_silence(watched.meter, peers, self._policy, now_ns=monotonic_ns)
            watched.silent = verdicts[name] is not None
        return verdicts

    def forget(self, provider: str) -> None:
        """The connection ended."""
        self._watched[provider].meter.forget()

    def relearn(self) -> None:
        """Another session has begun: what is usual is learned anew."""
        for watched in self._watched.values():
            watched.meter.relearn()

    def suspicion(self, provider: str, monotonic_ns: int) -> Suspicion | None:
        """Return what is suspected of a stream, or `None` for a provider that does not stream."""
        watched = self._watched.get(provider)
        if watched is None:
            return None
        silent_ns, usual_ns = watched.meter.silent_ns(monotonic_ns), watched.meter.usual_gap_ns()
        return Suspicion(
            silent_ms=None if silent_ns is None else silent_ns / NS_PER_MS,
            usual_gap_ms=None if usual_ns is None else usual_ns / NS_PER_MS,
            phi=watched.meter.phi(monotonic_ns),
        )

    def _evidence(
        self, watched: _Watched, feeds: Mapping[str, Feed], witnesses: frozenset[str], monotonic_ns: int
    ) -> PeerEvidence:
        if watched.meter.phi(monotonic_ns) < self._policy.phi_with_peers:
            return PeerEvidence()  # the usual case costs nothing more
        updates = changes = 0
        moved: list[str] = []
        for name in witnesses:
            feed = feeds[name]
            accepted, changed = watched.peers.get(name, (feed.accepted, feed.changes))
            if name in self._watched:
                updates += feed.accepted - accepted
            changes += feed.changes - changed
            moved += [
                symbol
                for symbol, line in watched.feed.lines.items()
                if self._moved(line, feed.lines[symbol], watched.spoke_ns)
            ]
        return PeerEvidence(stream_updates=updates, changes=changes, moved_symbols=tuple(dict.fromkeys(moved)))

    def _moved(self, line: Line, other: Line, since_ns: int) -> bool:
        quote, seen = line.quote, other.price
        if quote is None or quote.bid is None or quote.ask is None or seen is None:
            return False
        if isinstance(seen, LastPrice):
            return other.changed_ns > since_ns and has_moved_away(seen.price, quote.bid, quote.ask, self._policy)
        if seen.bid is None or seen.ask is None or seen.received_ns <= since_ns:
            return False
        return has_moved_away((seen.bid + seen.ask) / 2, quote.bid, quote.ask, self._policy)
