"""What is remembered of one line between two looks of the judge."""

from collections.abc import Sequence
from math import sqrt

from firmquote.board import Line
from firmquote.model import BPS, NS_PER_MS, NS_PER_S, LastPrice, Price, Quote, Reason, Tick
from firmquote.quality import Finding, Fitness, FitnessPolicy, Standstill, Trail, age_ns, is_left

PEER_CHANGES_MIN = 5
"""So many changes elsewhere show that the market moves."""
ABSURD = 3
"""After so many times the repeats, and half as many times the time, one change elsewhere is enough."""
MEMORY = 0.97
"""How much of a symbol's measured wildness is left after a second: half of it after 23."""


class LineWatch:
    """Mutable; below a kilobyte."""

    __slots__ = (
        "_before", "_peers_changed", "_repeats", "_repeats_ns", "_second_ns", "_seen", "_standstill",
        "_variance", "changes", "fitness", "is_last_price", "line", "trail",
    )  # fmt: skip

    def __init__(self, line: Line) -> None:
        self.line = line
        self.trail = Trail()
        self.fitness = Fitness()
        self.is_last_price = False
        self.changes = 0
        """Looks that saw another bid, ask or size than the look before."""
        self._standstill = Standstill()
        self._seen: Tick | Quote | LastPrice | None = None
        self._repeats = 0
        self._repeats_ns = 0
        self._peers_changed: int | None = None
        self._before: Price | None = None
        self._variance = 0.0
        self._second_ns = 0

    @property
    def mid(self) -> Price:
        """The middle of the newest bid and ask."""
        return (self.trail.bid + self.trail.ask) / 2

    def sample(self, now_ns: int) -> None:
        """Take in what the line says now, if that is new."""
        line = self.line
        newest = line.tick or line.made or line.last
        if newest is self._seen or newest is None:
            return
        before, self._seen = self._seen, newest
        if isinstance(newest, LastPrice):
            self.is_last_price = True
            bid = ask = newest.price
            same = isinstance(before, LastPrice) and before.price == newest.price
            self._standstill.note_answer(same=same)
            if same:
                self.trail.note(line.accepted_ns, bid, ask)
                return
        else:
            self.is_last_price = False
            bid, ask = newest.bid or 0.0, newest.ask or 0.0
            if not bid or not ask:
                return
            if _says_the_same(before, newest):
                if not self._repeats:
                    self._repeats_ns = now_ns
                self._repeats += 1
                return
        self._repeats = 0
        self._peers_changed = None
        self.changes += 1
        self.trail.note(line.accepted_ns, bid, ask)

    def repeating(self, watches: Sequence["LineWatch"], policy: FitnessPolicy, now_ns: int) -> Finding | None:
        """Say whether one quote comes again and again while the market moves elsewhere."""
        if not self._repeats:
            return None
        changed = sum(watch.changes for watch in watches if watch is not self)
        if self._peers_changed is None:
            self._peers_changed = changed
        lasted_ns = now_ns - self._repeats_ns
        if self._repeats < policy.repeats_min or lasted_ns < policy.repeats_ms * NS_PER_MS:
            return None
        absurd = (
            self._repeats >= ABSURD * policy.repeats_min and lasted_ns >= ABSURD * policy.repeats_ms * NS_PER_MS // 2
        )
        if changed - self._peers_changed < (1 if absurd else PEER_CHANGES_MIN):
            return None
        words = f"the same quote {self._repeats} times in {lasted_ns / NS_PER_S:.1f} s, while it changed elsewhere"
        return Finding(Reason.REPEATING, words)

    def standing(self, witnesses: Sequence["LineWatch"], policy: FitnessPolicy, now_ns: int) -> Finding | None:
        """Say whether this last price is repeated although bid and ask have left it elsewhere."""
        price, window_ns = self.trail.bid, policy.window_ms * NS_PER_MS
        found = None
        for other in witnesses:
            if other is self or not other.testifies:
                continue
            bid, ask = other.trail.bid, other.trail.ask
            if is_left(price, bid, ask, ask - bid, policy):
                low, high = other.trail.extent(now_ns - window_ns)
                quote = other.line.quote
                if quote is None or age_ns(quote, now_ns) > policy.fresh_ms * NS_PER_MS:
                    continue  # a late stream moves too
                if is_left(price, low, high, ask - bid, policy):
                    name = other.line.provider
                    found = self._standstill.note_away(name, price, other.mid, other.changes, now_ns=now_ns) or found
                    continue
            self._standstill.note_agreement(other.line.provider)
            return None
        return found

    def rest(self) -> None:
        """The market rests: what it repeats meanwhile is no standstill."""
        self._standstill.forget()

    @property
    def testifies(self) -> bool:
        """Whether its bid and ask may be held against a last price."""
        verdict = self.line.verdict
        return not self.is_last_price and (verdict is None or not verdict.excludes)

    def second_is_over(self, now_ns: int) -> bool:
        """Say whether a second has passed since this was last true."""
        if now_ns - self._second_ns < NS_PER_S:
            return False
        self._second_ns = now_ns
        return True

    def measure_moves(self) -> None:
        """Called once a second: learn how much the price moves in that time, and let the line's band know."""
        before, self._before = self._before, self.mid
        if before is None:
            return
        move_bps = (self.mid / before - 1) * BPS
        self._variance = MEMORY * self._variance + (1 - MEMORY) * move_bps * move_bps
        self.line.band.deviation_bps = sqrt(self._variance)


def _says_the_same(before: Tick | Quote | LastPrice | None, newest: Tick | Quote) -> bool:
    if before is None or isinstance(before, LastPrice) or (before.bid, before.ask) != (newest.bid, newest.ask):
        return False
    return _sizes(before) == _sizes(newest)


def _sizes(newest: Tick | Quote) -> tuple[int, int]:
    if isinstance(newest, Quote):
        return newest.bid_size_shares, newest.ask_size_shares
    return newest.bid_size, newest.ask_size
