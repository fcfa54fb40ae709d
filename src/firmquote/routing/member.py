"""One provider in the manager's care: what happened to it, and what it is worth because of that."""

from collections.abc import Callable

from firmquote.model import NS_PER_S
from firmquote.routing.blame import KEY_OR_QUOTA_ERRORS, Blame
from firmquote.routing.breaker import Breaker, BreakerPolicy, BreakerState
from firmquote.routing.health import Health, HealthPolicy, Status

TOGETHER_NS = 2 * NS_PER_S
"""Connections that are lost within this are lost together; one provider's own end has no reason to wait for another."""


DELIVERED_NS = 5 * NS_PER_S
"""A stream that delivers for so long during its breaker's cooldown is asked for nothing by waiting on."""


class Member:
    """Holds what is known; `judge` says what follows from it."""

    def __init__(
        self, name: str, health: HealthPolicy, breaker: BreakerPolicy, chance: Callable[[], float], *, synthetic: bool
    ) -> None:
        self.name = name
        self.synthetic = synthetic
        self.health = Health(health)
        self.breaker = Breaker(breaker, chance)
        self.ready = synthetic
        self.refused: str | None = None
        self.silent: str | None = None
        """Why its stream counts as frozen, late or repeating, while it does."""
        self.unaffordable: str | None = None
        """Why no request may be made of it, while its budget is spent."""
        self.blocks: dict[str, str] = {}
        """Who forbids its use (a kill switch, say) → why."""
        self.mute = False
        """Not a byte of it for longer than any live connection stays quiet: it may be cut off, and saves nobody."""
        self.cut_off = False
        """It failed together with everybody else: that was the network or ourselves, and it may be back at once."""
        self.lost_ns: int | None = None
        """When it was last lost after it had been ready."""
        self.heard_ns = 0
        """When it last said anything: an answer, data, that it is ready."""
        self.reconnects = 0
        self.status = Status.HEALTHY if synthetic else Status.CONNECTING
        self.why = ""
        self.blame: Blame | None = None
        """Whose fault it is that it cannot serve."""
        self.unfit: str | None = None
        """Why most of its single lines are unfit, while they are."""
        self.usable_since_ns: int | None = 0 if synthetic else None
        self._well_since_ns: int | None = None
        """Since when only its breaker's cooldown stands in its way."""

    @property
    def usable(self) -> bool:
        """Whether its quotes may serve now."""
        return self.usable_since_ns is not None

    def judge(self, now_ns: int, *, in_grace: bool) -> bool:
        """Bring `status`, `why` and `usable_since_ns` up to date; say whether the status changed.

        `in_grace` is whether a provider that never became ready is still given time to connect.
        """
        before = self.status
        self.status, self.why, self.blame = self._status(in_grace=in_grace)
        if self.status not in (Status.HEALTHY, Status.DEGRADED):
            self.usable_since_ns = None
        elif self.usable_since_ns is None:
            self.usable_since_ns = now_ns if self._well_since_ns is None else self._well_since_ns
            self.health.begin(now_ns)
        if not self._only_waits():
            self._well_since_ns = None
        elif self._well_since_ns is None:
            self._well_since_ns = now_ns
        return self.status is not before

    def why_early(self, now_ns: int, *, alone: bool) -> str:
        """Say why what it delivers is a probe although its breaker's cooldown goes on; nothing where it is none.

        `alone` is whether nobody else could serve.
        """
        if alone:
            return "it delivers and nobody else could serve"
        if self._well_since_ns is None or now_ns - self._well_since_ns < DELIVERED_NS:
            return ""
        return f"it has delivered for {DELIVERED_NS // NS_PER_S} s"

    def is_just_lost(self, now_ns: int) -> bool:
        """Say whether its connection is gone, and only just."""
        return not self.ready and self.lost_ns is not None and 0 <= now_ns - self.lost_ns <= TOGETHER_NS

    def _only_waits(self) -> bool:
        """Whether it delivers and its breaker waits: a cooldown counts towards the time it must be steady for."""
        if self.breaker.state is BreakerState.CLOSED or self.breaker.consecutive_failures or not self.ready:
            return False
        return not (self.blocks or self.refused or self.unaffordable or self.silent or self.unfit)

    def _status(self, *, in_grace: bool) -> tuple[Status, str, Blame | None]:
        if self.blocks:
            return Status.FAILED, next(iter(self.blocks.values())), Blame.OPERATOR
        forbidden = self.refused or self.unaffordable
        if forbidden is not None:
            return Status.FAILED, forbidden, Blame.KEY_OR_QUOTA
        said = self.health.last_error
        if self.breaker.state is not BreakerState.CLOSED:
            return Status.FAILED, f"breaker {self.breaker.state.value}: {said or 'errors'}", self._blame_for_errors()
        if not self.ready:
            if self.status is Status.CONNECTING and in_grace:
                return Status.CONNECTING, said or "connecting", None
            return Status.FAILED, said or "never became ready", self._blame_for_errors()
        wrong = self.silent or self.unfit
        if wrong is not None:
            return Status.FAILED, wrong, Blame.PROVIDER
        if self.health.degraded:
            return Status.DEGRADED, self.health.degraded_why, self._blame_for_errors()
        return Status.HEALTHY, "", None

    def _blame_for_errors(self) -> Blame:
        if self.cut_off:
            return Blame.NETWORK
        return Blame.KEY_OR_QUOTA if self.health.last_error_kind in KEY_OR_QUOTA_ERRORS else Blame.PROVIDER
