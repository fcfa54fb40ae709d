"""Watches the streams for silence: feeds the meters, gathers what the other providers saw, and asks for a verdict."""

from collections import deque
from collections.abc import Mapping
from math import inf

from msgspec import Struct

from firmquote.board import Feed, Line
from firmquote.model import NS_PER_MS, NS_PER_S, LastPrice, Price, Reason, Session
from firmquote.quality import (
    ArrivalMeter,
    Lag,
    LagMeter,
    LineMeter,
    SilencePolicy,
    StreamEvidence,
    StreamScore,
    explain_stream,
    has_moved_away,
    score_stream,
)

STALL_NS = 250 * NS_PER_MS
"""A timer that is later than this means that our own process stood still; nobody's silence is judged by it."""
DRAIN_NS = 2 * NS_PER_S
"""For this long after a standstill what was waiting in the sockets is read: it is late because of us."""
LATE_LOOKS = 40
"""Looks over which our own lateness is remembered: as long as the window in which a lag grows."""
PEERS_FROM_PHI = 1.0
"""Below this suspicion nobody asks what the others saw: the usual case costs nothing more."""
LASTING_NS = 500 * NS_PER_MS
"""What others show counts after so long: one provider brings the same quote a little later than another."""
STANDING_NS = 100 * NS_PER_MS
"""Source times that advance by less than this, between looks, stand still."""
STANDING_REASONS = (Reason.OUT_OF_ORDER, Reason.DUPLICATE)
"""What is refused for these reasons arrived, and its time did not advance."""
ANOTHER_CLOCK_NS = 10 * NS_PER_S
"""Accepted times that go back by more than this are of another clock."""
STANDING_FRAMES = 5
"""So many frames must have come since they last advanced."""


class _Watched:
    """One stream: its meters, and where everybody stood when it last spoke."""

    def __init__(self, feed: Feed, policy: SilencePolicy, monotonic_ns: int) -> None:
        self.feed = feed
        self.meter = ArrivalMeter(policy.arrivals)
        self.lag = LagMeter()
        self.between = LineMeter(monotonic_ns)
        """How often other streams speak between two of its arrivals."""
        self.accepted = feed.accepted
        self.judged = 0
        self.frames = feed.frames
        self.spoke_ns = 0
        """By the wall clock, to compare with the times at which prices changed."""
        self.long_silent_ns: int | None = None
        """By the wall clock, when it had been silent for long. What came elsewhere before that may be no more than a
        late view of what this one had brought itself, or the last words of a market that stopped."""
        self.accepted_elsewhere: dict[str, int] = {}
        """How much each stream had brought then."""
        self.told_ns: int | None = None
        """Since when other streams have brought more."""
        self.away_ns: dict[str, int] = {}
        """The symbols whose price elsewhere has left its bid and ask, and since when."""
        self.newest_ns = 0
        self.advanced_ns = self.arrived_ns = monotonic_ns
        self.frames_since = 0
        self.evidence = StreamEvidence()
        self.score = score_stream(self.evidence, policy)
        self.silent: str | None = None

    def forget_others(self) -> None:
        """What the others showed until now is no evidence against it."""
        self.long_silent_ns = self.told_ns = None
        self.away_ns.clear()

    def forgive(self, monotonic_ns: int) -> None:
        """What was late or missing until now was not its fault."""
        self.forget_others()
        self.meter.forgive(monotonic_ns)
        self.between.forgive(monotonic_ns)
        self.lag.forget()
        self.advanced_ns = monotonic_ns
        self.frames_since = 0


class Suspicion(Struct, frozen=True, kw_only=True):
    """What the health page shows of a stream."""

    evidence: StreamEvidence
    score: StreamScore

    def parts(self) -> dict[str, float]:
        """Return the parts of the score, and what they were measured from."""
        evidence, score = self.evidence, self.score
        return {
            "arrivals": score.arrivals,
            "others": score.others,
            "standing": score.standing,
            "lag": score.lag,
            "heartbeat": score.heartbeat,
            "peer_looks": float(evidence.peer_looks),
            "peer_changes": float(evidence.peer_changes),
            "moved_symbols": float(len(evidence.moved_symbols)),
            "standing_ms": evidence.standing_ms,
            "lag_ms": evidence.lag.excess_ms,
            "lag_growth_ms_per_s": evidence.lag.slope_ms_per_s,
        } | ({} if evidence.heard_ms is None else {"heard_ms": evidence.heard_ms})


