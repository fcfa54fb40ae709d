"""What is spent and left, and a price asked for by hand."""

from collections.abc import Sequence
from http import HTTPStatus

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import Guard

from firmquote.model.budget import BudgetView
from firmquote.model.status import QuoteView
from firmquote.publish.budget_view import SpendingView


def budget_routes(view: SpendingView, needs_token: Guard) -> Sequence[HTTPRouteHandler]:
    """Return the routes below `/v1`."""

    @get("/budget")
    async def budget() -> BudgetView:
        """Return what was spent, what is held back and left, and when it ends."""
        return view.budget()

    @post("/quotes/{symbol:str}/refresh", guards=[needs_token], status_code=HTTPStatus.OK)
    async def refresh(symbol: FromPath[str]) -> QuoteView:
        """Ask the provider that serves for this symbol now, out of the operators' reserve."""
        return await view.refresh(symbol)

    return [budget, refresh]
