"""Watches single symbols of live streams: some may be dropped from a subscription while all the others go on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from firmquote.board import Board, Entry, Line
from firmquote.model import NS_PER_S, Session
from firmquote.quality import LineMeter, SilencePolicy
from firmquote.runtime.turns import Turns, portions
from firmquote.runtime.watch import is_away, polled_weight

ROWS_AT_ONCE = 25
"""Symbols that are looked at before others may go first."""
ROWS_PER_LOOK = 150
"""Symbols of a look; a larger board is looked at in turns."""
AWAY_ROUNDS = 5
"""How many looks at a symbol pass between two comparisons with the prices of other providers."""
RESUBSCRIBE_AFTER_NS = 30 * NS_PER_S
"""Between two attempts to have a frozen symbol sent again; doubles with each attempt that did not help."""
ATTEMPTS_MAX = 8
"""Doublings; then it is tried at this pace."""


class LineVerdict(Struct, frozen=True):
    """A line froze (`words`), or speaks again (`None`)."""

    provider: str
    symbol: str
    words: str | None


class Resubscriber(Protocol):
    """Has a provider send a symbol again."""

    def __call__(self, provider: str, symbol: str) -> None: ...


class _WatchedLine:
    __slots__ = ("attempts", "due_ns", "frozen", "line", "meter", "received_ns")

    def __init__(self, line: Line, now_ns: int) -> None:
        self.line = line
        self.meter = LineMeter(now_ns)
        self.received_ns = line.received_ns
        self.frozen = False
        self.attempts = 0
        self.due_ns = 0


class FrozenLines:
    """Called by the timer, after the streams were judged: a line is blamed only while its stream is well."""

    def __init__(self, board: Board, policy: SilencePolicy, resubscribe: Resubscriber) -> None:
        self._board = board
        self._policy = policy
        self._resubscribe = resubscribe
        self._rows: list[tuple[Entry, list[_WatchedLine]]] = []
        self._meters: dict[tuple[str, str], LineMeter] = {}
        self._turns = Turns(self._rows, ROWS_PER_LOOK)

    def watch(self, provider: str, now_ns: int) -> None:
        """Watch every line of this stream from now on."""
        rows = {entry.symbol: watched for entry, watched in self._rows}
        for symbol, entry in self._board.entries.items():
            watched = _WatchedLine(entry.lines[provider], now_ns)
            rows.setdefault(symbol, []).append(watched)
            self._meters[provider, symbol] = watched.meter
        self._rows = [(entry, rows[symbol]) for symbol, entry in self._board.entries.items()]
        self._turns = Turns(self._rows, ROWS_PER_LOOK)

    def begin(self, session: Session, now_ns: int) -> None:
        """Another part of the day has begun, with gaps of its own."""
        for meter in self._meters.values():
            meter.begin(session, now_ns)

    def meter(self, provider: str, symbol: str) -> LineMeter | None:
        """Return what is known of one line's gaps, or `None` where it is no stream's."""
        return self._meters.get((provider, symbol))

    def look(self, well: Mapping[str, bool], *, stalled: bool, monotonic_ns: int) -> Iterator[list[LineVerdict]]:
        """Yield the lines that froze or thawed, some symbols at a time. `well` says which streams are usable now."""
        rows = self._turns.next()
        compare = self._turns.rounds % AWAY_ROUNDS == 0
        for some in portions(rows, ROWS_AT_ONCE):
            yield self._look_at(some, well, stalled=stalled, compare=compare, monotonic_ns=monotonic_ns)

    def _look_at(
        self,
        rows: Sequence[tuple[Entry, list[_WatchedLine]]],
        well: Mapping[str, bool],
        *,
        stalled: bool,
        compare: bool,
        monotonic_ns: int,
    ) -> list[LineVerdict]:
        verdicts: list[LineVerdict] = []
        for entry, row in rows:
            for watched in row:
                if watched.line.received_ns == watched.received_ns:
                    break
            else:
                for watched in row:  # the usual case on a busy board, without what only the silent need
                    self._speak(watched, verdicts, stalled=stalled, now_ns=monotonic_ns)
                continue
            spoke = [watched.line.received_ns != watched.received_ns for watched in row]
            others = any(
                said and well[watched.line.provider] and not watched.frozen
                for said, watched in zip(spoke, row, strict=True)
            )
            for said, watched in zip(spoke, row, strict=True):
                if said:
                    self._speak(watched, verdicts, stalled=stalled, now_ns=monotonic_ns)
                elif stalled or entry.halted or not well[watched.line.provider]:
                    watched.meter.forgive(monotonic_ns)
                else:
                    watched.meter.peers += others
                    self._judge(entry, watched, well, verdicts, compare=compare, now_ns=monotonic_ns)
        return verdicts

    def _speak(self, watched: _WatchedLine, verdicts: list[LineVerdict], *, stalled: bool, now_ns: int) -> None:
        watched.received_ns = watched.line.received_ns
        watched.meter.speak(now_ns, usual=not stalled and not watched.frozen)
        if watched.frozen:
            watched.frozen = False
            watched.attempts = 0
            verdicts.append(LineVerdict(watched.line.provider, watched.line.entry.symbol, None))

    def _judge(
        self,
        entry: Entry,
        watched: _WatchedLine,
        well: Mapping[str, bool],
        verdicts: list[LineVerdict],
        *,
        compare: bool,
        now_ns: int,
    ) -> None:
        if compare:
            self._compare(entry, watched, well, now_ns)
        words = watched.meter.judge(now_ns, self._policy.lines)
        if words is None:
            return
        line = watched.line
        if not watched.frozen:
            watched.frozen = True
            watched.due_ns = now_ns
            verdicts.append(LineVerdict(line.provider, entry.symbol, words))
        if now_ns >= watched.due_ns:
            watched.due_ns = now_ns + RESUBSCRIBE_AFTER_NS * 2 ** min(watched.attempts, ATTEMPTS_MAX)
            watched.attempts += 1
            self._resubscribe(line.provider, entry.symbol)

    def _compare(self, entry: Entry, watched: _WatchedLine, well: Mapping[str, bool], now_ns: int) -> None:
        line, meter = watched.line, watched.meter
        others = [other for name, other in entry.lines.items() if name != line.provider and well.get(name, False)]
        streams = [other for other in others if (other.provider, entry.symbol) in self._meters]
        weights = [] if streams else [polled_weight(line, other, line.received_ns, self._policy) for other in others]
        meter.polled = max(weights, default=0.0)
        if not any(is_away(line, other, line.received_ns, self._policy) for other in streams):
            meter.moved_ns = None
        elif meter.moved_ns is None:
            meter.moved_ns = now_ns
