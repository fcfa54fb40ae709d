"""What the API needs from whoever spends."""

from typing import Protocol

from firmquote.model.budget import BudgetView
from firmquote.model.status import QuoteView


class SpendingView(Protocol):
    """The part that spends."""

    def budget(self) -> BudgetView: ...

    async def refresh(self, symbol: str) -> QuoteView:
        """Ask for a symbol now and return its quote. Raises FirmquoteError where nothing may be asked."""
        ...
