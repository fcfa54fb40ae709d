"""ProviderManager: what every provider is worth, which one serves, and why. First form: one role for all symbols."""

from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_MS
from firmquote.routing.breaker import Breaker, BreakerPolicy, BreakerState
from firmquote.routing.election import Candidate, ElectionPolicy, Serving, elect
from firmquote.routing.health import Health, HealthPolicy, Outcome, Percentiles, Status

SWITCHES_KEPT = 64


class RoutingPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that routing is told by the configuration."""

    connect_grace_ms: int = 10_000
    """How long a provider may take after the start before not being ready counts as failed."""
    election: ElectionPolicy = ElectionPolicy()
    breaker: BreakerPolicy = BreakerPolicy()
    health: HealthPolicy = HealthPolicy()


class Change(Struct, frozen=True, kw_only=True):
    """Something about a provider changed. `kind` is `role`, `status`, `breaker` or `connection`."""

    at_ns: int
    kind: str
    provider: str
    before: str | None
    after: str | None
    cause: str


class Member:
    """One provider in the manager's care."""

    def __init__(self, name: str, policy: RoutingPolicy, chance: Callable[[], float], *, synthetic: bool) -> None:
        self.name = name
        self.synthetic = synthetic
        self.health = Health(policy.health)
        self.breaker = Breaker(policy.breaker, chance)
        self.ready = synthetic
        self.refused: str | None = None
        self.silent: str | None = None
        """Why its stream counts as frozen, while it does."""
        self.unaffordable: str | None = None
        """Why no request may be made of it, while its budget is spent."""
        self.reconnects = 0
        self.status = Status.HEALTHY if synthetic else Status.CONNECTING
        self.why = ""
        self.usable_since_ns: int | None = 0 if synthetic else None


