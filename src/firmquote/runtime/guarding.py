"""HotpathGuard at work: forbids live calls within decisions, measures them, throttles and stops."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from firmquote.board import Board
from firmquote.decision import view_entries
from firmquote.errors import HotpathViolation
from firmquote.model import NS_PER_MS, NS_PER_S, USABLE, Clock, Session
from firmquote.model.hotpath import NoLiveCalls, check_live_call
from firmquote.runtime.measuring import HotPathCounts
from firmquote.safety import GuardPolicy, GuardReading, GuardState, HotpathGuard

FORBIDDEN = frozenset({"socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request", "subprocess.Popen"})
"""What Python itself tells of; uvloop's own connections are told of by `wire`."""
T = TypeVar("T")
_log = structlog.get_logger("firmquote")
_installed = False


def forbid_sockets() -> None:
    """Let Python refuse network calls within decisions, whoever makes them; once a process, and for good."""
    global _installed  # noqa: PLW0603 - an audit hook cannot be taken back, so it is installed once
    if not _installed:
        _installed = True
        sys.addaudithook(_on_audit)


def _on_audit(event: str, _: tuple[object, ...]) -> None:
    if event in FORBIDDEN:
        check_live_call(event)


class Guarding:
    """Owns the guard of the process. `run` runs a decision under it."""

    def __init__(self, policy: GuardPolicy, board: Board, clock: Clock) -> None:
        self.guard = HotpathGuard(policy)
        self.decisions = 0
        self._no_live_calls = NoLiveCalls(self.guard)
        self._board = board
        self._clock = clock
        self._looks = self._failures = 0
        self._next_ns = clock.monotonic_ns() + int(policy.evaluate_every_s * NS_PER_S)
        self._ready = False
        """Whether the board has been full of usable quotes; a gateway that has just begun breaches nothing."""

    def run_each(self, items: Sequence[T], decide: Callable[[T, int], object], now_ns: int) -> None:
        """Decide on each of `items` without live calls; a decision that tries one has failed, and the next is made."""
        with self._no_live_calls:
            for item in items:
                try:
                    decide(item, now_ns)
                except HotpathViolation as error:
                    self._failures += 1
                    _log.error("hot_path", trouble=str(error))
        self.decisions += len(items)
        self._looks += len(items)

    def counts(self) -> HotPathCounts:
        """Return what was counted since the start."""
        return HotPathCounts(self.decisions, self.guard.live_calls)

    def evaluate(
        self, session: Session, *, read_latencies_ns: Callable[[], Sequence[int]], budget_left_pct: float | None
    ) -> GuardState | None:
        """Judge where it is time; `None` where it is not. The latencies are those of the last decisions, sorted."""
        now_ns = self._clock.monotonic_ns()
        strict_breach = self.guard.policy.strict and self.guard.has_new_live_calls
        if now_ns < self._next_ns and not strict_breach:
            return None
        self._next_ns = now_ns + int(self.guard.policy.evaluate_every_s * NS_PER_S)
        usable = self._usable()
        self._ready = self._ready or usable >= self.guard.policy.min_cache_hit_rate * len(self._board.entries)
        looks, self._looks = self._looks, 0
        failures, self._failures = self._failures, 0
        switched_off = self._board.restrictions.live_off  # on purpose: nobody expects a usable quote then
        counts_hits = self._ready and session is Session.REGULAR and not switched_off
        hits = round(looks * usable / len(self._board.entries)) if counts_hits else None
        latencies_ns = read_latencies_ns()
        p95_ns = latencies_ns[int(0.95 * len(latencies_ns))] if latencies_ns else None
        return self.guard.evaluate(
            GuardReading(
                looks=looks,
                hits=hits,
                failures=failures,
                p95_latency_ms=None if p95_ns is None else p95_ns / NS_PER_MS,
                budget_left_pct=budget_left_pct,
            )
        )

    def _usable(self) -> int:
        views = view_entries(self._board, list(self._board.entries.values()), self._clock.now_ns())
        return sum(view.graded.grade >= USABLE for view in views)
