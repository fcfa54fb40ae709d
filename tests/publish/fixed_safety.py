"""Switches without a gateway, for tests of the API alone."""

from firmquote.errors import ConfigError, RefusedError
from firmquote.model.access import Identity, Scope
from firmquote.model.rollout import RolloutView
from firmquote.model.safety import AuditPage, Caller, ReloadView, RestartView, SwitchesView, SwitchOutcome, SwitchView


class OneToken:
    """Lets in one token, as admin, and nobody else; never says that it is too much."""

    def __init__(self, token: str, scope: Scope = Scope.ADMIN) -> None:
        self._token = token
        self._scope = scope
        self._orders: set[str] = set()

    async def identify(self, token: str, client: str) -> Identity | None:
        del client
        return Identity("operator", self._scope) if token == self._token else None

    def wait_s(self, client: str) -> float:
        del client
        return 0.0

    def is_new_order(self, key: str) -> bool:
        new = key not in self._orders
        self._orders.add(key)
        return new


class FixedRollout:
    """A rollout in shadow that stays there."""

    def view(self) -> RolloutView:
        return RolloutView(
            stage="shadow", since_ns=1, approval="operator", held=None, can_promote=False, obstacles=("test",),
            cool_off_left_s=0, quarantined={}, breaches={}, gates={}, history=(), persisted=True,
        )  # fmt: skip

    async def promote(self, caller: Caller, reason: str, *, forced: bool) -> RolloutView:
        del caller, reason, forced
        raise RefusedError("shadow stays: test.")

    async def roll_back(self, caller: Caller, reason: str, *, to: str | None) -> RolloutView:
        del caller, reason, to
        return self.view()

    async def hold(self, caller: Caller, reason: str, *, held: bool) -> RolloutView:
        del caller, reason, held
        return self.view()

    async def readmit(self, caller: Caller, reason: str, *, symbol: str) -> RolloutView:
        del caller, reason, symbol
        return self.view()


class FixedSafety:
    """Knows one switch, `quotes`, and remembers the last order."""

    def __init__(self) -> None:
        self.ordered: list[tuple[str, bool, Caller, str, float | None]] = []
        self.promotion = FixedRollout()

    def switches(self) -> SwitchesView:
        return SwitchesView(
            switches=(self.switch("quotes"),), forbidden={}, lease_left_s=None, persisted=True, trouble=None
        )

    def switch(self, name: str) -> SwitchView:
        if name != "quotes":
            raise ConfigError(f"{name}: no such switch.")
        return SwitchView(name=name, engaged=False, held=(), release_proposed_by=None)

    async def order_switch(
        self, name: str, *, engaged: bool, caller: Caller, reason: str, for_s: float | None
    ) -> SwitchOutcome:
        self.ordered.append((name, engaged, caller, reason, for_s))
        return SwitchOutcome(
            switch=self.switch(name), changed=True, persisted=True, accepted_ns=1, effective_ns=2, words="done"
        )

    def renew_lease(self, caller: Caller) -> SwitchesView:
        del caller
        return self.switches()

    async def reload(self, caller: Caller) -> ReloadView:
        del caller
        return ReloadView(changed=(), needs_restart=(), persisted=True)

    async def restart(self, caller: Caller) -> RestartView:
        del caller
        return RestartView(old_pid=1, new_pid=2)

    async def audit(self, *, after: int, limit: int) -> AuditPage:
        del after, limit
        return AuditPage(entries=(), head_n=0, head_hash="")
