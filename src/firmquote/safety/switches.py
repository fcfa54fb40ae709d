"""The switchboard: who engaged what, why and until when. Engaging always works; releasing is an act of its own."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

from firmquote.errors import ConfigError, RefusedError
from firmquote.model import NS_PER_S
from firmquote.safety.restrictions import ALL, PLAIN_NAMES, PROVIDER, SYMBOL, Restrictions, restrict

Seconds = Annotated[float, Meta(gt=0)]
PROPOSALS_MAX = 64
"""Releases that wait for a second operator; beyond it the oldest is forgotten."""
REDUCE_ONLY = "reduce_only"
"""What the dead man's lease engages first. It is no switch that people pull."""


class Source(Enum):
    """Where a switch was pulled. The values are contracts."""

    API = "api"
    FILE = "file"
    ENVIRONMENT = "environment"
    SIGNAL = "signal"
    DEAD_MAN = "dead_man"
    GUARD = "guard"
    STATE = "state"
    """The stored state could not be read: what is unknown counts as engaged."""


class SwitchPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How switches are released, and the dead man's lease."""

    file: str | None = None
    """A file that holds the names of engaged switches, one a line; `<state_dir>/switches` where nothing is said."""
    release_needs_second_operator: bool = False
    """Whether a release takes the word of two different tokens …"""
    second_operator_within_s: Seconds = 300.0
    """… within this time."""
    dead_man_s: Seconds | None = None
    """Without a renewal of the lease for this long risk is only reduced …"""
    dead_man_all_s: Seconds | None = None
    """… and after this long everything is off; twice `dead_man_s` where nothing is said."""

    def __post_init__(self) -> None:
        """Refuse a second stage that comes before the first."""
        if self.dead_man_s is not None and self.all_after_s <= self.dead_man_s:
            raise ConfigError("safety.dead_man_all_s must be longer than safety.dead_man_s. Make it so.")
        if self.dead_man_s is None and self.dead_man_all_s is not None:
            raise ConfigError("safety.dead_man_all_s needs safety.dead_man_s. Set both.")

    @property
    def all_after_s(self) -> float:
        """The silence after which everything is off."""
        if self.dead_man_all_s is not None:
            return self.dead_man_all_s
        return 2 * (self.dead_man_s or 0)


class Engagement(Struct, frozen=True, kw_only=True):
    """One switch held by one source."""

    name: str
    source: Source
    by: str
    reason: str
    at_ns: int
    expires_ns: int | None = None


class SwitchChange(Struct, frozen=True, kw_only=True):
    """A switch changed. `kind`: `engaged`, `released`, `expired`, `proposed`, `restored` or `dropped`."""

    at_ns: int
    kind: str
    name: str
    source: str
    by: str
    reason: str
    expires_ns: int | None = None


class Proposal(Struct, frozen=True, kw_only=True):
    """A release that waits for the word of a second operator."""

    name: str
    by: str
    reason: str
    at_ns: int


