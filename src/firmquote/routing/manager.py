"""ProviderManager: what every provider is worth, which one serves which symbols, and why."""

from collections.abc import Callable, Collection, Iterator, Sequence

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.routing.blame import Blame
from firmquote.routing.breaker import BreakerState
from firmquote.routing.changes import Change, Showing
from firmquote.routing.group import Group, Role
from firmquote.routing.health import CONNECTION_LOST, Outcome, Percentiles, Status
from firmquote.routing.lines import LineBook
from firmquote.routing.member import TOGETHER_NS, Member
from firmquote.routing.policy import RoutingPolicy
from firmquote.routing.routes import Routed, check_routes, route_symbol


class ProviderManager:
    """Owns roles. Events come in with their time; `advance` says what changed."""

    def __init__(
        self,
        order: Sequence[str],
        policy: RoutingPolicy,
        *,
        chance: Callable[[], float],
        now_ns: int,
        symbols: Sequence[str] = (),
        synthetic: frozenset[str] = frozenset({"mock"}),
    ) -> None:
        check_routes(policy.routes, order)
        self.members = {
            name: Member(name, policy.health, policy.breaker, chance, synthetic=name in synthetic) for name in order
        }
        self.lines = LineBook(policy.line_recovery_ms)
        self.last_role_change: Change | None = None
        self.resting = False
        """While set, nobody is asked for anything: live quotes are switched off."""
        self.version = 0
        """Grows with everything that `showing` depends on."""
        self._policy = policy
        self._started_ns = now_ns
        self._changes: list[Change] = []
        live = [name for name in order if name not in synthetic]
        roles = Routed(None, (*live, *(name for name in order if name in synthetic)))
        self.groups = [Group(None, roles.order, now_ns)]
        self._group_of: dict[str, Group] = {}
        for symbol in symbols:
            routed = route_symbol(symbol, policy.routes, roles, synthetic)
            group = next((g for g in self.groups if g.route == routed.route and g.order == list(routed.order)), None)
            if group is None:
                group = Group(routed.route, routed.order, now_ns)
                self.groups.append(group)
            group.symbols.append(symbol)
            self._group_of[symbol] = group
        if not self.groups[0].symbols and len(self.groups) > 1:
            del self.groups[0]  # every symbol has a route

    # -- what happens to providers

    def on_ready(self, name: str, now_ns: int) -> None:
        """The provider accepted us (a stream's login, a poll's first good answer)."""
        member = self.members[name]
        if member.cut_off and member.ready:
            self._note("connection", name, "cut off", "ready", "it answers again", now_ns)
        member.cut_off = False
        member.heard_ns = now_ns
        if not member.ready:
            member.health.last_error_kind = None
            member.ready = True
            self._note("connection", name, "down", "ready", "ready", now_ns)

    def on_lost(self, name: str, words: str, now_ns: int) -> None:
        """The stream broke; it is unusable from this moment."""
        member = self.members[name]
        member.health.note_error(CONNECTION_LOST, words)
        member.reconnects += 1
        member.silent = None
        if member.ready:
            member.ready = False
            member.lost_ns = now_ns
            self._note("connection", name, "ready", "down", words, now_ns)
        if self.cut_off(name, now_ns):
            self._on_lost_together(now_ns)
            member.cut_off = True
        elif member.cut_off:
            member.cut_off = not self._somebody_is_steady(name, now_ns)
        if not member.cut_off:
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
        """One request was answered, well (`ok`) or not."""
        member = self.members[name]
        member.health.note(outcome)
        if outcome.ok:
            member.heard_ns = outcome.at_ns
            member.health.note_calm()
        self._feed_breaker(name, ok=outcome.ok, now_ns=outcome.at_ns)

    def on_stream_second(self, name: str, *, brought_data: bool, now_ns: int) -> None:
        """One second of a stream passed: good with data, bad without a line; a quiet one says nothing."""
        member = self.members[name]
        if member.ready:
            member.health.note_calm()
        if brought_data:
            member.heard_ns = now_ns
            member.health.note(Outcome(at_ns=now_ns, ok=True, latency_ns=None))
            self._feed_breaker(name, ok=True, now_ns=now_ns)
        elif not member.ready and member.status is not Status.CONNECTING and not member.cut_off:
            member.health.note(Outcome(at_ns=now_ns, ok=False, latency_ns=None))

    def on_silent(self, name: str, words: str | None) -> None:
        """Its open stream is frozen, late or repeating, as `words` say; `None` says that it is well again."""
        member = self.members[name]
        if words is not None and member.silent is None:
            member.health.note_error("silent", words)
        member.silent = words

    def on_budget(self, name: str, words: str | None) -> None:
        """Its budget is spent, for the reason in `words`, so it cannot serve; `None` says that there is budget.

        Its last quotes may stay on the board, where their grade decays.
        """
        self.members[name].unaffordable = words

    def on_mute(self, mute: Collection[str]) -> None:
        """`mute` are those of whom not a byte came for longer than any live connection stays quiet."""
        for name, member in self.members.items():
            member.mute = name in mute

    def cut_off(self, name: str, now_ns: int) -> bool:
        """Say whether everybody else is out of reach too, so that `name`'s trouble is the network's or our own.

        Who was lost with it is out of reach, before anybody is mute. Who was down already is no witness, and whoever
        was heard after its loss shows that this was its own.
        """
        member = self.members[name]
        others = [m for m in self._live() if m.name != name and m.refused is None]
        if not member.ready and member.lost_ns is not None:
            known_ns = member.lost_ns + TOGETHER_NS
            if any(m.heard_ns > known_ns for m in others):
                return False
        together = member.is_just_lost(now_ns)
        gone = [m for m in others if m.mute or m.cut_off or (together and m.is_just_lost(now_ns))]
        return bool(gone) and all(m in gone or not m.ready for m in others)

    def on_unreached(self, name: str, outcome: Outcome) -> None:
        """A request was not answered at all. While everybody is out of reach that is not the provider's failure."""
        member = self.members[name]
        if self.cut_off(name, outcome.at_ns):
            member.breaker.on_no_verdict(outcome.at_ns)
            if not member.cut_off:
                member.cut_off = True
                words = f"nobody is heard any more: {member.health.last_error or 'no answer'}"
                self._note("connection", name, "ready", "cut off", words, outcome.at_ns, blame=Blame.NETWORK)
        else:
            self.on_outcome(name, outcome)

    def on_error(self, name: str, kind: str, words: str) -> None:
        """Count an error by class; whether it matters is decided by outcomes."""
        self.members[name].health.note_error(kind, words)

    def on_blocked(self, name: str, source: str, words: str | None) -> None:
        """`source` (a kill switch, say) forbids the provider's use, or with `None` allows it again.

        A blocked provider's quotes leave the board with the next `reconsider` or `advance`.
        """
        member = self.members[name]
        self.version += 1
        if words is None:
            member.blocks.pop(source, None)
        else:
            member.blocks[source] = words

    def on_line(
        self, provider: str, symbol: str, source: str, words: str | None, now_ns: int, *, bars: bool = False
    ) -> None:
        """`source` objects to one line, or with `None` no longer does; the symbol is served by another meanwhile.

        `bars` makes the quote leave the board at once, whoever is left: for wrong values rather than missing ones.
        """
        if words is None:
            changed = self.lines.clear(provider, symbol, source, now_ns)
        else:
            changed = self.lines.object_to(provider, symbol, source, words, bars=bars, now_ns=now_ns)
        if changed:
            self.version += 1
            self._note(
                "line",
                provider,
                "fit" if words else "unfit",
                "unfit" if words else "fit",
                f"{source}: {words}" if words else f"{source}: well again",
                now_ns,
                symbol=symbol,
                blame=Blame.PROVIDER if words else None,
            )

    def pass_over(self, provider: str, symbol: str, source: str, words: str) -> None:
        """Show the symbol from another provider for the moment, without a word; `excuse` ends it."""
        self.version += self.lines.object_to(provider, symbol, source, words, bars=False, now_ns=0, passing=True)

    def excuse(self, provider: str, symbol: str, source: str, now_ns: int | None = None) -> None:
        """The provider is as good as before for this symbol; with a time it must stay so for a while first."""
        self.version += self.lines.clear(provider, symbol, source, now_ns)

    def allows(self, name: str, now_ns: int) -> bool:
        """Say whether the provider's breaker lets a request through now, and nobody forbids its use."""
        member = self.members[name]
        if self.resting or member.blocks:
            return False
        before = member.breaker.state
        allowed = member.breaker.allows(now_ns)
        self._tell_of_breaker(member, before, now_ns)
        return allowed

    def activate(self, name: str, reason: str, now_ns: int) -> Change | None:
        """Make `name` the most wanted provider wherever it is routed, and let it serve there now.

        Returns the change of role, or `None` where it served already.

        Raises:
            ConfigError: no such provider, it is not usable, or no symbol is routed to it.
        """
        member = self.members.get(name)
        if member is None:
            known = ", ".join(self.members)
            raise ConfigError(f"{name}: no such provider here. Choose one of: {known}.")
        if not member.usable:
            raise ConfigError(
                f"{name} is {member.status.value} ({member.why}), so it cannot serve. "
                f"Mend it first; `firmquote providers` shows when it is healthy."
            )
        groups = [group for group in self.groups if name in group.order]
        if not groups:
            raise ConfigError(f"{name}: no symbol is routed to it. Add it to a route under routing.routes.")
        change = None
        for group in groups:
            group.prefer(name)
            if group.serving.name != name:
                change = self._switch(group, name, f"operator: {reason}", Blame.OPERATOR, now_ns)
        self.version += 1
        return change

    def roles(self) -> tuple[Role, ...]:
        """Return who serves what, for the process that goes on after this one."""
        return tuple(group.role() for group in self.groups)

    def take_up(self, roles: Sequence[Role], now_ns: int) -> None:
        """Let serve who served in the process before this one."""
        left = {(role.route, role.symbols): role for role in roles}
        for group in self.groups:
            role = left.get((group.route, tuple(group.symbols)))
            if role is not None:
                group.take_up(role, now_ns)
        self._started_ns = now_ns  # whose connection was handed over last may take as long as at a start
        self.version += 1

    # -- what follows

    def advance(self, latencies: dict[str, Percentiles], now_ns: int) -> list[Change]:
        """Evaluate health, elect, and return everything that changed since the last call."""
        for member in self.members.values():
            member.health.evaluate(latencies.get(member.name, Percentiles()), now_ns)
        if self.lines.expire(now_ns):
            self.version += 1
        self.reconsider(now_ns)
        changes, self._changes = self._changes, []
        return changes

    def reconsider(self, now_ns: int) -> None:
        """Judge every provider and elect, now; cheap enough to be called on each lost connection."""
        in_grace = now_ns - self._started_ns < self._policy.connect_grace_ms * NS_PER_MS
        for member in self.members.values():
            member.unfit = self.lines.most_unfit(member.name, len(self._group_of))
            before, usable = member.status, member.usable
            if member.judge(now_ns, in_grace=in_grace):
                self._note(
                    "status", member.name, before.value, member.status.value, member.why, now_ns, blame=member.blame
                )
            self.version += usable is not member.usable
        for group in self.groups:
            outcome = group.elect(self.members, self._policy.election, now_ns)
            if outcome.name is not None and outcome.name != group.serving.name:
                left = None if group.serving.name is None else self.members[group.serving.name].blame
                self._switch(group, outcome.name, outcome.cause, left, now_ns)

    @property
    def serving(self) -> str | None:
        """The provider that serves by the configured roles; with routes for every symbol, the one of the first."""
        return self.groups[0].serving.name

    def showing(self, symbol: str) -> Showing:
        """Return whose line of `symbol` may be shown."""
        group = self._group_of.get(symbol, self.groups[0])
        fit = self.lines.arrange(symbol, group.showing_order(self.members))
        blocked = {name for name, member in self.members.items() if member.blocks}
        return Showing(tuple(fit), self.lines.barred(symbol, self.members) | blocked)

    def role(self, name: str) -> str:
        """Return `active` (serves some symbols), `warm` (is next for some), `shadow` or `mock`."""
        if any(group.serving.name == name for group in self.groups):
            return "active"
        if self.members[name].synthetic:
            return "mock"
        for group in self.groups:
            others = [n for n in group.order if n != group.serving.name and not self.members[n].synthetic]
            if others and others[0] == name:
                return "warm"
        return "shadow"

    # -- how

    def _feed_breaker(self, name: str, *, ok: bool, now_ns: int) -> None:
        member = self.members[name]
        before = member.breaker.state
        if not ok:
            member.breaker.on_failure(now_ns)
        elif before is BreakerState.CLOSED:
            member.breaker.on_success(now_ns)
        else:
            alone = not any(m.usable and not m.mute for m in self._live())
            member.breaker.on_success(now_ns, early=member.why_early(now_ns, alone=alone))
        self._tell_of_breaker(member, before, now_ns)

    def _tell_of_breaker(self, member: Member, before: BreakerState, now_ns: int) -> None:
        after = member.breaker.state
        if after is not before:
            said = member.health.last_error if after is BreakerState.OPEN else None
            cause = f"{member.breaker.why}{f': {said}' if said else ''}"
            self._note("breaker", member.name, before.value, after.value, cause, now_ns)

    def _live(self) -> Iterator[Member]:
        return (member for member in self.members.values() if not member.synthetic)

    def _somebody_is_steady(self, name: str, now_ns: int) -> bool:
        """Whether another is back for so long that `name`'s absence is its own."""
        grace_ns = int(self._policy.election.cut_off_grace_s * NS_PER_S)
        since = [m.usable_since_ns for m in self._live() if m.name != name and not m.mute]
        return any(at_ns is not None and now_ns - at_ns >= grace_ns for at_ns in since)

    def _on_lost_together(self, now_ns: int) -> None:
        """Take back what was thought of those who were lost a moment before the last, and roles that moved for that."""
        lost = [member.name for member in self._live() if member.is_just_lost(now_ns)]
        words = f"{' and '.join(lost)} were lost together" if len(lost) > 1 else "nobody is heard any more"
        for name in lost:
            if not self.members[name].cut_off:
                self.members[name].cut_off = True
                self._note("connection", name, "down", "cut off", words, now_ns, blame=Blame.NETWORK)
        for group in self.groups:
            left = group.undo(lost, now_ns - TOGETHER_NS)
            if left is not None:
                self._tell_of_role(group, left, words, Blame.NETWORK, now_ns)

    def _switch(self, group: Group, name: str, cause: str, blame: Blame | None, now_ns: int) -> Change:
        before = group.serving.name
        group.switch(name, now_ns)
        return self._tell_of_role(group, before, cause, blame, now_ns)

    def _tell_of_role(self, group: Group, before: str | None, cause: str, blame: Blame | None, now_ns: int) -> Change:
        self.version += 1
        name = str(group.serving.name)
        self.last_role_change = self._note("role", name, before, name, cause, now_ns, route=group.route, blame=blame)
        return self.last_role_change

    def _note(
        self,
        kind: str,
        provider: str,
        before: str | None,
        after: str | None,
        cause: str,
        now_ns: int,
        *,
        symbol: str | None = None,
        route: str | None = None,
        blame: Blame | None = None,
    ) -> Change:
        change = Change(
            at_ns=now_ns,
            kind=kind,
            provider=provider,
            before=before,
            after=after,
            cause=cause,
            symbol=symbol,
            route=route,
            blame=blame,
        )
        self._changes.append(change)
        return change
