"""Wires the judge into the gateway: looks on the timer, tells the conductor and the event log what it found."""

from collections.abc import Callable, Sequence
from datetime import date

from firmquote.board import Board, Feed, Line
from firmquote.model import NS_PER_MS, NS_PER_S, Reason, Session
from firmquote.routing import Blame, Change
from firmquote.runtime.conductor import Conductor
from firmquote.runtime.config import QualitySection
from firmquote.runtime.judging import Judge, Judgement
from firmquote.runtime.stale_lines import StaleLines
from firmquote.runtime.steady import SteadyClock
from firmquote.runtime.turns import Work

STALL_NS = 300 * NS_PER_MS
"""Between two looks; more means that we stood still, and what is read then is late because of us."""
DRAIN_NS = NS_PER_S
SOURCE = "quality"
"""How the roles know who objects to a line."""
_WRONG = frozenset({Reason.DIVERGENT, Reason.REPEATING, Reason.UNCHANGED, Reason.CLOCK_SKEW, Reason.SIZE_UNITS})
"""What such a line shows is wrong itself; in all other cases its last good quote still stands."""
TOLD_MAX = 5
"""Verdicts of one provider told one by one in one look; of more only their number and the first."""


class QualityDesk:
    """Called by the timer in the event loop's thread."""

    def __init__(
        self,
        board: Board,
        feeds: dict[str, Feed],
        streamed: Sequence[str],
        policy: QualitySection,
        clock: SteadyClock,
        conductor: Conductor,
        today: Callable[[int], date | None],
    ) -> None:
        self.judge = Judge(board, feeds, streamed, policy.fitness, policy.clocks)
        polled = [name for name, feed in feeds.items() if name not in streamed and not feed.synthetic]
        self._stale = StaleLines(board, conductor.manager, polled)
        self._board = board
        self._clock = clock
        self._conductor = conductor
        self._today = today
        self._streamed = streamed
        self._feeds = feeds
        self._future = dict.fromkeys(streamed, 0)
        self._looked_ns: int | None = None
        self._resting_until_ns = 0
        self._blamed_ns: int | None = None
        self._unfit: set[Line] = set()

    @property
    def clock_steps(self) -> int:
        """How often our own wall clock stepped."""
        return self._clock.steps

    def forget(self, symbol: str) -> None:
        """What was found of a symbol counts no more: somebody who knows has settled it."""
        self.judge.forget(symbol)
        for line in [line for line in self._unfit if line.entry.symbol == symbol]:
            self._unfit.remove(line)
            self._conductor.manager.on_line(line.provider, symbol, SOURCE, None, self._clock.now_ns())

    def look(self, session: Session) -> Work:
        """Judge, unless we stood still just now."""
        monotonic_ns = self._clock.monotonic_ns()
        if self._looked_ns is not None and monotonic_ns - self._looked_ns > STALL_NS:
            self._resting_until_ns = monotonic_ns + DRAIN_NS
        self._looked_ns = monotonic_ns
        self._look_at_our_clock()
        if monotonic_ns < self._resting_until_ns:
            return
        now_ns = self._clock.now_ns()
        self._stale.look(now_ns)
        yield
        changes: list[Judgement] = []
        for some in self.judge.look(now_ns, session=session, today=self._today(now_ns)):
            self._object(some, now_ns)
            changes += some
            yield
        if changes:
            self._conductor.publish(_told(changes, now_ns))
        self._blame_ourselves(now_ns)

    def _object(self, changes: Sequence[Judgement], now_ns: int) -> None:
        """Let the roles follow: an unfit line loses its symbol while another real one has a price of it."""
        for change in changes:
            line = self._board.entries[change.symbol].lines[change.provider]
            if change.verdict is not None and change.verdict.excludes:
                self._unfit.add(line)
            elif line in self._unfit:
                self._unfit.remove(line)
                self._conductor.manager.on_line(line.provider, line.entry.symbol, SOURCE, None, now_ns)
        for line in self._unfit:
            verdict, others = line.verdict, line.entry.lines.values()
            assert verdict is not None
            saved = any(o is not line and self._saves(o) for o in others)
            words = verdict.words if saved and not verdict.quarantines else None
            bars = verdict.reason in _WRONG
            self._conductor.manager.on_line(line.provider, line.entry.symbol, SOURCE, words, now_ns, bars=bars)

    def _saves(self, other: Line) -> bool:
        usable = self._conductor.manager.members[other.provider].usable
        return usable and other.has_price and other not in self._unfit and not other.feed.synthetic

    def _look_at_our_clock(self) -> None:
        floors = [floor for name in self._streamed if (floor := self.judge.feeds.floor_ns(name)) is not None]
        refused = {name: self._feeds[name].refused.get(Reason.FROM_THE_FUTURE, 0) for name in self._streamed}
        step = self._clock.look(
            floors,
            from_the_future=any(refused[name] > self._future[name] for name in refused),
            somebody_may_tell=any(self._feeds[name].frames for name in self._streamed),
        )
        self._future = refused
        if step is None:
            return
        if step.adopted:
            self.judge.feeds.forget_delays()
        after = "adopted" if step.adopted else "ignored"
        self._tell_of_our_clock(after, step.words, self._clock.now_ns())

    def _blame_ourselves(self, now_ns: int) -> None:
        offset_ns, before_ns = self.judge.feeds.own_offset_ns, self._blamed_ns
        if (offset_ns is None) == (before_ns is None):
            return
        self._blamed_ns = offset_ns
        if offset_ns is None:
            self._tell_of_our_clock("right", "the providers' times agree with our clock again", now_ns)
        else:
            words = f"all streams are {offset_ns / NS_PER_S:+.1f} s from our clock: set it right (NTP)"
            self._tell_of_our_clock("wrong", words, now_ns)

    def _tell_of_our_clock(self, after: str, words: str, now_ns: int) -> None:
        change = Change(
            at_ns=now_ns, kind="clock", provider="", before=None, after=after, cause=words, blame=Blame.CLOCK
        )
        self._conductor.publish([change])


def _told(changes: Sequence[Judgement], now_ns: int) -> list[Change]:
    told: list[Change] = []
    for provider in dict.fromkeys(change.provider for change in changes):
        own = [change for change in changes if change.provider == provider]
        told += [_change(change, now_ns) for change in own[:TOLD_MAX]]
        if len(own) > TOLD_MAX:
            more = f"and {len(own) - TOLD_MAX} more symbols"
            told.append(Change(at_ns=now_ns, kind="quality", provider=provider, before=None, after=None, cause=more))
    return told


def _change(change: Judgement, now_ns: int) -> Change:
    verdict = change.verdict
    words = "fit again" if verdict is None else verdict.words
    return Change(
        at_ns=now_ns,
        kind="quality",
        provider=change.provider,
        before=None if change.before is None else change.before.reason.value,
        after=None if verdict is None else verdict.reason.value,
        cause=words,
        symbol=change.symbol,
        blame=None if verdict is None else Blame.PROVIDER,
    )
