"""Joins lines, roles and the board: what happens to a line reaches the manager, and its verdict reaches the board."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from firmquote.board import Board, Feed
from firmquote.model import MS_PER_S, NS_PER_MS, Clock, LineState, LineStatus, Session
from firmquote.model.status import EventView
from firmquote.model.tracing import TRACING
from firmquote.quality import SilencePolicy, clock_difference_ns
from firmquote.routing import Blame, Change, Outcome, Percentiles, ProviderManager, Status, percentiles
from firmquote.runtime.frozen_lines import FrozenLines
from firmquote.runtime.hedging import Asker, Hedger
from firmquote.runtime.turns import Work
from firmquote.runtime.watch import SilenceWatch

MUTE_MS = 7_000.0
"""An idle connection is pinged after five seconds and answers at once: nothing for longer is mute."""
EVENTS_KEPT = 1_000
"""Events that /v1/events can look back on."""
_ERRORS = frozenset({LineState.LIMITED, LineState.SERVER_ERROR, LineState.SLOW_CONSUMER, LineState.CLOSING})
_log = structlog.get_logger("firmquote")


class OpenStream(Protocol):
    """What the conductor needs of a stream; `runtime.stream.Stream` is one."""

    @property
    def heard_ns(self) -> int:
        """When the last byte that matters came, by the wall clock; 0 while there is no connection."""
        ...

    def resubscribe(self, symbol: str) -> None:
        """Have the provider send `symbol` anew."""
        ...


class Conductor:
    """Implements `LineOwner`. All methods run in the event loop's thread and wait for nothing."""

    def __init__(
        self, manager: ProviderManager, board: Board, clock: Clock, feeds: Mapping[str, Feed], silence: SilencePolicy
    ) -> None:
        self.manager = manager
        self.watch = SilenceWatch(silence)
        self.polls: dict[str, Asker] = {}
        self.hedger = Hedger(board, manager, self.polls)
        self.frozen = FrozenLines(board, silence, self._resubscribe)
        self._streams_open: dict[str, OpenStream] = {}
        self._unreached: set[str] = set()
        """Polled providers whose last request was not answered at all."""
        self._feeds = feeds
        self.events: deque[EventView] = deque(maxlen=EVENTS_KEPT)
        self.last_role_change: EventView | None = None
        self.counts: Counter[tuple[str, str]] = Counter()
        """Events by kind and blame (empty for good news)."""
        self._board = board
        self._clock = clock
        self._shown_version = -1
        self._waiting: list[str] = []
        """Symbols of which the provider that should be shown has nothing to show yet; another's price is there."""
        self._latencies: dict[str, Percentiles] = {}
        """As of the last second: health is judged once in each."""
        self._halted: set[str] = set()
        self._closed = False
        """Whether the exchange is: then silence says nothing, whatever is still printed elsewhere."""
        self._sequence = 0
        self._streams: dict[str, tuple[Feed, int]] = {}
        """Streamed feeds, and how much each had accepted when its last second was judged."""
        self._frames: dict[str, deque[int]] = {}
        """How many frames each stream had brought at each second of the window over which its health is judged."""
        self.show()

    def watch_stream(self, feed: Feed, stream: OpenStream) -> None:
        """Judge this feed as a stream: every second by what it brought, at every tick by its silence."""
        self._streams[feed.provider] = (feed, feed.accepted)
        self._frames[feed.provider] = deque(maxlen=self.manager.members[feed.provider].health.window_s)
        self._streams_open[feed.provider] = stream
        self.watch.add(feed)
        self.frozen.watch(feed.provider, self._clock.monotonic_ns())

    # -- LineOwner

    def on_ready(self, provider: str) -> None:
        """The provider accepted us."""
        self.manager.on_ready(provider, self._clock.now_ns())

    def on_lost(self, provider: str, words: str) -> None:
        """A connection broke: the warm line is on the board before this returns."""
        now_ns = self._clock.now_ns()
        self.watch.forget(provider)
        self.manager.on_lost(provider, words, now_ns)
        self.manager.reconsider(now_ns)
        self.show()

    def on_refused(self, provider: str, kind: str, words: str) -> None:
        """The provider said no for good."""
        now_ns = self._clock.now_ns()
        self.manager.on_refused(provider, kind, words, now_ns)
        self.manager.reconsider(now_ns)
        self.show()

    def on_answer(self, provider: str, outcome: Outcome) -> None:
        """A request was answered, well or not."""
        self._unreached.discard(provider)
        self.manager.on_outcome(provider, outcome)

    def on_unreached(self, provider: str, outcome: Outcome) -> None:
        """A request was not answered at all."""
        self._unreached.add(provider)
        self.manager.on_unreached(provider, outcome)

    def on_overdue(self, provider: str, symbols: Sequence[str]) -> None:
        """An answer takes longer than nearly all before it."""
        self.hedger.on_overdue(provider, symbols)

    def on_settled(self, provider: str, symbols: Sequence[str], *, answered: bool) -> None:
        """That answer came, or will not."""
        self.hedger.on_settled(provider, symbols, answered=answered)

    def on_status(self, provider: str, status: LineStatus) -> None:
        """Count what the provider complains of."""
        if status.state in _ERRORS:
            self.manager.on_error(provider, status.state.value, status.detail)

    # -- time and operators

    def second(self) -> None:
        """Judge the last second of every stream: did it bring anything? And tell of halts."""
        now_ns = self._clock.now_ns()
        self._latencies = {name: self.latency(name, now_ns) for name in self.manager.members}
        self._tell_of_halts(now_ns)
        for provider, (feed, before) in list(self._streams.items()):
            self.manager.on_stream_second(provider, brought_data=feed.accepted > before, now_ns=now_ns)
            self._streams[provider] = (feed, feed.accepted)
            self._frames[provider].append(feed.frames)

    def advance(self) -> None:
        """Evaluate, elect, show, and publish what changed."""
        now_ns = self._clock.now_ns()
        changes = self.manager.advance(self._latencies, now_ns)
        self._forget_the_delays_of_outages(changes)
        self.show()
        self.publish([*changes, *self._seams()])

    def look(self, interval_ns: int) -> Work:
        """Look for silent streams and frozen lines; begun every `interval_ns`."""
        manager = self.manager
        monotonic_ns, now_ns = self._clock.monotonic_ns(), self._clock.now_ns()
        stalls = self.watch.stalls
        heard_ms = self._heard_ms(now_ns)
        verdicts = self.watch.look(
            self._feeds,
            frozenset(m.name for m in manager.members.values() if m.usable and not m.synthetic),
            heard_ms,
            interval_ns=interval_ns,
            monotonic_ns=monotonic_ns,
            now_ns=now_ns,
        )
        if self._closed:
            verdicts = dict.fromkeys(verdicts)
        for name, words in verdicts.items():
            if words is None or manager.members[name].silent is None:
                manager.on_silent(name, words)
        mute = {name for name, ms in heard_ms.items() if ms > MUTE_MS and not self.watch.forgiving}
        manager.on_mute(mute | self._unreached)
        well = {m.name: m.usable and not m.synthetic and not verdicts.get(m.name) for m in manager.members.values()}
        if self.watch.stalls > stalls:
            self._tell_of_a_stall(now_ns)
        yield
        stalled = self.watch.forgiving or self._closed
        for verdicts_on_lines in self.frozen.look(well, stalled=stalled, monotonic_ns=monotonic_ns):
            for verdict in verdicts_on_lines:
                manager.on_line(verdict.provider, verdict.symbol, "silence", verdict.words, now_ns)
            yield
        self.hedger.look()

    def begin_session(self, before: Session, session: Session) -> None:
        """Another part of the day has begun: other gaps are usual, and after the close silence is."""
        self.watch.begin(session)
        self.frozen.begin(session, self._clock.monotonic_ns())
        self._closed = session is Session.CLOSED
        blame = Blame.MARKET if session is Session.CLOSED else None
        self.publish([
            Change(
                at_ns=self._clock.now_ns(), kind="session", provider="", before=before.value, after=session.value,
                cause="the exchange's day", blame=blame,
            )
        ])  # fmt: skip

    def activate(self, name: str, reason: str) -> EventView:
        """Let `name` serve at once. Raises ConfigError where it cannot."""
        change = self.manager.activate(name, reason, self._clock.now_ns())
        self.show()
        self.advance()
        if change is None:
            now_ns = self._clock.now_ns()
            change = Change(
                at_ns=now_ns, kind="role", provider=name, before=name, after=name, cause="it served already"
            )
            self.publish([change])
        return next(event for event in reversed(self.events) if event.kind == "role")

    def latency(self, name: str, now_ns: int) -> Percentiles:
        """Return a stream's delay behind its own times, less the difference of clocks, or a polled one's round trip.

        Either is of the window over which health is judged.
        """
        streamed = self._streams.get(name)
        if streamed is None:
            return self.manager.members[name].health.latency(now_ns)
        skew_ns = clock_difference_ns(self.watch.least_lag_ns(name))
        frames = self._frames[name]
        return percentiles(streamed[0].delays_ns(frames[0] if frames else 0), less_ns=skew_ns)

    def show(self) -> None:
        """Let the board follow the roles and the fitness of lines, in this call."""
        manager = self.manager
        if manager.version != self._shown_version:
            self._shown_version = manager.version
            self._waiting = self._board.show(manager.showing, list(self._board.entries), self._clock.now_ns())
        elif self._waiting:
            self._waiting = self._board.show(manager.showing, self._waiting, self._clock.now_ns())

    def _forget_the_delays_of_outages(self, changes: Sequence[Change]) -> None:
        """How late a stream was before it became usable again says nothing of how it is now."""
        for change in changes:
            if change.kind == "status" and change.before == Status.FAILED.value and change.provider in self._streams:
                self._streams[change.provider][0].forget_delays()
                self._latencies.pop(change.provider, None)

    def _heard_ms(self, now_ns: int) -> dict[str, float]:
        heard = {name: stream.heard_ns for name, stream in self._streams_open.items()}
        return {name: max(0, now_ns - at_ns) / NS_PER_MS for name, at_ns in heard.items() if at_ns}

    def _resubscribe(self, provider: str, symbol: str) -> None:
        self._streams_open[provider].resubscribe(symbol)

    def _tell_of_halts(self, now_ns: int) -> None:
        halted = {entry.symbol: ", ".join(entry.halts) for entry in self._board.entries.values() if entry.halted}
        begun = [
            (symbol, "trading", "halted", f"halted by {halted[symbol]}") for symbol in halted.keys() - self._halted
        ]
        ended = [(symbol, "halted", "trading", "trading goes on") for symbol in self._halted - halted.keys()]
        self._halted = set(halted)
        self.publish([
            Change(
                at_ns=now_ns, kind="halt", provider="", before=before, after=after, cause=cause, symbol=symbol,
                blame=Blame.MARKET if after == "halted" else None,
            )
            for symbol, before, after, cause in sorted([*begun, *ended])
        ])  # fmt: skip

    def _tell_of_a_stall(self, now_ns: int) -> None:
        words = (
            f"our own process stood still for {self.watch.stalled_ms / MS_PER_S:.1f} s; nobody else is blamed for it"
        )
        change = Change(
            at_ns=now_ns, kind="stall", provider="", before=None, after=None, cause=words, blame=Blame.OWN_STALL
        )
        self.publish([change])

    def _seams(self) -> list[Change]:
        seams = self._board.seams
        found = [
            Change(
                at_ns=seam.at_ns,
                kind="seam",
                provider=seam.after,
                before=seam.before,
                after=seam.after,
                cause=seam.words,
                symbol=seam.symbol,
            )
            for seam in seams
        ]
        seams.clear()
        return found

    def _trace(self, event: EventView) -> None:
        """A hand-over lasts from the change of role until the board shows the other line."""
        TRACING.record(
            "hand_over",
            start_ns=event.at_ns,
            end_ns=self._clock.now_ns(),
            before=event.before or "",
            after=event.after or "",
            cause=event.cause,
            blame=event.blame or "",
        )

    def publish(self, changes: Sequence[Change]) -> None:
        """Put changes into the event log."""
        for change in changes:
            self._sequence += 1
            event = EventView(
                sequence=self._sequence,
                at_ns=change.at_ns,
                kind=change.kind,
                provider=change.provider,
                before=change.before,
                after=change.after,
                cause=change.cause,
                symbol=change.symbol,
                route=change.route,
                blame=None if change.blame is None else change.blame.value,
            )
            self.events.append(event)
            self.counts[event.kind, event.blame or ""] += 1
            if change.kind == "role":
                self.last_role_change = event
                self._trace(event)
            _log.info(
                change.kind,
                provider=change.provider,
                before=change.before,
                after=change.after,
                cause=change.cause,
                symbol=change.symbol,
                route=change.route,
                blame=event.blame,
            )
