"""What the API needs from whoever decides and trades."""

from collections.abc import Sequence
from typing import Protocol

from firmquote.model.safety import Caller
from firmquote.model.trading import (
    AccountView,
    AdviceInput,
    Decision,
    NewsInput,
    OrderView,
    ReceiptView,
    WhatIfView,
)


class TradingView(Protocol):
    """The part that decides and trades."""

    def account(self) -> AccountView: ...

    def orders(self, symbol: str | None) -> Sequence[OrderView]:
        """Return the newest orders, newest first. Raises UnknownSymbolError."""
        ...

    def receipts(self, symbol: str | None, limit: int) -> Sequence[Decision]:
        """Return the newest decisions that were recorded, newest first. Raises UnknownSymbolError."""
        ...

    async def receipt(self, number: int) -> ReceiptView:
        """Return one, from the disk if need be. Raises FirmquoteError."""
        ...

    async def what_if(self, number: int, active: str) -> WhatIfView:
        """Return what would have been decided on another provider's quote. Raises FirmquoteError."""
        ...

    def advise(self, advice: AdviceInput) -> None:
        """Take advice. Raises FirmquoteError."""
        ...

    def flag(self, news: NewsInput) -> None:
        """Flag news. Raises FirmquoteError."""
        ...

    def resume(self, reason: str, caller: Caller) -> Sequence[str]:
        """Lift latched pauses; returns what was lifted."""
        ...