class SilenceWatch:
    """Called by the timer. Holds no socket and reads no clock."""

    def __init__(self, policy: SilencePolicy) -> None:
        self._policy = policy
        self._watched: dict[str, _Watched] = {}
        self._looked_ns: int | None = None
        self._wall_ns = 0
        """At the last look."""
        self._forgive_until_ns = 0
        self._late_ms: deque[float] = deque(maxlen=LATE_LOOKS)
        self.stalls = 0
        """How often our own process stood still."""
        self.stalled_ms = 0.0
        """For how long it did the last time."""

    def add(self, feed: Feed) -> None:
        """Watch this stream from now on."""
        self._watched[feed.provider] = _Watched(feed, self._policy, self._looked_ns or 0)

    @property
    def forgiving(self) -> bool:
        """Whether what arrives now may be late because of us."""
        return self._looked_ns is not None and self._looked_ns < self._forgive_until_ns

    def look(
        self,
        feeds: Mapping[str, Feed],
        witnesses: frozenset[str],
        heard_ms: Mapping[str, float],
        *,
        interval_ns: int,
        monotonic_ns: int,
        now_ns: int,
    ) -> dict[str, str | None]:
        """Return why each watched stream counts as silent, or `None`.

        `witnesses` are the providers whose word counts as evidence; `heard_ms` is how long ago the last byte of each
        came, where that is known.
        """
        stalled = self._note_our_lateness(interval_ns, monotonic_ns)
        self._wall_ns = now_ns
        if self.forgiving:
            for feed in feeds.values():
                feed.forget_delays()
        verdicts: dict[str, str | None] = {}
        spoke = {name for name, watched in self._watched.items() if watched.feed.accepted != watched.accepted}
        for name, watched in self._watched.items():
            self._note(watched, stalled=stalled, monotonic_ns=monotonic_ns, now_ns=now_ns)
            if name not in spoke and (spoke & witnesses):
                watched.between.peers += 1
        for name, watched in self._watched.items():
            evidence = self._evidence(watched, feeds, witnesses - {name}, heard_ms, monotonic_ns, now_ns)
            score = score_stream(evidence, self._policy)
            watched.evidence, watched.score = evidence, score
            watched.silent = explain_stream(evidence, score) if score.total >= 1 else None
            verdicts[name] = watched.silent
        return verdicts

    def forget(self, provider: str) -> None:
        """The connection ended."""
        watched = self._watched[provider]
        watched.meter.forget()
        watched.between.forgive(self._looked_ns or 0)
        watched.lag.forget()
        watched.frames_since = 0

    def begin(self, session: Session) -> None:
        """Another part of the day has begun, with gaps of its own; the gap over its beginning is nobody's."""
        for watched in self._watched.values():
            watched.meter.begin(session)
            watched.between.begin(session, self._looked_ns or 0)
            watched.forgive(self._looked_ns or 0)
            watched.spoke_ns = self._wall_ns

    def least_lag_ns(self, provider: str) -> int | None:
        """Return the least lag of a stream lately, or `None` before that is known."""
        return self._watched[provider].lag.least_ns

    def suspicion(self, provider: str) -> Suspicion | None:
        """Return what is suspected of a stream, or `None` for a provider that does not stream."""
        watched = self._watched.get(provider)
        return None if watched is None else Suspicion(evidence=watched.evidence, score=watched.score)

    # -- how

    def _note_our_lateness(self, interval_ns: int, monotonic_ns: int) -> bool:
        before_ns, self._looked_ns = self._looked_ns, monotonic_ns
        late_ns = 0 if before_ns is None else max(0, monotonic_ns - before_ns - interval_ns)
        stalled = late_ns > STALL_NS
        if stalled:
            self.stalls += 1
            self.stalled_ms = late_ns / NS_PER_MS
            self._forgive_until_ns = monotonic_ns + DRAIN_NS
        self._late_ms.append(0.0 if stalled else late_ns / NS_PER_MS)
        return stalled

    def _note(
        self,
        watched: _Watched,
        *,
        stalled: bool,
        monotonic_ns: int,
        now_ns: int,
    ) -> None:
        feed = watched.feed
        delays_ns, watched.frames = feed.delays_since(watched.frames)
        judged = feed.accepted + sum(feed.refused.get(reason, 0) for reason in STANDING_REASONS)
        arrived, watched.judged = judged - watched.judged, judged
        if stalled:
            watched.forgive(monotonic_ns)
        if feed.accepted != watched.accepted:
            watched.accepted = feed.accepted
            usual = not stalled and watched.silent is None  # the end of an outage is not a usual gap
            watched.between.speak(monotonic_ns, usual=usual)
            if usual:
                watched.meter.note(monotonic_ns)
            else:
                watched.meter.forgive(monotonic_ns)
            watched.spoke_ns = now_ns
            watched.forget_others()
        if self.forgiving:
            watched.forgive(monotonic_ns)
        elif delays_ns:
            watched.lag.note(min(delays_ns), monotonic_ns)
        self._note_source_time(watched, delays_ns, arrived, monotonic_ns, now_ns)

    def _note_source_time(
        self, watched: _Watched, delays_ns: list[int], arrived: int, monotonic_ns: int, now_ns: int
    ) -> None:
        if arrived:
            watched.arrived_ns = monotonic_ns
        if delays_ns:
            newest_ns = now_ns - min(delays_ns)
            if newest_ns > watched.newest_ns + STANDING_NS or newest_ns < watched.newest_ns - ANOTHER_CLOCK_NS:
                watched.newest_ns = newest_ns
                watched.advanced_ns = monotonic_ns
                watched.frames_since = 0
                return
        watched.frames_since += arrived

    def _evidence(
        self,
        watched: _Watched,
        feeds: Mapping[str, Feed],
        witnesses: frozenset[str],
        heard_ms: Mapping[str, float],
        monotonic_ns: int,
        now_ns: int,
    ) -> StreamEvidence:
        name = watched.feed.provider
        phi = watched.meter.phi(monotonic_ns)
        silent_ns, usual_ns = watched.meter.silent_ns(monotonic_ns), watched.meter.usual_gap_ns()
        streams = witnesses & self._watched.keys()
        asked = (streams or witnesses) if phi >= PEERS_FROM_PHI else frozenset()  # who sees every quote knows best
        return StreamEvidence(
            phi=phi,
            silent_ms=0.0 if silent_ns is None else silent_ns / NS_PER_MS,
            usual_gap_ms=None if usual_ns is None else usual_ns / NS_PER_MS,
            peer_looks=watched.between.peers,
            usual_peer_looks=watched.between.usual_peers,
            peer_changes=self._peer_changes(watched, feeds, asked, monotonic_ns, now_ns),
            moved_symbols=_moved_symbols(watched, feeds, asked, self._policy, monotonic_ns),
            standing_ms=_standing_ms(watched, monotonic_ns),
            common_standing_ms=min((_standing_ms(self._watched[n], monotonic_ns) for n in streams), default=0.0),
            lag=watched.lag.lag(monotonic_ns),
            common_lag_ms=max(self._common_lag_ms(name, monotonic_ns), max(self._late_ms, default=0.0)),
            heard_ms=heard_ms.get(name),
            others_heard=any(heard_ms.get(n, inf) < self._policy.heartbeat_grace_ms for n in witnesses),
        )

    def _peer_changes(
        self,
        watched: _Watched,
        feeds: Mapping[str, Feed],
        asked: frozenset[str],
        monotonic_ns: int,
        now_ns: int,
    ) -> int:
        silent_ns = watched.meter.silent_ns(monotonic_ns)
        if silent_ns is None or silent_ns < self._policy.alone_floor_ms * NS_PER_MS:
            return 0
        if watched.long_silent_ns is None:
            watched.long_silent_ns = now_ns
            watched.accepted_elsewhere = {name: other.feed.accepted for name, other in self._watched.items()}
        streams = asked & self._watched.keys()
        told = sum(feeds[name].accepted - watched.accepted_elsewhere[name] for name in streams)
        if told and watched.told_ns is None:
            watched.told_ns = monotonic_ns
        if watched.told_ns is None or monotonic_ns - watched.told_ns < LASTING_NS:
            told = 0
        polled = asked - streams  # they repeat themselves
        return told + sum(_changed_lines(feeds[name], watched.spoke_ns, watched.long_silent_ns) for name in polled)

    def _common_lag_ms(self, name: str, monotonic_ns: int) -> float:
        others = [w.lag.lag(monotonic_ns) for other, w in self._watched.items() if other != name]
        seen = [lag.behind_ms for lag in others if lag != Lag()]
        return max(0.0, min(seen, default=0.0))


