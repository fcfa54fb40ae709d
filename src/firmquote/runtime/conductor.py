"""Joins lines, roles and the board: what happens to a line reaches the manager, and its verdict reaches the board."""

from collections import deque
from collections.abc import Mapping, Sequence

import structlog

from firmquote.board import Board, Feed
from firmquote.model import Clock, LineState, LineStatus
from firmquote.model.status import EventView
from firmquote.quality import SilencePolicy
from firmquote.routing import Change, Percentiles, ProviderManager, percentiles
from firmquote.runtime.watch import SilenceWatch

EVENTS_KEPT = 1_000
"""Events that /v1/events can look back on."""
_ERRORS = frozenset({LineState.LIMITED, LineState.SERVER_ERROR, LineState.SLOW_CONSUMER, LineState.CLOSING})
_log = structlog.get_logger("firmquote")


class Conductor:
    """Implements `LineOwner`. All methods run in the event loop's thread and wait for nothing."""

    def __init__(
        self, manager: ProviderManager, board: Board, clock: Clock, feeds: Mapping[str, Feed], silence: SilencePolicy
    ) -> None:
        self.manager = manager
        self.watch = SilenceWatch(silence)
        self._feeds = feeds
        self.events: deque[EventView] = deque(maxlen=EVENTS_KEPT)
        self.last_role_change: EventView | None = None
        self._board = board
        self._clock = clock
        self._shown_version = -1
        self._waiting: list[str] = []
        """Symbols of which the provider that should be shown has nothing to show yet; another's price is there."""
        self._sequence = 0
        self._streams: dict[str, tuple[Feed, int]] = {}
        """Streamed feeds, and how much each had accepted when its last second was judged."""
        self.show()

    def watch_stream(self, feed: Feed) -> None:
        """Judge this feed as a stream: every second by what it brought, at every tick by its silence."""
        self._streams[feed.provider] = (feed, feed.accepted)
        self.watch.add(feed)

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

    def on_status(self, provider: str, status: LineStatus) -> None:
        """Count what the provider complains of."""
        if status.state in _ERRORS:
            self.manager.on_error(provider, status.state.value, status.detail)

    # -- time and operators

    def second(self) -> None:
        """Judge the last second of every stream: did it bring anything?"""
        now_ns = self._clock.now_ns()
        for provider, (feed, before) in list(self._streams.items()):
            self.manager.on_stream_second(provider, brought_data=feed.accepted > before, now_ns=now_ns)
            self._streams[provider] = (feed, feed.accepted)

    def advance(self) -> None:
        """Evaluate, elect, show, and publish what changed."""
        now_ns = self._clock.now_ns()
        latencies = {name: self.latency(name, now_ns) for name in self.manager.members}
        changes = self.manager.advance(latencies, now_ns)
        self.show()
        self.publish([*changes, *self._seams()])

    def look(self, interval_ns: int) -> None:
        """Look for silent streams; called every `interval_ns`."""
        witnesses = [m.name for m in self.manager.members.values() if m.usable_since_ns is not None and not m.synthetic]
        verdicts = self.watch.look(
            self._feeds,
            witnesses,
            interval_ns=interval_ns,
            monotonic_ns=self._clock.monotonic_ns(),
            now_ns=self._clock.now_ns(),
        )
        for name, silence in verdicts.items():
            known = self.manager.members[name].silent
            if silence is None:
                self.manager.on_silent(name, None)
            elif known is None:
                self.manager.on_silent(name, silence.words)

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
        """Return a stream's delay behind its own times, or a polled provider's round trip."""
        streamed = self._streams.get(name)
        if streamed is None:
            return self.manager.members[name].health.latency(now_ns)
        return percentiles(streamed[0].delays_ns())

    def show(self) -> None:
        """Let the board follow the roles and the fitness of lines, in this call."""
        manager = self.manager
        if manager.version != self._shown_version:
            self._shown_version = manager.version
            self._waiting = self._board.show(manager.showing, list(self._board.entries), self._clock.now_ns())
        elif self._waiting:
            self._waiting = self._board.show(manager.showing, self._waiting, self._clock.now_ns())

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
            )
            self.events.append(event)
            if change.kind == "role":
                self.last_role_change = event
            _log.info(
                change.kind,
                provider=change.provider,
                before=change.before,
                after=change.after,
                cause=change.cause,
                symbol=change.symbol,
                route=change.route,
            )
