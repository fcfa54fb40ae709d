"""Who serves: a pure function of what every provider is worth now and of who serves already."""

from collections.abc import Iterable

from msgspec import Struct

from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.routing.health import Status


class ElectionPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What keeps the roles calm."""

    dwell_ms: int = 2_000
    """How long a provider serves at least, unless it becomes unusable."""
    failback: str = "after"
    """`after`: return to a preferred provider once it was usable for `failback_after_s`; `manual`: never by itself."""
    failback_after_s: float = 30.0
    switches_max: int = 6
    """With more switches than this within `switches_window_s` nothing moves except away from the unusable."""
    switches_window_s: float = 300.0
    cut_off_grace_s: float = 10.0
    """After an outage of everybody at once: how long another provider must have been back before it takes the role."""


class Candidate(Struct, frozen=True, kw_only=True):
    """One provider as the election sees it."""

    name: str
    rank: int
    """Preference: 0 is most wanted. No two candidates share a rank."""
    status: Status
    why: str = ""
    """What is wrong with it, in words."""
    usable_since_ns: int | None
    """Since when it has been usable without a break; `None` when it is not."""
    mute: bool = False
    """Nothing has been heard of it for so long that it may be cut off itself."""
    cut_off: bool = False
    """It became unusable together with all others."""
    synthetic: bool = False
    """It makes its prices up: no help against an outage that will pass."""


class Serving(Struct, frozen=True, kw_only=True):
    """Who serves now, since when, and when the last switches were."""

    name: str | None
    since_ns: int = 0
    switches_ns: tuple[int, ...] = ()
    """Ascending; at least those within the window."""


class Election(Struct, frozen=True, kw_only=True):
    """The outcome. `name` equals the one that serves when nothing moves."""

    name: str | None
    cause: str


def elect(candidates: Iterable[Candidate], serving: Serving, policy: ElectionPolicy, *, now_ns: int) -> Election:
    """Return who should serve at `now_ns`; the order of `candidates` does not matter.

    An unusable provider is left at once for the most wanted usable one that is not mute; one that was cut off together
    with all others is waited for a while. When none is usable, nobody moves: the board keeps its last quotes and
    their grade decays. A usable one is left only for a healthier or a more wanted one, after its dwell, and never
    while the roles are flapping.
    """
    by_name = {candidate.name: candidate for candidate in candidates}
    usable = sorted((c for c in by_name.values() if c.usable_since_ns is not None and not c.mute), key=lambda c: c.rank)
    current = by_name.get(serving.name) if serving.name is not None else None
    stay = Election(name=serving.name, cause="unchanged")
    if not usable:
        return stay
    if current is None:
        return Election(name=usable[0].name, cause="first usable provider")
    if current.usable_since_ns is None:
        if current.status is Status.CONNECTING:
            return stay
        if current.cut_off:
            usable = [c for c in usable if not c.synthetic and _steady_s(c, now_ns) >= policy.cut_off_grace_s]
        if not usable:
            return stay
        return Election(name=usable[0].name, cause=f"{current.name} is {_state(current)}")
    if _must_stay(serving, policy, now_ns):
        return stay
    return _improve(usable, current, policy, now_ns) or stay


def _must_stay(serving: Serving, policy: ElectionPolicy, now_ns: int) -> bool:
    if now_ns - serving.since_ns < policy.dwell_ms * NS_PER_MS:
        return True
    window_ns = now_ns - int(policy.switches_window_s * NS_PER_S)
    return sum(at_ns > window_ns for at_ns in serving.switches_ns) > policy.switches_max


def _improve(usable: list[Candidate], current: Candidate, policy: ElectionPolicy, now_ns: int) -> Election | None:
    for other in usable:
        if other.name == current.name:
            continue
        if other.synthetic and not current.synthetic:  # made-up prices are no help against slow ones
            continue
        worse = other.status is Status.DEGRADED and current.status is Status.HEALTHY
        if worse and not current.synthetic:
            continue
        if other.rank < current.rank:
            if policy.failback == "after" and _steady_s(other, now_ns) >= policy.failback_after_s:
                return Election(name=other.name, cause=f"{other.name} is back for {policy.failback_after_s:g} s")
        elif current.status is Status.DEGRADED and other.status is Status.HEALTHY:
            return Election(name=other.name, cause=f"{current.name} is {_state(current)}")
    return None


def _state(candidate: Candidate) -> str:
    return f"{candidate.status.value}{f': {candidate.why}' if candidate.why else ''}"


def _steady_s(candidate: Candidate, now_ns: int) -> float:
    assert candidate.usable_since_ns is not None
    return (now_ns - candidate.usable_since_ns) / NS_PER_S