def changed_price(line: Line, since_ns: int) -> Price | None:
    """Return a provider's price, or the middle of its quote, if it has changed since `since_ns`, by our wall clock.

    Of a last price the answer before must have come since too: else it may have changed already then.
    """
    price = line.price
    if isinstance(price, LastPrice):
        return price.price if line.changed_after_ns >= since_ns else None
    if price is None or price.bid is None or price.ask is None or price.received_ns <= since_ns:
        return None
    return (price.bid + price.ask) / 2


def polled_weight(line: Line, other: Line, since_ns: int, policy: SilencePolicy) -> float:
    """Return how much a polled price says against a line that brought nothing since `since_ns`.

    ½ if it has changed, 1 if it is also not within bid and ask, and 2 if it is far from them.
    """
    quote, seen = line.quote, changed_price(other, since_ns)
    if quote is None or quote.bid is None or quote.ask is None or seen is None:
        return 0.0
    if quote.bid <= seen <= quote.ask:
        return 0.5
    return 2.0 if has_moved_away(seen, quote.bid, quote.ask, policy) else 1.0


def is_away(line: Line, other: Line, since_ns: int, policy: SilencePolicy) -> bool:
    """Say whether another provider's price has changed since `since_ns` and left this line's bid and ask far behind."""
    quote, seen = line.quote, changed_price(other, since_ns)
    if quote is None or quote.bid is None or quote.ask is None or seen is None:
        return False
    return has_moved_away(seen, quote.bid, quote.ask, policy, last=isinstance(other.price, LastPrice))


def _changed_lines(feed: Feed, since_ns: int, told_since_ns: int) -> int:
    lines = feed.lines.values()
    return sum(line.changed_ns > told_since_ns and changed_price(line, since_ns) is not None for line in lines)


def _standing_ms(watched: _Watched, monotonic_ns: int) -> float:
    if monotonic_ns - watched.arrived_ns > STALL_NS or watched.frames_since < STANDING_FRAMES:
        return 0.0
    return (monotonic_ns - watched.advanced_ns) / NS_PER_MS


def _moved_symbols(
    watched: _Watched, feeds: Mapping[str, Feed], witnesses: frozenset[str], policy: SilencePolicy, monotonic_ns: int
) -> tuple[str, ...]:
    """Return the symbols whose price elsewhere has been away for a while."""
    before_ns, watched.away_ns = watched.away_ns, {}
    if witnesses:
        watched.away_ns = {
            symbol: before_ns.get(symbol, monotonic_ns)
            for symbol, line in watched.feed.lines.items()
            if any(is_away(line, feeds[name].lines[symbol], watched.spoke_ns, policy) for name in witnesses)
        }
    return tuple(symbol for symbol, since_ns in watched.away_ns.items() if monotonic_ns - since_ns >= LASTING_NS)
