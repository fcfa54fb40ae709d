"""How long to wait before connecting again: growing, capped, jittered, and forgiven only by stable data.

A connect or an accepted login proves nothing: a provider that evicts us after each login would be hammered
(dossier polygon.md section 4: never reset back-off on auth_success).
"""

from random import Random

from msgspec import Struct

from firmquote.model import NS_PER_MS, NS_PER_S


class BackoffPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Delays and what counts as stable."""

    first_ms: int = 200
    """Short: one dropped connection should be back before anybody misses it."""
    factor: float = 2.0
    cap_ms: int = 30_000
    jitter: float = 0.5
    """A delay is drawn from [1 - jitter, 1] of its nominal length."""
    stable_s: float = 10.0
    """Data must have come for this long on one connection before the delay starts over."""


class Backoff:
    """The delays of one line."""

    def __init__(self, policy: BackoffPolicy, random: Random) -> None:
        self.attempts = 0
        self._policy = policy
        self._random = random
        self._data_since_ns: int | None = None

    def next_delay_ns(self, *, retry_after_s: float | None = None) -> int:
        """Return how long to wait before the next attempt; a provider's own wish is a lower bound."""
        policy = self._policy
        self._data_since_ns = None
        nominal_ms = min(policy.first_ms * policy.factor ** min(self.attempts, 32), policy.cap_ms)
        self.attempts += 1
        delay_ms = nominal_ms * (1 - policy.jitter * self._random.random())
        return max(int(delay_ms * NS_PER_MS), int((retry_after_s or 0) * NS_PER_S))

    def on_data(self, now_ns: int) -> None:
        """Note that quotes arrive on the present connection; after long enough the delays start over."""
        if self.attempts == 0:
            return
        if self._data_since_ns is None:
            self._data_since_ns = now_ns
        elif now_ns - self._data_since_ns >= self._policy.stable_s * NS_PER_S:
            self.attempts = 0
