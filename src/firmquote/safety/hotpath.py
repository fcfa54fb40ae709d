"""HotpathGuard: what must hold on the decision path, and what happens when it does not. Pure."""

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

from firmquote.errors import ConfigError

GOOD_TO_RECOVER = 5
LAST_KEPT = 200
"""Characters of the newest live call that are kept."""


class GuardState(Enum):
    """Ordered by severity. The values are contracts."""

    OK = "ok"
    THROTTLED = "throttled"
    """Risk is only reduced."""
    STOPPED = "stopped"
    """Live quotes are switched off until an operator releases them."""


class GuardPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The invariants of the decision path, and how many breaches it bears."""

    strict: bool = False
    """Whether the first breach stops live quotes."""
    max_p95_latency_ms: Annotated[float, Meta(gt=0)] = 200
    """From a frame's arrival to the decision on it."""
    min_cache_hit_rate: Annotated[float, Meta(ge=0, le=1)] = 0.80
    """The share of looks that find a usable quote on the board, in regular hours."""
    min_success_rate: Annotated[float, Meta(ge=0, le=1)] = 0.99
    """The share of looks that end in a decision."""
    min_budget_left_pct: Annotated[float, Meta(ge=0, le=100)] = 2
    samples_min: Annotated[int, Meta(ge=1)] = 100
    """Looks in an evaluation, below which nothing but live calls counts."""
    evaluate_every_s: Annotated[float, Meta(gt=0)] = 10
    breaches_to_throttle: Annotated[int, Meta(ge=1)] = 3
    """Evaluations with a breach, one after the other, until risk is only reduced …"""
    breaches_to_stop: Annotated[int, Meta(ge=1)] = 30
    """… and until live quotes are stopped."""

    def __post_init__(self) -> None:
        """Refuse a stop that comes before the throttle."""
        if self.breaches_to_stop < self.breaches_to_throttle:
            raise ConfigError("hotpath.breaches_to_stop must be at least breaches_to_throttle. Make it so.")


class GuardReading(Struct, frozen=True, kw_only=True):
    """What was measured since the last evaluation; `None` is not known, and breaches nothing."""

    looks: int
    hits: int | None
    failures: int
    p95_latency_ms: float | None
    budget_left_pct: float | None


class HotpathGuard:
    """Counts, and says how far things have come. Implements `model.hotpath.Watcher`."""

    def __init__(self, policy: GuardPolicy) -> None:
        self.policy = policy
        self.live_calls = 0
        self.last_live_call: str | None = None
        self.breaches = 0
        """Evaluations with a breach, one after the other."""
        self.breaches_total = 0
        self.state = GuardState.OK
        self.why: tuple[str, ...] = ()
        self._seen_live_calls = 0
        self._good = 0

    @property
    def has_new_live_calls(self) -> bool:
        """Whether a decision tried a live call since the last evaluation."""
        return self.live_calls > self._seen_live_calls

    def on_live_call(self, what: str) -> None:
        """A decision tried a live call; it was refused."""
        self.live_calls += 1
        self.last_live_call = what[:LAST_KEPT]

    def evaluate(self, reading: GuardReading) -> GuardState:
        """Return how far things have come. `STOPPED` is left by `on_released` only."""
        self.why = self._broken(reading)
        self._seen_live_calls = self.live_calls
        if self.why:
            self.breaches += 1
            self.breaches_total += 1
            self._good = 0
        else:
            self._good += 1
            if self._good >= GOOD_TO_RECOVER or self.state is GuardState.OK:
                self.breaches = 0
        return self._judge()

    def on_released(self) -> None:
        """An operator released what the guard had stopped; it begins anew."""
        self.state = GuardState.OK
        self.breaches = self._good = 0
        self._seen_live_calls = self.live_calls

    def _judge(self) -> GuardState:
        policy = self.policy
        stops = self.breaches >= policy.breaches_to_stop or (policy.strict and self.breaches > 0)
        if self.state is GuardState.STOPPED or stops:
            self.state = GuardState.STOPPED
        elif self.breaches >= policy.breaches_to_throttle:
            self.state = GuardState.THROTTLED
        elif self.breaches == 0:
            self.state = GuardState.OK
        return self.state

    def _broken(self, r: GuardReading) -> tuple[str, ...]:
        policy, found = self.policy, []
        new_calls = self.live_calls - self._seen_live_calls
        if new_calls:
            found.append(f"{new_calls} live calls, the last: {self.last_live_call}")
        if r.budget_left_pct is not None and r.budget_left_pct < policy.min_budget_left_pct:
            found.append(f"{r.budget_left_pct:.1f} % of the budget left")
        if r.looks < policy.samples_min:
            return tuple(found)
        if r.hits is not None and r.hits < policy.min_cache_hit_rate * r.looks:
            found.append(f"{r.hits} of {r.looks} looks found a usable quote")
        if r.looks - r.failures < policy.min_success_rate * r.looks:
            found.append(f"{r.failures} of {r.looks} looks failed")
        if r.p95_latency_ms is not None and r.p95_latency_ms > policy.max_p95_latency_ms:
            found.append(f"p95 of decisions {r.p95_latency_ms:.0f} ms")
        return tuple(found)
