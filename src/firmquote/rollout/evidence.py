"""What was measured: counts over a sliding window, comparisons since the stage began. Pure and bounded."""

from collections import deque
from collections.abc import Iterable
from enum import Enum

from firmquote.model import NS_PER_S
from firmquote.rollout.gates import (
    Counted,
    GateReading,
    Severity,
    is_severe,
    judge_level,
    judge_never,
    judge_sequence,
    judge_share,
)
from firmquote.rollout.policy import PromotionGates, RolloutPolicy
from firmquote.rollout.sequential import SequentialMean

BUCKETS = 180
"""Parts of a window; the oldest part leaves as a whole."""
LOSS_CAP_BPS = 20.0
"""A single comparison counts with at most this."""
WARM_SAMPLES = 100
"""Decisions without a live call that it takes to believe that there are none."""


class Measure(Enum):
    """What is counted. The values are contracts: names of gates."""

    SUCCESS = "success_rate"
    LATENCY = "p95_latency_ms"
    CACHE = "cache_hit_rate"
    MISMATCH = "shadow_mismatch_rate"
    FRESHNESS = "freshness_p95_s"
    LIVE_CALLS = "hotpath_live_calls"


BUDGET = "budget_left_pct"
DIFFERENCE = "decision_difference"
LOSS = "decision_loss_bps"
GATES = (*(measure.value for measure in Measure), BUDGET, DIFFERENCE, LOSS)
P95 = 0.95


