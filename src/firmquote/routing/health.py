"""How a provider is doing: a rolling record of outcomes, and a status that does not flicker."""

from collections import deque
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from firmquote.model import MS_PER_S, NS_PER_MS

CONNECTION_LOST = "connection_lost"
CALM_TO_FORGET = 5
"""Good answers, or seconds of an open stream, after which what was said before explains nothing any more."""
OUTCOMES_MAX = 4_096
"""Outcomes kept per provider; older ones leave first even inside the window."""


class Status(Enum):
    """What a provider is worth right now."""

    CONNECTING = "connecting"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILED = "failed"


class HealthPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as degraded, and how many evaluations in a row it takes to believe it."""

    window_ms: int = 60_000
    min_success_rate: float = 0.95
    max_p95_latency_ms: float = 2_000.0
    samples_min: int = 20
    bad_evaluations: int = 3
    good_evaluations: int = 5
    evaluate_every_ms: int = 1_000


class Outcome(Struct, frozen=True, gc=False):
    """One request, or one second of a stream."""

    at_ns: int
    ok: bool
    latency_ns: int | None


class Percentiles(Struct, frozen=True):
    """Latency in milliseconds; `None` without samples."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


def percentiles(sorted_ns: list[int], *, less_ns: int = 0) -> Percentiles:
    """Return p50, p95 and p99 by nearest rank of ascending nanoseconds, each `less_ns` less."""
    if not sorted_ns:
        return Percentiles()
    last = len(sorted_ns) - 1
    ranks = [min(last, int(share * len(sorted_ns))) for share in (0.5, 0.95, 0.99)]
    p50, p95, p99 = ((sorted_ns[rank] - less_ns) / NS_PER_MS for rank in ranks)
    return Percentiles(p50_ms=p50, p95_ms=p95, p99_ms=p99)


class Health:
    """Rolling outcomes of one provider."""

    def __init__(self, policy: HealthPolicy) -> None:
        self.degraded = False
        self.degraded_why = ""
        """What was measured when it last breached the policy, and the limit."""
        self.errors: dict[str, int] = {}
        self.last_error: str | None = None
        self.last_error_kind: str | None = None
        """Of the last error that says more than that the connection broke, while that may be its consequence."""
        self.requests = 0
        self._policy = policy
        self._outcomes: deque[Outcome] = deque(maxlen=OUTCOMES_MAX)
        self._calm = 0
        self._bad = 0
        self._good = 0
        self._evaluated_ns = 0
        self._usable_since_ns = 0

    @property
    def window_s(self) -> int:
        """Over how long it is judged, in whole seconds."""
        return max(1, self._policy.window_ms // MS_PER_S)

    def note(self, outcome: Outcome) -> None:
        """Remember one outcome."""
        self.requests += 1
        self._outcomes.append(outcome)

    def newest(self, count: int) -> list[Outcome]:
        """Return the newest `count` outcomes, as far as they are kept, newest first."""
        return [self._outcomes[-back] for back in range(1, min(count, len(self._outcomes)) + 1)]

    def note_error(self, kind: str, words: str) -> None:
        """Count an error by its class and keep its sentence."""
        self.errors[kind] = self.errors.get(kind, 0) + 1
        self.last_error = words
        if kind != CONNECTION_LOST or self.last_error_kind is None:  # what was said before the end says why
            self.last_error_kind = kind
            self._calm = 0

    def note_calm(self) -> None:
        """Note a good answer, or a second in which the stream stayed open: the last error is over by so much."""
        self._calm += 1
        if self._calm >= CALM_TO_FORGET:
            self.last_error_kind = None

    def success_rate(self, now_ns: int) -> float | None:
        """Return the share of outcomes in the window that went well, or `None` without any."""
        self._expire(now_ns)
        if not self._outcomes:
            return None
        return sum(outcome.ok for outcome in self._outcomes) / len(self._outcomes)

    def latency(self, now_ns: int) -> Percentiles:
        """Return the latency over the window, of those outcomes that have one."""
        self._expire(now_ns)
        return percentiles(sorted(o.latency_ns for o in self._outcomes if o.latency_ns is not None))

    def begin(self, now_ns: int) -> None:
        """Judge from here: the provider is usable again.

        What it did while it was out cost it the role already, and how long it must be steady before it gets the role
        back is the election's rule; counted a third time, the outage would take the role again just after that.
        """
        self._usable_since_ns = now_ns
        self._bad = self._good = 0
        self.degraded = False

    def evaluate(self, latency: Percentiles, now_ns: int) -> None:
        """Compare with the policy, at most once per its interval; change `degraded` only after a run of agreement."""
        policy = self._policy
        if now_ns - self._evaluated_ns < policy.evaluate_every_ms * NS_PER_MS:
            return
        self._evaluated_ns = now_ns
        self._expire(now_ns)
        judged = [outcome for outcome in self._outcomes if outcome.at_ns >= self._usable_since_ns]
        breach = self._breach(judged, latency) if len(judged) >= policy.samples_min else ""
        if breach:
            self.degraded_why = breach
            self._bad, self._good = self._bad + 1, 0
        else:
            self._bad, self._good = 0, self._good + 1
        if self._bad >= policy.bad_evaluations:
            self.degraded = True
        elif self._good >= policy.good_evaluations:
            self.degraded = False

    def _breach(self, judged: Sequence[Outcome], latency: Percentiles) -> str:
        policy = self._policy
        good = sum(outcome.ok for outcome in judged)
        if good < policy.min_success_rate * len(judged):
            return (
                f"success rate {good / len(judged):.1%} of {len(judged)} in {policy.window_ms / MS_PER_S:g} s, "
                f"below {policy.min_success_rate:.1%}"
            )
        if latency.p95_ms is not None and latency.p95_ms > policy.max_p95_latency_ms:
            return f"p95 latency {latency.p95_ms:,.0f} ms, above {policy.max_p95_latency_ms:,.0f} ms"
        return ""

    def _expire(self, now_ns: int) -> None:
        horizon_ns = now_ns - self._policy.window_ms * NS_PER_MS
        while self._outcomes and self._outcomes[0].at_ns < horizon_ns:
            self._outcomes.popleft()
