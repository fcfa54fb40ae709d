"""A circuit breaker: stop asking a provider that fails, and try it again carefully. Pure: time and chance come in."""

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from firmquote.model import NS_PER_MS


class BreakerState(Enum):
    """Closed lets everything through, open nothing, half-open one probe at a time."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When to open, how long to wait, and what proves recovery."""

    consecutive_failures: int = 5
    failure_share: float = 0.10
    """Opens too when this share of at least `samples_min` recent outcomes failed."""
    samples_min: int = 50
    cooldown_ms: int = 30_000
    """Before the first probe; doubles with each probe that fails."""
    cooldown_ms_max: int = 120_000
    jitter: float = 0.2
    """The cooldown is multiplied by a random factor within 1 ± this."""
    probes_to_close: int = 3


class Breaker:
    """One provider's breaker. `chance` returns a number in [0, 1)."""

    def __init__(self, policy: BreakerPolicy, chance: Callable[[], float]) -> None:
        self.state = BreakerState.CLOSED
        self.consecutive_failures = 0
        self._policy = policy
        self._chance = chance
        self._recent: list[bool] = []
        self._good_probes = 0
        self._opened = 0
        self._probe_due_ns = 0
        self._probing = False

    def allows(self, now_ns: int) -> bool:
        """Say whether a request may go out now; the first one after the cooldown is the probe."""
        if self.state is BreakerState.CLOSED:
            return True
        if now_ns < self._probe_due_ns or self._probing:
            return False
        self.state = BreakerState.HALF_OPEN
        self._probing = True
        return True

    def on_success(self) -> None:
        """Note an outcome that went well."""
        self.consecutive_failures = 0
        if self.state is BreakerState.CLOSED:
            self._remember(ok=True)
            return
        self._probing = False
        self._good_probes += 1
        if self._good_probes >= self._policy.probes_to_close:
            self.state = BreakerState.CLOSED
            self._opened = 0
            self._recent.clear()

    def on_failure(self, now_ns: int) -> None:
        """Note an outcome that failed."""
        self.consecutive_failures += 1
        if self.state is not BreakerState.CLOSED:
            self._open(now_ns)
            return
        self._remember(ok=False)
        if self.consecutive_failures >= self._policy.consecutive_failures or self._failing_share():
            self._open(now_ns)

    def _failing_share(self) -> bool:
        total = len(self._recent)
        if total < self._policy.samples_min:
            return False
        return (total - sum(self._recent)) / total >= self._policy.failure_share

    def _remember(self, *, ok: bool) -> None:
        self._recent.append(ok)
        if len(self._recent) > 2 * self._policy.samples_min:
            del self._recent[0]

    def _open(self, now_ns: int) -> None:
        policy = self._policy
        cooldown_ms = min(policy.cooldown_ms * 2 ** min(self._opened, 16), policy.cooldown_ms_max)
        factor = 1 + policy.jitter * (2 * self._chance() - 1)
        self.state = BreakerState.OPEN
        self._opened += 1
        self._good_probes = 0
        self._probing = False
        self._probe_due_ns = now_ns + int(min(cooldown_ms * factor, policy.cooldown_ms_max) * NS_PER_MS)
