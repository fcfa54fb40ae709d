"""Symbols that share one order of providers, and who serves them: the unit in which roles move. Pure."""

from collections import deque
from collections.abc import Collection, Mapping

from msgspec import Struct

from firmquote.routing.election import Candidate, Election, ElectionPolicy, Serving, elect
from firmquote.routing.member import Member

SWITCHES_KEPT = 64


class Role(Struct, frozen=True):
    """Who serves a group of symbols, and whom it wants, as another process left it."""

    route: str | None
    symbols: tuple[str, ...]
    order: tuple[str, ...]
    serving: str | None


class Group:
    """One order of providers. Without routes there is one group, and its order is that of the configured roles."""

    def __init__(self, route: str | None, order: tuple[str, ...], now_ns: int) -> None:
        self.route = route
        self.order = list(order)
        self.symbols: list[str] = []
        self.serving = Serving(name=order[0], since_ns=now_ns)
        self._switches_ns: deque[int] = deque(maxlen=SWITCHES_KEPT)
        self._before: deque[Serving] = deque(maxlen=SWITCHES_KEPT)
        """What each of these switches ended."""

    def prefer(self, name: str) -> None:
        """Make `name` the most wanted provider here."""
        self.order.remove(name)
        self.order.insert(0, name)

    def switch(self, name: str, now_ns: int) -> None:
        """Let `name` serve from now on."""
        self._switches_ns.append(now_ns)
        self._before.append(self.serving)
        self.serving = Serving(name=name, since_ns=now_ns, switches_ns=tuple(self._switches_ns))

    def undo(self, lost: Collection[str], since_ns: int) -> str | None:
        """Take back switches since `since_ns` from a more to a less wanted one of `lost`; return whom the last left."""
        left = self.serving.name
        while self._before and self.serving.since_ns >= since_ns:
            wanted = [name for name in self.order if name in lost]
            earlier, later = self._before[-1].name, self.serving.name
            if earlier not in wanted or later not in wanted or wanted.index(earlier) > wanted.index(later):
                break
            self._switches_ns.pop()
            self.serving = self._before.pop()
        return left if left != self.serving.name else None

    def role(self) -> Role:
        """Return what another process must know to go on."""
        return Role(self.route, tuple(self.symbols), tuple(self.order), self.serving.name)

    def take_up(self, role: Role, now_ns: int) -> None:
        """Go on as another process left it; a provider that is new here comes last, one that is gone is forgotten."""
        known = [name for name in role.order if name in self.order]
        self.order = [*known, *(name for name in self.order if name not in known)]
        if role.serving in self.order:
            self.serving = Serving(name=role.serving, since_ns=now_ns)
            self._before.clear()

    def elect(self, members: Mapping[str, Member], policy: ElectionPolicy, now_ns: int) -> Election:
        """Return who should serve now."""
        candidates = [
            Candidate(
                name=name,
                rank=rank,
                status=members[name].status,
                why=members[name].why,
                usable_since_ns=members[name].usable_since_ns,
                mute=members[name].mute,
                cut_off=members[name].cut_off,
                synthetic=members[name].synthetic,
            )
            for rank, name in enumerate(self.order)
        ]
        return elect(candidates, self.serving, policy, now_ns=now_ns)

    def showing_order(self, members: Mapping[str, Member]) -> list[str]:
        """Return the providers whose lines may be shown, best first.

        Who serves comes first while it is usable; then the usable ones by preference; an unusable one that serves
        comes last, since its old quote is better than none. Synthetic prices are shown only when theirs serves.
        """
        serving = self.serving.name
        usable = [n for n in self.order if n != serving and members[n].usable and not members[n].synthetic]
        if serving is None or members[serving].blocks:
            return usable
        return [serving, *usable] if members[serving].usable else [*usable, serving]
