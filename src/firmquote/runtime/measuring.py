"""Takes the measures that the gates are judged by, once a second of the rollout's clock."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from firmquote.board import Board, Entry, Feed
from firmquote.decision import view_entry
from firmquote.model import MS_PER_S, NS_PER_MS, USABLE, Session
from firmquote.rollout import Evidence, FurtherGates, Measure, PromotionGates, freshness_limit_s
from firmquote.runtime.comparing import Comparing, find_pair
from firmquote.runtime.conductor import Conductor
from firmquote.runtime.turns import Turns, Work

ENTRIES_PER_TURN = 100
"""Symbols that are measured in one second; those of a larger board take turns."""
ENTRIES_AT_ONCE = 5
"""Symbols that are measured before others may go first."""
COMPARE_EVERY = 5
"""Measures of one symbol between two comparisons of decisions: neighbours are too much alike to count as evidence."""


class HotPathCounts(Struct, frozen=True):
    """What the guard of the decision path has counted since the start."""

    decisions: int
    live_calls: int


class Measuring:
    """Reads the live objects; keeps only what it has seen of the counters."""

    def __init__(
        self,
        evidence: Evidence,
        limits: PromotionGates,
        further: FurtherGates,
        board: Board,
        feeds: Mapping[str, Feed],
        conductor: Conductor,
        comparing: Comparing,
        *,
        hot_path: Callable[[], HotPathCounts],
        budget_left_pct: Callable[[str], float | None],
    ) -> None:
        self._evidence = evidence
        self._limits = limits
        self._further = further
        self._board = board
        self._feeds = feeds
        self._conductor = conductor
        self._comparing = comparing
        self._hot_path = hot_path
        self._budget_left_pct = budget_left_pct
        self._frames = {name: feed.frames for name, feed in feeds.items()}
        self._requests: dict[str, int] = {}
        self._counted = HotPathCounts(0, 0)
        self._turns = Turns(list(board.entries.values()), ENTRIES_PER_TURN)

    def reconfigure(self, evidence: Evidence, limits: PromotionGates, further: FurtherGates) -> None:
        """Measure for other gates from now on."""
        self._evidence, self._limits, self._further = evidence, limits, further

    def take(self, session: Session, board_ns: int, now_ns: int) -> Work:
        """Measure now: `board_ns` by the clock of the quotes, `now_ns` by the rollout's.

        What is switched off says nothing about the provider, so only live calls within decisions are counted then.
        """
        self._count_live_calls(now_ns)
        restrictions = self._board.restrictions
        if restrictions.live_off:
            return
        ages_s: list[float] = []
        for number, entry in enumerate(self._turns.next(), 1):
            if entry.symbol in restrictions.symbols_off:
                continue
            self._look(entry, session, board_ns, now_ns, ages_s)
            if session is not Session.CLOSED:
                decide = (self._turns.rounds + number) % COMPARE_EVERY == 0
                self._compare(entry, session, board_ns, now_ns, decide=decide)
            if number % ENTRIES_AT_ONCE == 0:
                yield
        if ages_s:
            ages_s.sort()
            self._evidence.freshness_s = ages_s[min(len(ages_s) - 1, int(0.95 * len(ages_s)))]
        for name in self._serving():
            self._measure_latency(name, board_ns, now_ns)
        self._measure_budget()

    def _count_live_calls(self, now_ns: int) -> None:
        counts = self._hot_path()
        decisions = counts.decisions - self._counted.decisions
        bad = counts.live_calls - self._counted.live_calls
        self._counted = counts
        self._evidence.count(Measure.LIVE_CALLS, max(0, decisions - bad), max(decisions, bad), now_ns)

    def _look(self, entry: Entry, session: Session, board_ns: int, now_ns: int, ages_s: list[float]) -> None:
        line = entry.elected
        if line is None or line.feed.synthetic:
            self._evidence.count(Measure.SUCCESS, 0, 1, now_ns)
            return
        member = self._conductor.manager.members[line.provider]
        self._evidence.count(Measure.SUCCESS, int(member.usable), 1, now_ns)
        if session is Session.CLOSED:
            return
        view = view_entry(self._board, entry, board_ns)
        self._evidence.count(Measure.CACHE, int(view.grade >= USABLE), 1, now_ns)
        if view.age_ms is not None:
            age_s = view.age_ms / MS_PER_S
            ages_s.append(age_s)
            limit_s = freshness_limit_s(self._further, regular=session is Session.REGULAR)
            self._evidence.count(Measure.FRESHNESS, int(age_s <= limit_s), 1, now_ns)

    def _compare(self, entry: Entry, session: Session, board_ns: int, now_ns: int, *, decide: bool) -> None:
        pair = find_pair(self._board, entry, board_ns)
        if pair is None:
            return
        matches = pair.matches(self._further.mismatch_bps)
        self._evidence.compare_price(entry.symbol, matches=matches, now_ns=now_ns)
        found = self._comparing.compare(pair, board_ns)
        if found is not None and decide:
            self._evidence.compare_decision(
                "regular" if session is Session.REGULAR else "outside", differs=found.differs, loss_bps=found.loss_bps
            )

    def _measure_latency(self, name: str, board_ns: int, now_ns: int) -> None:
        feed = self._feeds[name]
        limit_ns = int(self._limits.max_p95_latency_ms * NS_PER_MS)
        delays_ns, self._frames[name] = feed.delays_since(self._frames[name])
        health = self._conductor.manager.members[name].health
        fresh = health.newest(health.requests - self._requests.get(name, 0))
        self._requests[name] = health.requests
        trips_ns = [outcome.latency_ns for outcome in fresh if outcome.latency_ns is not None]
        self._evidence.count(
            Measure.SUCCESS, sum(o.ok for o in fresh if o.latency_ns is not None), len(trips_ns), now_ns
        )
        taken_ns = delays_ns or trips_ns
        self._evidence.count(Measure.LATENCY, sum(taken <= limit_ns for taken in taken_ns), len(taken_ns), now_ns)
        self._evidence.latency_ms = self._conductor.latency(name, board_ns).p95_ms

    def _measure_budget(self) -> None:
        left = [self._budget_left_pct(name) for name in self._serving()]
        known = [pct for pct in left if pct is not None]
        self._evidence.budget_unlimited = not known
        self._evidence.budget_left_pct = min(known, default=None)

    def _serving(self) -> list[str]:
        shown = {entry.elected.provider for entry in self._board.entries.values() if entry.elected is not None}
        return sorted(name for name in shown if not self._feeds[name].synthetic)
