"""What the HTTP API needs from whoever owns the kill switches and the audit trail."""

from typing import Protocol

from firmquote.model.rollout import RolloutView
from firmquote.model.safety import AuditPage, Caller, ReloadView, RestartView, SwitchesView, SwitchOutcome, SwitchView


class SafetyView(Protocol):
    """Nothing here waits for a disk, a database or a provider before an order is in effect."""

    @property
    def promotion(self) -> "RolloutOrders":
        """The rollout."""
        ...

    def switches(self) -> SwitchesView: ...

    def switch(self, name: str) -> SwitchView:
        """Return one switch. Raises ConfigError for an unknown one."""
        ...

    async def order_switch(
        self, name: str, *, engaged: bool, caller: Caller, reason: str, for_s: float | None
    ) -> SwitchOutcome:
        """Engage or release. Raises ConfigError or RefusedError where that cannot be."""
        ...

    def renew_lease(self, caller: Caller) -> SwitchesView:
        """The caller is alive, and answers for what runs."""
        ...

    async def reload(self, caller: Caller) -> ReloadView:
        """Read the configuration again. Raises RefusedError without a file, ConfigError where it is not good."""
        ...

    async def restart(self, caller: Caller) -> RestartView:
        """Start a process that takes over. Raises RefusedError where there is none that could, or one does already."""
        ...

    async def audit(self, *, after: int, limit: int) -> AuditPage:
        """Return a part of the audit trail, oldest first."""
        ...


class RolloutOrders(Protocol):
    """The rollout, and what an operator may do with it. Orders raise RefusedError where something stands in the way."""

    def view(self) -> RolloutView: ...

    async def promote(self, caller: Caller, reason: str, *, forced: bool) -> RolloutView:
        """Go one stage further; `forced` needs no gate to pass."""
        ...

    async def roll_back(self, caller: Caller, reason: str, *, to: str | None) -> RolloutView:
        """Go back by one stage, or to `to`."""
        ...

    async def hold(self, caller: Caller, reason: str, *, held: bool) -> RolloutView:
        """Let nothing be promoted, or let it again."""
        ...

    async def readmit(self, caller: Caller, reason: str, *, symbol: str) -> RolloutView:
        """Take a symbol out of quarantine."""
        ...
