"""From a picture of the gateway to what is wrong with it. Pure, but for what must be remembered to see a rate."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from firmquote.model import MS_PER_S, NS_PER_S, USABLE_GRADES, Reason
from firmquote.model.rollout import StageChange
from firmquote.model.status import ProviderStatus
from firmquote.publish.alerting.policy import AlertPolicy
from firmquote.publish.alerting.situation import Condition, Situation

SAMPLES_MAX = 64
"""Pictures that are remembered: one a second, so the longest window fits."""
REFUSED_MIN = 10
"""Fewer refused prices in the window are no alert, whatever their share."""
UNREADABLE_MIN = 5
SWITCHED_OFF = Reason.SWITCHED_OFF.value
_LOW = frozenset({"warned", "slowed", "positions_only"})


class _Counts(Struct, frozen=True):
    at_ns: int
    accepted: dict[str, int]
    rejected: dict[str, int]
    unparsed: dict[str, int]


class _Counter(Struct, frozen=True):
    count: int
    rose_ns: int | None


class AlertRules:
    """`judge` says what is wrong now; called about once a second."""

    def __init__(self, policy: AlertPolicy) -> None:
        self._policy = policy
        self._window_ns = int(policy.rate_over_s * NS_PER_S)
        self._past: deque[_Counts] = deque(maxlen=SAMPLES_MAX)
        self._rose: dict[str, _Counter] = {}

    def judge(self, seen: Situation, now_ns: int) -> list[Condition]:
        """Return every condition that holds, in no order that matters."""
        self._remember(seen, now_ns)
        found = [condition for rule in _RULES for condition in rule(seen)]
        found += self._rates(seen.health.providers)
        found += self._incidents(seen, now_ns)
        if seen.disk_free_mb is not None and seen.disk_free_mb < self._policy.disk_free_mb_min:
            least = self._policy.disk_free_mb_min
            words = f"{seen.disk_free_mb:.0f} MB are free where the state is kept; {least:.0f} MB are the least"
            found.append(Condition("disk_low", "", words))
        return found

    def _remember(self, seen: Situation, now_ns: int) -> None:
        providers = seen.health.providers
        self._past.append(
            _Counts(
                now_ns,
                {p.name: p.accepted for p in providers},
                {p.name: p.rejected for p in providers},
                {p.name: p.unparsed for p in providers},
            )
        )
        while len(self._past) > 1 and now_ns - self._past[0].at_ns > self._window_ns:
            self._past.popleft()

    def _rates(self, providers: Sequence[ProviderStatus]) -> Iterator[Condition]:
        first = self._past[0]
        for p in providers:
            refused = p.rejected - first.rejected.get(p.name, p.rejected)
            taken = p.accepted - first.accepted.get(p.name, p.accepted)
            if refused >= REFUSED_MIN and refused >= self._policy.refused_share * (refused + taken):
                why = ", ".join(f"{count} {reason}" for reason, count in sorted(p.rejected_by_reason.items()))
                words = f"{refused} of its last {refused + taken} prices were refused (since the start: {why})"
                yield Condition("quotes_refused", p.name, words)
            unreadable = p.unparsed - first.unparsed.get(p.name, p.unparsed)
            if unreadable >= UNREADABLE_MIN:
                yield Condition("messages_unreadable", p.name, f"{unreadable} messages of no known shape")

    def _incidents(self, seen: Situation, now_ns: int) -> Iterator[Condition]:
        """What happens in a moment holds for the window after it."""
        if self._has_risen("process_stalled", seen.stalls, now_ns):
            yield Condition("process_stalled", "", f"{seen.stalls} standstills of this process since the start")
        if seen.quality is not None and self._has_risen("clock_step", seen.quality.own_clock_steps, now_ns):
            yield Condition("clock_step", "", seen.clock_words)
        called = self._has_risen("hotpath_violation", seen.live_calls, now_ns)
        if seen.hot_path is not None or called:
            words = f"{seen.live_calls} live calls within decisions since the start, all refused"
            yield Condition("hotpath_violation", "", seen.hot_path or words)
        if seen.fallen is not None and seen.fallen.kind == "started":
            yield Condition("unclean_start", "", _stages(seen.fallen))
        elif seen.unclean_ns is not None and now_ns - seen.unclean_ns < self._window_ns:
            yield Condition("unclean_start", "", "the last process ended without saying so; no stage was lost by it")

    def _has_risen(self, name: str, count: int, now_ns: int) -> bool:
        before = self._rose.get(name)
        if before is None:
            before = _Counter(count, None)
        elif count > before.count:
            before = _Counter(count, now_ns)
        self._rose[name] = before
        return before.rose_ns is not None and now_ns - before.rose_ns < self._window_ns


def _providers(seen: Situation) -> Iterator[Condition]:
    for p in seen.health.providers:
        if p.name in seen.blocked:
            continue
        if p.name in seen.refused:
            yield Condition("key_refused", p.name, seen.refused[p.name])
        elif p.name in seen.silent:
            yield Condition("provider_silent", p.name, seen.silent[p.name])
        elif p.name in seen.unaffordable:
            yield Condition("budget_spent", p.name, seen.unaffordable[p.name])
        elif p.status == "failed":
            yield Condition("provider_failed", p.name, p.why or "no reason is known")
        elif p.status == "degraded":
            yield Condition("provider_degraded", p.name, p.why)


def _roles(seen: Situation) -> Iterator[Condition]:
    active = seen.health.active_provider
    serving = next((p for p in seen.health.providers if p.name == active), None)
    if seen.live and (serving is None or serving.name == "mock" or serving.status == "failed"):
        whose = "nobody serves" if serving is None else f"{serving.name} has the role and is {serving.status}"
        yield Condition("no_live_provider", "", whose)
    elif seen.live:
        yield from _failovers(seen)
    recent = [c for c in seen.role_changes if seen.health.as_of_ns - c.at_ns <= seen.flap_window_ns]
    if len(recent) >= seen.flap_limit:
        window_s = seen.flap_window_ns // NS_PER_S
        yield Condition("flapping", "", f"{len(recent)} changes of role within {window_s} s")


def _failovers(seen: Situation) -> Iterator[Condition]:
    for role in seen.roles:
        if role.serving != role.wanted:
            last = next((c for c in reversed(seen.role_changes) if (c.route or "quotes") == role.route), None)
            because = "" if last is None else f", because {last.cause}"
            yield Condition("failover", role.route, f"{role.serving} serves in place of {role.wanted}{because}")


def _network(seen: Situation) -> Iterator[Condition]:
    if seen.cut_off:
        yield Condition("cut_off", "", f"{', '.join(seen.cut_off)} were lost together")


def _symbols(seen: Situation) -> Iterator[Condition]:
    if not seen.live or seen.health.session != "regular":
        return
    bad = [q for q in seen.not_firm if q.grade not in USABLE_GRADES and not q.halted and SWITCHED_OFF not in q.reasons]
    if bad:
        worst = ", ".join(f"{q.symbol} ({q.grade})" for q in bad[:10])
        more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
        yield Condition("symbols_unusable", "", f"{len(bad)} of {seen.symbols}: {worst}{more}")


def _quality(seen: Situation) -> Iterator[Condition]:
    if seen.quality is None:
        return
    for verdict in seen.quality.verdicts:
        if verdict.quarantined:
            yield Condition("quarantine", verdict.symbol, f"{verdict.provider}: {verdict.words}")
    for provider in dict.fromkeys(verdict.provider for verdict in seen.quality.verdicts if verdict.excluded):
        own = [v for v in seen.quality.verdicts if v.provider == provider and v.excluded and not v.quarantined]
        if own:
            more = f" and {len(own) - 3} more" if len(own) > 3 else ""
            words = "; ".join(f"{v.symbol} ({v.reason}): {v.words}" for v in own[:3])
            yield Condition("provider_unfit", provider, f"{words}{more}")
    if seen.quality.own_clock_offset_ms is not None:
        words = f"all streams are {seen.quality.own_clock_offset_ms / MS_PER_S:+.1f} s from our clock"
        yield Condition("own_clock_wrong", "", words)
    for conflict in seen.conflicts:
        yield Condition("actions_conflict", conflict.split(":", 1)[0], conflict)


def _switches(seen: Situation) -> Iterator[Condition]:
    for switch in seen.switches.switches:
        if switch.engaged:
            held = switch.held[0]
            yield Condition("switch_engaged", switch.name, f"held by {held.by} ({held.source}): {held.reason}")
    if not seen.switches.persisted:
        yield Condition("state_unwritable", "", seen.switches.trouble or "the state is not on the disk")


def _safety(seen: Situation) -> Iterator[Condition]:
    left_s = seen.switches.lease_left_s
    if left_s is not None and left_s <= 0:
        yield Condition("lease_expired", "", f"it ended {-left_s:.0f} s ago, and risk is only reduced")
    if seen.fallen is not None and seen.fallen.kind == "rolled back":
        yield Condition("rolled_back", "", _stages(seen.fallen))
    for symbol, words in seen.withheld.items():
        yield Condition("symbol_withheld", symbol, words)
    if seen.audit_trouble is not None:
        yield Condition("audit_broken", "", seen.audit_trouble)
    for name, words in seen.unreadable.items():
        yield Condition("state_unreadable", name, words)


def _budgets(seen: Situation) -> Iterator[Condition]:
    if seen.budget.trouble is not None:
        yield Condition("ledger_unusable", "", seen.budget.trouble)
        return
    for p in seen.budget.providers:
        if p.step in _LOW:
            left = "" if p.left_pct is None else f"{p.left_pct:.0f} % left; "
            yield Condition("budget_low", p.provider, f"{left}{p.step.replace('_', ' ')}: {p.why}")


def _channels(seen: Situation) -> Iterator[Condition]:
    for name, words in seen.failing_channels.items():
        yield Condition("channel_failing", name, words)


def _stages(change: StageChange) -> str:
    return f"from {change.before} to {change.after}: {change.reason}"


_RULES: tuple[Callable[[Situation], Iterator[Condition]], ...] = (
    _providers,
    _roles,
    _network,
    _symbols,
    _quality,
    _switches,
    _safety,
    _budgets,
    _channels,
)
