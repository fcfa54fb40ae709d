"""Judges every provider for every symbol, on the timer: puts each line's verdict on the board. Reads no clock.

Nothing here is on the hot path. A look takes in what has changed since the last one, at most `ENTRIES_PER_LOOK`
symbols, so that a large board is judged a little less often; and `ENTRIES_AT_ONCE` before others may go first.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct

from firmquote.board import Board, Entry, Feed, Line, believed_elsewhere
from firmquote.model import BPS, NS_PER_MS, FeedClass, Price, Reason, Session
from firmquote.quality import (
    ClockPolicy,
    Finding,
    FitnessPolicy,
    Said,
    ShadowMeter,
    Verdict,
    explain_claim,
    find_outliers,
    judge_trading_day,
)
from firmquote.runtime.feed_watch import FeedWatch
from firmquote.runtime.line_watch import LineWatch
from firmquote.runtime.turns import Turns, portions

ENTRIES_PER_LOOK = 50
ENTRIES_AT_ONCE = 5
MAPPING_BPS = 10.0
"""A claimed price so near to another symbol's is that symbol's."""
_LATE = frozenset({FeedClass.DELAYED, FeedClass.END_OF_DAY})
_CLAIMS = frozenset({Reason.JUMP, Reason.SPLIT_MISMATCH, Reason.PRICE_UNITS, Reason.WRONG_MAPPING})
_HARMLESS = frozenset({Reason.DUPLICATE})
"""A quiet line may repeat its last quote; its age says all."""


class Judgement(Struct, frozen=True):
    """A verdict that began, changed or (`None`) ended."""

    provider: str
    symbol: str
    before: Verdict | None
    verdict: Verdict | None


class Judge:
    """Owns what is remembered of lines and feeds between looks; the verdicts themselves are on the lines."""

    def __init__(
        self,
        board: Board,
        feeds: Mapping[str, Feed],
        streamed: Sequence[str],
        policy: FitnessPolicy,
        clocks: ClockPolicy,
    ) -> None:
        self.policy = policy
        self._large = policy.for_large_differences()
        self.shadows = {name: ShadowMeter() for name, feed in feeds.items() if not feed.synthetic}
        self.counts: dict[tuple[str, Reason], int] = {}
        """How often each provider was found unfit, and why."""
        self.feeds = FeedWatch(feeds, streamed, clocks)
        self._board = board
        self._rows: dict[str, Sequence[LineWatch]] = {}
        """Symbol → the watches of its real lines."""
        self._turns = Turns(list(board.entries.values()), ENTRIES_PER_LOOK)
        self._prices: dict[str, Price] | None = None

    def look(self, now_ns: int, *, session: Session, today: date | None) -> Iterator[list[Judgement]]:
        """Judge the next symbols; yields what changed, some symbols at a time."""
        self._prices = None
        self.feeds.look(now_ns)
        for some in portions(self._turns.next(), ENTRIES_AT_ONCE):
            yield [judgement for entry in some for judgement in self._judge(entry, now_ns, session, today)]

    def forget(self, symbol: str) -> None:
        """What was seen of a symbol is in other terms now: a split, another name."""
        self._rows.pop(symbol, None)
        for line in self._board.entries[symbol].lines.values():
            line.verdict = line.refusals = None

    def _judge(self, entry: Entry, now_ns: int, session: Session, today: date | None) -> Iterator[Judgement]:
        watches = self._rows.get(entry.symbol) or self._row(entry)
        for watch in watches:
            watch.sample(now_ns)
        second = bool(watches) and watches[0].second_is_over(now_ns)
        alone = len(watches) < 2  # then there is nobody to compare with, but for how much it moves in a second
        fresh = [] if alone and not second else [watch for watch in watches if self._takes_part(watch, now_ns)]
        still = {} if alone else self._standing(entry, watches, fresh, session, now_ns)
        voices = [watch for watch in fresh if watch.line.provider not in still] if still else fresh
        outliers = {} if entry.halted or _all_overlap(voices, self.policy) else self._outliers(voices, now_ns)
        for watch in watches:
            name = watch.line.provider
            finding = still.get(name) or outliers.get(name) or self._further(watch, watches, session, today, now_ns)
            before = watch.line.verdict
            if self._note(watch, finding, now_ns):
                verdict = watch.line.verdict = watch.fitness.verdict
                self._board.touch(entry)
                if verdict is not None:
                    key = (watch.line.provider, verdict.reason)
                    self.counts[key] = self.counts.get(key, 0) + 1
                yield Judgement(watch.line.provider, entry.symbol, before, verdict)
        if second:
            self._second(entry, fresh, session, now_ns)

    def _note(self, watch: LineWatch, finding: Finding | None, now_ns: int) -> bool:
        refused = self._refused(watch, now_ns)
        if refused is not None:
            return watch.fitness.condemn(refused, now_ns=now_ns)
        return watch.fitness.note(finding, self.policy, now_ns=now_ns)

    def _row(self, entry: Entry) -> Sequence[LineWatch]:
        row = [LineWatch(line) for line in entry.lines.values() if not line.feed.synthetic]
        self._rows[entry.symbol] = row
        return row

    def _takes_part(self, watch: LineWatch, now_ns: int) -> bool:
        line = watch.line
        if watch.trail.at_ns == 0 or line.accepted_ns < max(line.since_ns, line.entry.resumed_ns):
            return False
        if self._is_late(line):
            return False
        return now_ns - line.accepted_ns <= self.policy.fresh_ms * NS_PER_MS

    def _is_late(self, line: Line) -> bool:
        feed_finding = self.feeds.findings.get(line.provider)
        if line.feed.feed_class in _LATE:
            return True
        return feed_finding is not None and feed_finding.reason is Reason.DELAYED

    def _standing(
        self,
        entry: Entry,
        watches: Sequence[LineWatch],
        fresh: Sequence[LineWatch],
        session: Session,
        now_ns: int,
    ) -> Mapping[str, Finding]:
        """Who repeats a last price that the market has left, however rarely it is asked; it has no voice then."""
        still: dict[str, Finding] = {}
        for watch in watches:
            if not watch.is_last_price:
                continue
            if entry.halted or session is not Session.REGULAR or self._is_late(watch.line):
                watch.rest()
            elif (finding := watch.standing(fresh, self.policy, now_ns)) is not None:
                still[watch.line.provider] = finding
        return still

    def _outliers(self, fresh: Sequence[LineWatch], now_ns: int) -> Mapping[str, Finding]:
        """A small difference must outlast the window in which one may tell later than another, a large one less."""
        policy = self.policy
        said = self._said(fresh, now_ns - policy.window_ms * NS_PER_MS)
        found = find_outliers(said, policy)
        if found:
            return found
        return find_outliers(self._said(fresh, now_ns - policy.large_window_ms * NS_PER_MS), self._large)

    def _said(self, fresh: Sequence[LineWatch], from_ns: int) -> list[Said]:
        return [
            Said(
                watch.line.provider,
                *watch.trail.extent(from_ns),
                watch.mid,
                watch.trail.ask - watch.trail.bid,
                watch.is_last_price,
            )
            for watch in fresh
        ]

    def _further(
        self, watch: LineWatch, watches: Sequence[LineWatch], session: Session, today: date | None, now_ns: int
    ) -> Finding | None:
        """What else may be wrong with a line that nobody contradicts."""
        repeating = watch.repeating(watches, self.policy, now_ns)
        if repeating is not None:
            return repeating
        last = watch.line.last
        if last is not None:
            stuck = judge_trading_day(watch.line.feed.feed_class, last.trading_day, today, session)
            if stuck is not None:
                return stuck
        return self.feeds.findings.get(watch.line.provider)

    def _refused(self, watch: LineWatch, now_ns: int) -> Finding | None:
        """What follows from a line whose every price is refused."""
        line, policy = watch.line, self.policy
        row = line.refusals
        if row is None or row.since_ns < line.accepted_ns or row.reason in _HARMLESS:
            return None
        if row.count < policy.refusals_min or now_ns - row.since_ns < policy.refusing_ms * NS_PER_MS:
            return None
        claim = line.band.claim
        if row.reason is not Reason.JUMP or claim is None:
            return Finding(row.reason, f"{row.count} prices in a row were refused as {row.reason.value}")
        known = line.verdict
        peer = self._stands_by(line, claim.before, now_ns)
        if known is not None and known.reason in _CLAIMS and known.quarantines is (peer is None):
            return Finding(known.reason, known.words, quarantines=known.quarantines)
        others = {} if peer is None else self._other_prices(line.entry.symbol)
        return explain_claim(claim, contradicted_by=peer, others=others, near_bps=MAPPING_BPS)

    def _stands_by(self, line: Line, price: Price, now_ns: int) -> str | None:
        policy = self._board.plausibility
        return next(
            (name for name, other in believed_elsewhere(line, policy, now_ns=now_ns)
             if abs(other / price - 1) * BPS <= policy.jump_bps_max),
            None,
        )  # fmt: skip

    def _other_prices(self, symbol: str) -> dict[str, Price]:
        if self._prices is None:
            self._prices = {
                entry.symbol: watch.mid
                for entry in self._board.entries.values()
                for watch in self._rows.get(entry.symbol, ())
                if watch.line is entry.elected and watch.trail.at_ns
            }
        return {name: price for name, price in self._prices.items() if name != symbol}

    def _second(self, entry: Entry, fresh: Sequence[LineWatch], session: Session, now_ns: int) -> None:
        """Once a second: how much the symbol moves, and how the others compare with what is shown."""
        for watch in fresh:
            watch.measure_moves()
        self.feeds.compare(fresh)
        shown = next((watch for watch in fresh if watch.line is entry.elected), None)
        if shown is None or entry.halted or len(fresh) == 1:
            return
        around = shown.trail.extent(now_ns - self.policy.window_ms * NS_PER_MS)
        for watch in fresh:
            if watch is shown:
                continue
            last = watch.is_last_price or shown.is_last_price
            self.shadows[watch.line.provider].compare(
                entry.symbol,
                session,
                (watch.trail.bid, watch.trail.ask),
                around,
                against=shown.line.provider,
                tolerance_bps=self.policy.divergent_bps_min + (self.policy.last_price_bps if last else 0.0),
                now_ns=now_ns,
            )


def _all_overlap(fresh: Sequence[LineWatch], policy: FitnessPolicy) -> bool:
    """The usual case, without looking back: bid and ask of all overlap, or nearly so."""
    if len(fresh) < 2:
        return True
    bid = max(watch.trail.bid for watch in fresh)
    ask = min(watch.trail.ask for watch in fresh)
    return (bid - ask) / ask * BPS <= policy.divergent_bps_min