class Switchboard:
    """All switches of one process. Latching: once pulled, a switch stays until it is released or its time is over."""

    def __init__(
        self,
        policy: SwitchPolicy,
        *,
        providers: Iterable[str],
        symbols: Iterable[str],
        now_ns: int,
    ) -> None:
        self.policy = policy
        self.restrictions = Restrictions()
        self._held: dict[tuple[str, Source], Engagement] = {}
        self._stated: dict[Source, frozenset[str]] = {}
        self._proposals: dict[str, Proposal] = {}
        self._known = (*PLAIN_NAMES, *(PROVIDER + p for p in providers), *(SYMBOL + s for s in symbols))
        self._renewed_ns = now_ns

    # -- asking

    def names(self) -> tuple[str, ...]:
        """Return every switch that there is."""
        return self._known

    def check(self, name: str) -> str:
        """Return `name`.

        Raises:
            ConfigError: no such switch.
        """
        if name not in self._known:
            raise ConfigError(
                f"{name}: no such switch. Choose one of {', '.join(PLAIN_NAMES)}, provider:NAME or symbol:SYMBOL "
                "with a provider and a symbol of this gateway."
            )
        return name

    def engaged(self) -> tuple[Engagement, ...]:
        """Return what is engaged, by name; a name is there once for each source that holds it."""
        return tuple(sorted(self._held.values(), key=lambda e: (e.name, e.source.value)))

    def proposals(self) -> Mapping[str, Proposal]:
        """Return the releases that wait for a second operator."""
        return self._proposals

    # -- acting

    def engage(
        self, name: str, *, source: Source, by: str, reason: str, now_ns: int, for_ns: int | None = None
    ) -> list[SwitchChange]:
        """Pull a switch. Pulled again it holds for the longer of both times. Raises ConfigError for an unknown name."""
        self.check(name)
        expires_ns = None if for_ns is None else now_ns + for_ns
        held = self._held.get((name, source))
        if held is not None and (held.expires_ns is None or (expires_ns is not None and expires_ns <= held.expires_ns)):
            return []
        self._held[name, source] = Engagement(
            name=name, source=source, by=by, reason=reason, at_ns=now_ns, expires_ns=expires_ns
        )
        self._proposals.pop(name, None)
        self._recompute()
        return [_change("engaged", self._held[name, source], by, reason, now_ns)]

    def release(self, name: str, *, by: str, reason: str, now_ns: int) -> list[SwitchChange]:
        """Let go of a switch, whoever pulled it; the first of two operators only proposes it.

        Raises:
            ConfigError: no such switch.
            RefusedError: it is not engaged, or a file or the environment still engages it.
        """
        self.check(name)
        held = [e for e in self._held.values() if e.name == name]
        if not held:
            raise RefusedError(f"{name} is not engaged, so there is nothing to release.")
        for source, names in self._stated.items():
            if name in names:
                raise RefusedError(f"{name} is still engaged by the {source.value}. Take it out there first.")
        if self.policy.release_needs_second_operator and not self._is_seconded(name, by, now_ns):
            return [self._propose(name, by, reason, now_ns)]
        self._proposals.pop(name, None)
        for engagement in held:
            del self._held[name, engagement.source]
        if name == ALL:
            self._renewed_ns = now_ns
        self._recompute()
        return [_change("released", engagement, by, reason, now_ns) for engagement in held]

    def state(self, source: Source, names: Iterable[str], *, where: str, now_ns: int) -> list[SwitchChange]:
        """Take what a file or the environment says now. What it no longer says stays latched, but may be released.

        Raises:
            ConfigError: a name that is no switch; nothing was taken.
        """
        stated = frozenset(self.check(name) for name in names)
        self._stated[source] = stated
        changes = []
        for name in sorted(stated):
            changes += self.engage(name, source=source, by=source.value, reason=f"named in {where}", now_ns=now_ns)
        return changes

    def distrust(self, source: Source, words: str, *, now_ns: int) -> list[SwitchChange]:
        """A source cannot be read: what is unknown counts as engaged, all of it, until it can be read again."""
        self._stated[source] = frozenset({ALL})
        return self.engage(ALL, source=source, by=source.value, reason=words, now_ns=now_ns)

    def restore(self, stored: Iterable[Engagement]) -> list[SwitchChange]:
        """Take up what was engaged before the process ended; a name that is no switch any more is dropped, and said."""
        changes = []
        for engagement in stored:
            if engagement.name in self._known or engagement.name == REDUCE_ONLY:
                self._held[engagement.name, engagement.source] = engagement
                kind = "restored"
            else:
                kind = "dropped"
            changes.append(_change(kind, engagement, engagement.by, engagement.reason, engagement.at_ns))
        self._recompute()
        return changes

    def renew(self, now_ns: int) -> None:
        """The operator or supervisor is alive."""
        self._renewed_ns = now_ns

    def advance(self, now_ns: int) -> list[SwitchChange]:
        """Say what time alone changes: switches whose time is over, and a dead man."""
        changes = []
        for key, held in list(self._held.items()):
            if held.expires_ns is not None and now_ns >= held.expires_ns:
                del self._held[key]
                changes.append(_change("expired", held, "time", "its time is over", now_ns))
        changes += self._watch_lease(now_ns)
        if changes:
            self._recompute()
        return changes

    def lease_left_s(self, now_ns: int) -> float | None:
        """Return the seconds until only reducing is allowed, or `None` without a lease."""
        if self.policy.dead_man_s is None:
            return None
        return self.policy.dead_man_s - (now_ns - self._renewed_ns) / NS_PER_S

    # -- how

    def _watch_lease(self, now_ns: int) -> list[SwitchChange]:
        left_s = self.lease_left_s(now_ns)
        if left_s is None:
            return []
        silent_s = (self.policy.dead_man_s or 0) - left_s
        words = f"the lease was not renewed for {silent_s:.0f} s"
        key = (REDUCE_ONLY, Source.DEAD_MAN)
        changes = []
        if left_s <= 0 and key not in self._held:
            self._held[key] = Engagement(
                name=REDUCE_ONLY, source=Source.DEAD_MAN, by="dead man", reason=words, at_ns=now_ns
            )
            changes.append(_change("engaged", self._held[key], "dead man", words, now_ns))
        elif left_s > 0 and key in self._held:
            changes.append(_change("released", self._held.pop(key), "lease", "the lease was renewed", now_ns))
        if silent_s >= self.policy.all_after_s:
            changes += self.engage(ALL, source=Source.DEAD_MAN, by="dead man", reason=words, now_ns=now_ns)
        return changes

    def _is_seconded(self, name: str, by: str, now_ns: int) -> bool:
        first = self._proposals.get(name)
        within_ns = int(self.policy.second_operator_within_s * NS_PER_S)
        return first is not None and first.by != by and now_ns - first.at_ns <= within_ns

    def _propose(self, name: str, by: str, reason: str, now_ns: int) -> SwitchChange:
        if len(self._proposals) >= PROPOSALS_MAX:
            del self._proposals[next(iter(self._proposals))]
        self._proposals[name] = Proposal(name=name, by=by, reason=reason, at_ns=now_ns)
        return SwitchChange(at_ns=now_ns, kind="proposed", name=name, source=Source.API.value, by=by, reason=reason)

    def _recompute(self) -> None:
        names = frozenset(name for name, _ in self._held)
        self.restrictions = restrict(names, reduce_only=REDUCE_ONLY in names)


def _change(kind: str, held: Engagement, by: str, reason: str, now_ns: int) -> SwitchChange:
    return SwitchChange(
        at_ns=now_ns,
        kind=kind,
        name=held.name,
        source=held.source.value,
        by=by,
        reason=reason,
        expires_ns=held.expires_ns,
    )
