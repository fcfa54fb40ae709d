"""What the HTTP API needs from whoever judges providers and keeps corporate actions."""

from collections.abc import Mapping
from typing import Protocol

from firmquote.model.quality import ActionsView, HaltView, QualityView
from firmquote.model.safety import Caller


class QualityPort(Protocol):
    """Synchronous; an order is stored before it is answered."""

    def quality(self) -> QualityView: ...

    def believe(self, symbol: str, provider: str, *, caller: Caller, reason: str) -> QualityView:
        """Believe the level on which `provider` insists. Raises UnknownSymbolError, ConfigError."""
        ...

    def order_halt(self, symbol: str, *, halted: bool, caller: Caller, reason: str) -> HaltView:
        """Halt or resume. Raises UnknownSymbolError, StoreError."""
        ...

    def actions(self) -> ActionsView: ...

    def tell_action(self, action: Mapping[str, object], *, caller: Caller, reason: str) -> ActionsView:
        """Take an operator's word. Raises ConfigError for what is no action, StoreError."""
        ...
