"""A circuit breaker: stop asking a provider that fails, and try it again carefully. Pure: time and chance come in."""

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from firmquote.model import MS_PER_S, NS_PER_MS


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
    """One provider's breaker. `chance` returns a number in [0, 1).

    Whatever happens, it refuses for no longer than its longest cooldown.
    """

    def __init__(self, policy: BreakerPolicy, chance: Callable[[], float]) -> None:
        self.state = BreakerState.CLOSED
        self.consecutive_failures = 0
        self.why = ""
        """What brought it into its present state."""
        self._policy = policy
        self._longest_ns = policy.cooldown_ms_max * NS_PER_MS
        self._chance = chance
        self._recent: list[bool] = []
        self._good_probes = 0
        self._opened = 0
        self._due_ns = 0
        """When the next probe may go out; while one is on its way, when that counts as lost."""

    def allows(self, now_ns: int) -> bool:
        """Say whether a request may go out now; the first one after the cooldown is the probe."""
        if self.state is BreakerState.CLOSED:
            return True
        if not self._is_due(now_ns):
            return False
        self._half_open("its cooldown is over")
        self._due_ns = now_ns + self._longest_ns
        return True

    def on_success(self, now_ns: int, *, early: str = "") -> None:
        """Note an outcome that went well.

        Within the cooldown nobody was asked, and a stream's data are no probe, unless `early` says why they are one.
        """
        self.consecutive_failures = 0
        if self.state is BreakerState.CLOSED:
            self._remember(ok=True)
            return
        if self.state is BreakerState.OPEN:
            due = self._is_due(now_ns)
            if not (due or early):
                return
            self._half_open("its cooldown is over" if due else early)
        self._due_ns = now_ns
        self._good_probes += 1
        if self._good_probes >= self._policy.probes_to_close:
            self.state = BreakerState.CLOSED
            self.why = f"{self._good_probes} good probes in a row"
            self._opened = 0
            self._recent.clear()

    def on_failure(self, now_ns: int) -> None:
        """Note an outcome that failed; within the cooldown it changes nothing, since nobody was asked."""
        self.consecutive_failures += 1
        if self.state is BreakerState.OPEN and not self._is_due(now_ns):
            return
        if self.state is not BreakerState.CLOSED:
            self._open(now_ns, "a probe failed")
            return
        self._remember(ok=False)
        failed, total = self._recent.count(False), len(self._recent)
        if self.consecutive_failures >= self._policy.consecutive_failures:
            self._open(now_ns, f"{self.consecutive_failures} failures in a row")
        elif total >= self._policy.samples_min and failed / total >= self._policy.failure_share:
            words = f"{failed} of {total} outcomes failed, {self._policy.failure_share:.0%} are borne"
            self._open(now_ns, words)

    def on_no_verdict(self, now_ns: int) -> None:
        """Note that a request says nothing about the provider; if it was the probe, another may go out."""
        if self.state is BreakerState.HALF_OPEN:
            self._due_ns = now_ns

    def _is_due(self, now_ns: int) -> bool:
        self._due_ns = min(self._due_ns, now_ns + self._longest_ns)  # the clock may have been set back
        return now_ns >= self._due_ns

    def _half_open(self, why: str) -> None:
        if self.state is not BreakerState.HALF_OPEN:
            self.state = BreakerState.HALF_OPEN
            self.why = why

    def _remember(self, *, ok: bool) -> None:
        self._recent.append(ok)
        if len(self._recent) > 2 * self._policy.samples_min:
            del self._recent[0]

    def _open(self, now_ns: int, why: str) -> None:
        policy = self._policy
        cooldown_ms = min(policy.cooldown_ms * 2 ** min(self._opened, 16), policy.cooldown_ms_max)
        factor = 1 + policy.jitter * (2 * self._chance() - 1)
        wait_ms = min(cooldown_ms * factor, policy.cooldown_ms_max)
        self.state = BreakerState.OPEN
        self.why = f"{why}, the next probe in {wait_ms / MS_PER_S:.0f} s"
        self._opened += 1
        self._good_probes = 0
        self._due_ns = now_ns + int(wait_ms * NS_PER_MS)