class ProviderManager:
    """Owns roles. Events come in with their time; `advance` says what changed."""

    def __init__(
        self,
        order: Sequence[str],
        policy: RoutingPolicy,
        *,
        chance: Callable[[], float],
        now_ns: int,
        synthetic: frozenset[str] = frozenset({"mock"}),
    ) -> None:
        self.members = {n: Member(n, policy, chance, synthetic=n in synthetic) for n in order}
        self.last_role_change: Change | None = None
        self._order = list(order)
        self._policy = policy
        self._started_ns = now_ns
        self._serving = Serving(name=order[0], since_ns=now_ns)
        self._switches_ns: deque[int] = deque(maxlen=SWITCHES_KEPT)
        self._changes: list[Change] = []

    # -- what happens

    def on_ready(self, name: str, now_ns: int) -> None:
        """The provider accepted us (a stream's login, a poll's first good answer)."""
        member = self.members[name]
        if not member.ready:
            member.ready = True
            self._note("connection", name, "down", "ready", "ready", now_ns)

    def on_lost(self, name: str, words: str, now_ns: int) -> None:
        """The stream broke; it is unusable from this moment."""
        member = self.members[name]
        member.health.note_error("connection_lost", words)
        member.reconnects += 1
        member.silent = None
        if member.ready:
            member.ready = False
            self._note("connection", name, "ready", "down", words, now_ns)
        self._feed_breaker(name, ok=False, now_ns=now_ns)

    def on_refused(self, name: str, kind: str, words: str, now_ns: int) -> None:
        """The provider said no for good: a wrong key, a plan without this feed. It needs its operator."""
        member = self.members[name]
        member.health.note_error(kind, words)
        member.ready = False
        if member.refused is None:
            member.refused = words
            self._note("connection", name, "connecting", kind, words, now_ns)

    def on_outcome(self, name: str, outcome: Outcome) -> None:
        """One request ended."""
        self.members[name].health.note(outcome)
        self._feed_breaker(name, ok=outcome.ok, now_ns=outcome.at_ns)

    def on_stream_second(self, name: str, *, brought_data: bool, now_ns: int) -> None:
        """One second of a stream passed: good with data, bad without a line; a quiet one says nothing."""
        member = self.members[name]
        if brought_data:
            member.health.note(Outcome(at_ns=now_ns, ok=True, latency_ns=None))
            self._feed_breaker(name, ok=True, now_ns=now_ns)
        elif not member.ready and member.status is not Status.CONNECTING:
            member.health.note(Outcome(at_ns=now_ns, ok=False, latency_ns=None))

    def on_silent(self, name: str, words: str | None) -> None:
        """Its open stream is frozen, for the reason in `words`; `None` says that it speaks again."""
        member = self.members[name]
        if words is not None and member.silent is None:
            member.health.note_error("silent", words)
        member.silent = words

    def on_budget(self, name: str, words: str | None) -> None:
        """Its budget is spent, for the reason in `words`, so it cannot serve; `None` says that there is budget."""
        self.members[name].unaffordable = words

    def on_error(self, name: str, kind: str, words: str) -> None:
        """Count an error by class; whether it matters is decided by outcomes."""
        self.members[name].health.note_error(kind, words)

    def allows(self, name: str, now_ns: int) -> bool:
        """Say whether the provider's breaker lets a request through now."""
        return self.members[name].breaker.allows(now_ns)

    def activate(self, name: str, reason: str, now_ns: int) -> Change | None:
        """Make `name` the most wanted provider and let it serve now, by an operator's word.

        Raises:
            ConfigError: no such provider, or it is not usable.
        """
        member = self.members.get(name)
        if member is None:
            known = ", ".join(self.members)
            raise ConfigError(f"{name}: no such provider here. Choose one of: {known}.")
        if member.usable_since_ns is None:
            raise ConfigError(
                f"{name} is {member.status.value} ({member.why}), so it cannot serve. "
                f"Mend it first; `firmquote providers` shows when it is healthy."
            )
        self._order.remove(name)
        self._order.insert(0, name)
        if self._serving.name == name:
            return None
        return self._switch(name, f"operator: {reason}", now_ns)

    # -- what follows

    def advance(self, latencies: dict[str, Percentiles], now_ns: int) -> list[Change]:
        """Evaluate health, elect, and return everything that changed since the last call."""
        for member in self.members.values():
            member.health.evaluate(latencies.get(member.name, Percentiles()), now_ns)
        self.reconsider(now_ns)
        changes, self._changes = self._changes, []
        return changes

    def reconsider(self, now_ns: int) -> None:
        """Judge every provider and elect, now; cheap enough to be called on each lost connection."""
        for member in self.members.values():
            self._judge(member, now_ns)
        outcome = elect(
            [
                Candidate(name=m.name, rank=self._rank(m), status=m.status, usable_since_ns=m.usable_since_ns)
                for m in self.members.values()
            ],
            self._serving,
            self._policy.election,
            now_ns=now_ns,
        )
        if outcome.name is not None and outcome.name != self._serving.name:
            self._switch(outcome.name, outcome.cause, now_ns)

    @property
    def serving(self) -> str | None:
        """The provider whose lines the board shows."""
        return self._serving.name

    def showing_order(self) -> list[str]:
        """Return the providers whose lines may be shown, best first: who serves, then the usable ones by preference.

        Synthetic prices are shown only when their provider serves.
        """
        others = [m for m in self.members.values() if m.name != self._serving.name and not m.synthetic]
        usable = [m for m in others if m.usable_since_ns is not None]
        ranked = [m.name for m in sorted(usable, key=self._rank)]
        return ranked if self._serving.name is None else [self._serving.name, *ranked]

    def role(self, name: str) -> str:
        """Return `active`, `warm`, `shadow` or `mock`."""
        if name == self._serving.name:
            return "active"
        if self.members[name].synthetic:
            return "mock"
        others = [n for n in self._order if n != self._serving.name and not self.members[n].synthetic]
        return "warm" if others and others[0] == name else "shadow"

    # -- how

    def _feed_breaker(self, name: str, *, ok: bool, now_ns: int) -> None:
        member = self.members[name]
        before = member.breaker.state
        if ok:
            member.breaker.on_success()
        else:
            member.breaker.on_failure(now_ns)
        after = member.breaker.state
        if after is not before:
            self._note("breaker", name, before.value, after.value, member.health.last_error or "", now_ns)

    def _rank(self, member: Member) -> int:
        return self._order.index(member.name) + (len(self._order) if member.synthetic else 0)

    def _judge(self, member: Member, now_ns: int) -> None:
        before = member.status
        member.status, member.why = self._status(member, now_ns)
        usable = member.status in (Status.HEALTHY, Status.DEGRADED)
        if not usable:
            member.usable_since_ns = None
        elif member.usable_since_ns is None:
            member.usable_since_ns = now_ns
        if member.status is not before:
            self._note("status", member.name, before.value, member.status.value, member.why, now_ns)

    def _status(self, member: Member, now_ns: int) -> tuple[Status, str]:
        if member.refused is not None:
            return Status.FAILED, member.refused
        if member.unaffordable is not None:
            return Status.FAILED, member.unaffordable
        if member.breaker.state is not BreakerState.CLOSED:
            return Status.FAILED, f"breaker {member.breaker.state.value}: {member.health.last_error or 'errors'}"
        if not member.ready:
            in_grace = now_ns - self._started_ns < self._policy.connect_grace_ms * NS_PER_MS
            if member.status is Status.CONNECTING and in_grace:
                return Status.CONNECTING, member.health.last_error or "connecting"
            return Status.FAILED, member.health.last_error or "never became ready"
        if member.silent is not None:
            return Status.FAILED, member.silent
        if member.health.degraded:
            return Status.DEGRADED, "success rate or latency outside the policy"
        return Status.HEALTHY, ""

    def _switch(self, name: str, cause: str, now_ns: int) -> Change:
        before = self._serving.name
        self._switches_ns.append(now_ns)
        self._serving = Serving(name=name, since_ns=now_ns, switches_ns=tuple(self._switches_ns))
        change = self._note("role", name, before, name, cause, now_ns)
        self.last_role_change = change
        return change

    def _note(self, kind: str, provider: str, before: str | None, after: str | None, cause: str, now_ns: int) -> Change:
        change = Change(at_ns=now_ns, kind=kind, provider=provider, before=before, after=after, cause=cause)
        self._changes.append(change)
        return change
