"""What the HTTP API needs from whoever owns the kill switches and the audit trail."""

from typing import Protocol

from firmquote.model.safety import AuditPage, Caller, SwitchesView, SwitchOutcome, SwitchView


class SafetyView(Protocol):
    """Nothing here waits for a disk, a database or a provider before an order is in effect."""

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

    async def audit(self, *, after: int, limit: int) -> AuditPage:
        """Return a part of the audit trail, oldest first."""
        ...