class Window:
    """Good and all samples of the last `length_ns`, in buckets."""

    def __init__(self, length_ns: int) -> None:
        self._length_ns = length_ns
        self._bucket_ns = max(1, length_ns // BUCKETS)
        self._buckets: deque[tuple[int, int, int]] = deque()
        self._good = self._total = 0

    def add(self, good: int, total: int, now_ns: int) -> None:
        """Count samples."""
        if total == 0:
            return
        self._good += good
        self._total += total
        at_ns = now_ns // self._bucket_ns * self._bucket_ns
        if self._buckets and self._buckets[-1][0] >= at_ns:
            at_ns, had_good, had_total = self._buckets.pop()
            good, total = good + had_good, total + had_total
        self._buckets.append((at_ns, good, total))
        if len(self._buckets) > BUCKETS + 1:
            self._drop()

    def totals(self, now_ns: int) -> tuple[int, int]:
        """Return (good, all) of the window that ends at `now_ns`."""
        while self._buckets and self._buckets[0][0] <= now_ns - self._length_ns:
            self._drop()
        return self._good, self._total

    def clear(self) -> None:
        """Forget all."""
        self._buckets.clear()
        self._good = self._total = 0

    def _drop(self) -> None:
        _, good, total = self._buckets.popleft()
        self._good -= good
        self._total -= total


class Evidence:
    """Everything that the gates of one gateway are judged by."""

    def __init__(self, limits: PromotionGates, policy: RolloutPolicy, symbols: Iterable[str]) -> None:
        self._limits = limits
        self.further = policy.gates
        """The gates' limits that the contract of `/healthz/providers` does not name."""
        self._policy = policy
        self._symbols = tuple(symbols)
        length_ns = int(limits.validation_window_minutes * 60 * NS_PER_S)
        self._windows = {measure: Window(length_ns) for measure in Measure}
        self.latency_ms: float | None = None
        """The p95 that people know the gate by."""
        self.freshness_s: float | None = None
        self.budget_left_pct: float | None = None
        self.budget_unlimited = False
        self._by_session: dict[str, tuple[SequentialMean, SequentialMean]] = {}
        self._by_symbol: dict[str, SequentialMean] = {}

    def count(self, measure: Measure, good: int, total: int, now_ns: int) -> None:
        """Count samples of one measure."""
        self._windows[measure].add(good, total, now_ns)

    def compare_price(self, symbol: str, *, matches: bool, now_ns: int) -> None:
        """Note whether two providers' prices of a symbol agree."""
        self.count(Measure.MISMATCH, int(matches), 1, now_ns)
        test = self._by_symbol.setdefault(symbol, SequentialMean(self._limits.max_shadow_mismatch_rate))
        test.observe(0.0 if matches else 1.0)

    def compare_decision(self, session: str, *, differs: bool, loss_bps: float) -> None:
        """Note what deciding on the candidate's quotes would have changed, and cost."""
        difference, loss = self._by_session.setdefault(
            session,
            (
                SequentialMean(self.further.max_decision_difference),
                SequentialMean(min(0.99, self.further.max_decision_loss_bps / LOSS_CAP_BPS)),
            ),
        )
        difference.observe(1.0 if differs else 0.0)
        loss.observe(min(max(loss_bps, 0.0), LOSS_CAP_BPS) / LOSS_CAP_BPS)

    def bad_symbols(self) -> frozenset[str]:
        """Return the symbols whose own prices are proven to mismatch too often."""
        alpha = self._policy.alpha / max(1, len(self._symbols))
        return frozenset(symbol for symbol, test in self._by_symbol.items() if test.is_above(alpha))

    def forget_symbol(self, symbol: str) -> None:
        """Start anew with one symbol."""
        self._by_symbol.pop(symbol, None)

    def restart(self) -> None:
        """Forget all: another stage begins, and what was measured was measured in the old one."""
        for window in self._windows.values():
            window.clear()
        self._by_session.clear()

    def read(self, session: str, now_ns: int) -> dict[str, GateReading]:
        """Return what every gate says."""
        limits = self._limits
        readings = {
            Measure.SUCCESS.value: self._share(Measure.SUCCESS, limits.min_success_rate, now_ns),
            Measure.LATENCY.value: self._share(
                Measure.LATENCY, P95, now_ns, threshold=limits.max_p95_latency_ms, unit="ms", current=self.latency_ms
            ),
            Measure.CACHE.value: self._share(Measure.CACHE, limits.min_cache_hit_rate, now_ns),
            Measure.MISMATCH.value: self._mismatch(now_ns),
            Measure.FRESHNESS.value: self._share(
                Measure.FRESHNESS,
                P95,
                now_ns,
                threshold=self.further.max_freshness_s,
                unit="s",
                current=self.freshness_s,
            ),
        }
        good, total = self._windows[Measure.LIVE_CALLS].totals(now_ns)
        readings[Measure.LIVE_CALLS.value] = judge_never(total - good, total, WARM_SAMPLES, unit="calls")
        readings[BUDGET] = judge_level(
            self.budget_left_pct, self.further.min_budget_left_pct, unit="%", unlimited=self.budget_unlimited
        )
        difference, loss = self._by_session.get(session, (None, None))
        readings[DIFFERENCE] = judge_sequence(
            difference,
            self._policy,
            gates=len(GATES),
            threshold=self.further.max_decision_difference,
            unit="share",
            scale=1,
        )
        readings[LOSS] = judge_sequence(
            loss,
            self._policy,
            gates=len(GATES),
            threshold=self.further.max_decision_loss_bps,
            unit="bps",
            scale=LOSS_CAP_BPS,
        )
        return readings

    def _share(
        self,
        measure: Measure,
        least: float,
        now_ns: int,
        *,
        threshold: float | None = None,
        unit: str = "share",
        current: float | None = None,
    ) -> GateReading:
        good, total = self._windows[measure].totals(now_ns)
        counted = Counted(good=good, total=total)
        share = good / total if total else None
        return judge_share(
            counted,
            least,
            self._policy,
            gates=len(GATES),
            threshold=least if threshold is None else threshold,
            unit=unit,
            current=share if threshold is None else current,
            severity=Severity.ALL if is_severe(counted, least) else Severity.STEP,
        )

    def _mismatch(self, now_ns: int) -> GateReading:
        good, total = self._windows[Measure.MISMATCH].totals(now_ns)
        most = self._limits.max_shadow_mismatch_rate
        return judge_share(
            Counted(good=good, total=total),
            1 - most,
            self._policy,
            gates=len(GATES),
            threshold=most,
            unit="share",
            current=(total - good) / total if total else None,
            severity=Severity.ALL,
        )
