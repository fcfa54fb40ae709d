"""Decisions with their receipts, the account, orders, and what may be told to the engine."""

from collections.abc import Sequence
from http import HTTPStatus

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import Guard

from firmquote.model.trading import (
    AccountView,
    AdviceInput,
    Decision,
    NewsInput,
    OrderView,
    ReceiptView,
    Resumption,
    WhatIfView,
)
from firmquote.publish.access import AnyRequest
from firmquote.publish.safety_routes import caller_of
from firmquote.publish.trading_view import TradingView

RECEIPTS_MAX = 1_000


def trading_routes(view: TradingView, needs_token: Guard) -> Sequence[HTTPRouteHandler]:
    """Return the routes below `/v1`."""

    @get("/positions")
    async def positions() -> AccountView:
        """Return the account and what it holds."""
        return view.account()

    @get("/orders")
    async def orders(symbol: FromQuery[str | None] = None) -> list[OrderView]:
        """Return the newest orders with their fills, newest first."""
        return list(view.orders(symbol))

    @get("/receipts")
    async def receipts(symbol: FromQuery[str | None] = None, limit: FromQuery[int] = 100) -> list[Decision]:
        """Return the newest recorded decisions, newest first; at most a thousand."""
        return list(view.receipts(symbol, min(max(limit, 1), RECEIPTS_MAX)))

    @get("/receipts/{number:int}")
    async def receipt(number: FromPath[int]) -> ReceiptView:
        """Return one recorded decision with all that it rests on, decided again."""
        return await view.receipt(number)

    @get("/receipts/{number:int}/what-if")
    async def what_if(number: FromPath[int], active: FromQuery[str]) -> WhatIfView:
        """Return what would have been decided if another provider had served."""
        return await view.what_if(number, active)

    @post("/advice", guards=[needs_token], status_code=HTTPStatus.ACCEPTED)
    async def advice(data: JSONBody[AdviceInput]) -> AdviceInput:
        """Take one source's opinion; a later one of the same source on the symbol replaces it."""
        view.advise(data)
        return data

    @post("/news", guards=[needs_token], status_code=HTTPStatus.ACCEPTED)
    async def news(data: JSONBody[NewsInput]) -> NewsInput:
        """Flag news: nothing is opened in the symbol for a while."""
        view.flag(data)
        return data

    @post("/decisions/resume", guards=[needs_token], status_code=HTTPStatus.OK)
    async def resume(data: JSONBody[Resumption], request: AnyRequest) -> list[str]:
        """Lift the pauses that wait for an operator; returns why there were any."""
        return list(view.resume(data.reason, caller_of(request)))

    return [positions, orders, receipts, receipt, what_if, advice, news, resume]
