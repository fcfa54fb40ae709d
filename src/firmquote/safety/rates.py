"""How often somebody may do something: a token bucket for each of a bounded number of somebodies. Pure."""

from collections import OrderedDict
from typing import Annotated

from msgspec import Meta, Struct

from firmquote.model import NS_PER_S

KEYS_MAX = 4_096
"""Somebodies that are remembered; beyond it the one that was quiet for longest is forgotten."""


class RatePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`burst` at once, and `per_s` in the long run."""

    per_s: Annotated[float, Meta(gt=0)]
    burst: Annotated[float, Meta(ge=1)]


class Rates:
    """The buckets. Full at the start; each taking drains one."""

    def __init__(self, policy: RatePolicy) -> None:
        self._policy = policy
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait_s(self, key: str, now_ns: int) -> float:
        """Return how long `key` must wait before it may take one; 0 when it may now."""
        left, _ = self._at(key, now_ns)
        return 0.0 if left >= 1 else (1 - left) / self._policy.per_s

    def take(self, key: str, now_ns: int) -> float:
        """Take one for `key`, and return 0; or return how long it must wait, and take nothing."""
        wait_s = self.wait_s(key, now_ns)
        if wait_s == 0:
            left, _ = self._at(key, now_ns)
            self._left[key] = (left - 1, now_ns)
            self._left.move_to_end(key)
            if len(self._left) > KEYS_MAX:
                self._left.popitem(last=False)
        return wait_s

    def _at(self, key: str, now_ns: int) -> tuple[float, int]:
        left, at_ns = self._left.get(key, (self._policy.burst, now_ns))
        return min(self._policy.burst, left + max(0, now_ns - at_ns) / NS_PER_S * self._policy.per_s), now_ns
