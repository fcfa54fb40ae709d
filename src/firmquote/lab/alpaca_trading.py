"""Alpaca's paper trading API as a simulator: orders, positions, the account. Judged by the official `alpaca-py`.

From docs.alpaca.markets/reference (postorder, getallorders, getorderbyclientorderid, deleteorderbyorderid) as the
official client 0.44.0 speaks it; the texts of errors are from general knowledge. Orders are filled when somebody looks:
at the prices of `quotes`, at most `shares_at_once` with every look.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web
from msgspec import Struct, ValidationError
from msgspec.json import Decoder

from firmquote.lab.simulator import HOST, LAB_KEY
from firmquote.lab.times import rfc3339_nano
from firmquote.model import Clock

ORDERS_PAGE_MAX = 500
_FINAL = frozenset({"filled", "canceled", "expired", "rejected"})


class NewOrder(Struct, frozen=True, kw_only=True):
    """The body of `POST /v2/orders`; what is not simulated is ignored."""

    symbol: str
    side: str
    type: str
    time_in_force: str
    qty: str | float
    limit_price: str | float | None = None
    client_order_id: str | None = None


class _SimOrder:
    def __init__(self, new: NewOrder, at: str) -> None:
        self.id = str(uuid.uuid4())
        self.client_order_id = new.client_order_id or str(uuid.uuid4())
        self.new = new
        self.at = at
        self.status = "accepted"
        self.filled = 0
        self.paid_usd = 0.0

    @property
    def quantity(self) -> int:
        return int(float(self.new.qty))

    def wire(self) -> dict[str, object]:
        average = None if not self.filled else f"{self.paid_usd / self.filled:.6f}"
        new = self.new
        return {
            "id": self.id, "client_order_id": self.client_order_id, "created_at": self.at, "updated_at": self.at,
            "submitted_at": self.at, "filled_at": self.at if self.status == "filled" else None, "expired_at": None,
            "canceled_at": self.at if self.status == "canceled" else None, "failed_at": None, "replaced_at": None,
            "replaced_by": None, "replaces": None, "asset_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, new.symbol)),
            "symbol": new.symbol, "asset_class": "us_equity", "notional": None, "qty": str(self.quantity),
            "filled_qty": str(self.filled), "filled_avg_price": average, "order_class": "simple",
            "order_type": new.type, "type": new.type, "side": new.side, "time_in_force": new.time_in_force,
            "limit_price": None if new.limit_price is None else str(new.limit_price), "stop_price": None,
            "status": self.status, "extended_hours": False, "legs": None, "trail_percent": None, "trail_price": None,
            "hwm": None,
        }  # fmt: skip


_new_order = Decoder(NewOrder, strict=False)


class AlpacaTrading:
    """A server with one paper account. `orders` counts each order once, however often it was sent."""

    def __init__(self, clock: Clock, *, keys: Sequence[str] = (LAB_KEY,), shares_at_once: int = 1_000_000) -> None:
        self.quotes: dict[str, tuple[float, float]] = {}
        """Symbol → bid, ask: what orders are filled at."""
        self.shares_at_once = shares_at_once
        self.fail_next: list[int] = []
        """HTTP statuses that the next requests are answered with."""
        self.garbled: dict[str, int] = {}
        """HTTP method → the status with which something on the way answers it, in HTML."""
        self.lose_next_answers = 0
        """How many of the next orders are taken and not acknowledged: the connection breaks."""
        self.orders: dict[str, _SimOrder] = {}
        self.requests = 0
        self._keys = {tuple(key.partition(":")[::2]) for key in keys}
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Listen on any free port."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.post("/v2/orders", self._post),
                web.get("/v2/orders", self._list),
                web.get("/v2/orders:by_client_order_id", self._by_client_id),
                web.get("/v2/orders/{id}", self._one),
                web.delete("/v2/orders/{id}", self._cancel),
                web.get("/v2/positions", self._positions),
                web.get("/v2/account", self._account),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def held(self) -> dict[str, int]:
        """Return the shares of each symbol, by all fills."""
        shares: dict[str, int] = {}
        for order in self.orders.values():
            signed = order.filled if order.new.side == "buy" else -order.filled
            shares[order.new.symbol] = shares.get(order.new.symbol, 0) + signed
        return {symbol: count for symbol, count in shares.items() if count}

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        self.requests += 1
        given = (request.headers.get("APCA-API-KEY-ID", ""), request.headers.get("APCA-API-SECRET-KEY", ""))
        if given not in self._keys:
            return _error(401, 40110000, "request is not authorized")
        if request.method in self.garbled:
            return web.Response(status=self.garbled[request.method], text="<html>", content_type="text/html")
        if self.fail_next:
            status = self.fail_next.pop(0)
            return _error(status, status * 100_000, "too many requests." if status == 429 else "internal server error")
        self._match()
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _post(self, request: web.Request) -> web.Response:
        try:
            new = _new_order.decode(await request.read())
        except ValidationError as error:
            return _error(422, 40010001, str(error))
        if any(order.client_order_id == new.client_order_id for order in self.orders.values()):
            return _error(422, 40010001, "client_order_id must be unique")
        if new.symbol not in self.quotes:
            return _error(422, 42210000, f'asset "{new.symbol}" not found')
        if new.side == "sell" and int(float(new.qty)) > self.held().get(new.symbol, 0):
            return _error(403, 40310000, "insufficient qty available for order")
        order = _SimOrder(new, rfc3339_nano(self._clock.now_ns()))
        self.orders[order.id] = order
        if self.lose_next_answers:
            self.lose_next_answers -= 1
            assert request.transport is not None
            request.transport.close()
        return web.json_response(order.wire())

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("status", "open")
        limit = min(int(request.query.get("limit", 50)), ORDERS_PAGE_MAX)
        found = [
            order
            for order in reversed(self.orders.values())
            if wanted == "all" or (order.status in _FINAL) is (wanted == "closed")
        ]
        return web.json_response([order.wire() for order in found[:limit]])

    async def _by_client_id(self, request: web.Request) -> web.Response:
        wanted = request.query.get("client_order_id")
        found = next((order for order in self.orders.values() if order.client_order_id == wanted), None)
        return _error(404, 40410000, "order not found") if found is None else web.json_response(found.wire())

    async def _one(self, request: web.Request) -> web.Response:
        found = self.orders.get(request.match_info["id"])
        return _error(404, 40410000, "order not found") if found is None else web.json_response(found.wire())

    async def _cancel(self, request: web.Request) -> web.Response:
        found = self.orders.get(request.match_info["id"])
        if found is None:
            return _error(404, 40410000, "order not found")
        if found.status in _FINAL:
            return _error(422, 42210000, f'order is already in "{found.status}" state')
        found.status = "canceled"
        return web.Response(status=204)

    async def _positions(self, _: web.Request) -> web.Response:
        return web.json_response([self._position(symbol, shares) for symbol, shares in sorted(self.held().items())])

    async def _account(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "account")), "account_number": "PA3LAB", "status": "ACTIVE",
             "currency": "USD", "cash": "100000", "equity": "100000", "buying_power": "200000", "multiplier": "2",
             "pattern_day_trader": False, "trading_blocked": False, "transfers_blocked": False,
             "account_blocked": False, "created_at": rfc3339_nano(self._clock.now_ns()),
             "trade_suspended_by_user": False, "shorting_enabled": True}
        )  # fmt: skip

    def _position(self, symbol: str, shares: int) -> dict[str, object]:
        bought = [order for order in self.orders.values() if order.new.symbol == symbol and order.new.side == "buy"]
        average = sum(order.paid_usd for order in bought) / max(1, sum(order.filled for order in bought))
        return {
            "asset_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, symbol)), "symbol": symbol, "exchange": "NYSE",
            "asset_class": "us_equity", "avg_entry_price": f"{average:.6f}", "qty": str(shares), "side": "long",
            "cost_basis": f"{average * shares:.6f}", "market_value": f"{self.quotes[symbol][0] * shares:.6f}",
        }  # fmt: skip

    def _match(self) -> None:
        for order in self.orders.values():
            quote = self.quotes.get(order.new.symbol)
            if order.status in _FINAL or quote is None:
                continue
            buying = order.new.side == "buy"
            price = quote[1] if buying else quote[0]
            limit = None if order.new.limit_price is None else float(order.new.limit_price)
            if limit is not None and (price > limit if buying else price < limit):
                order.status = "new"
                continue
            shares = min(order.quantity - order.filled, self.shares_at_once)
            order.filled += shares
            order.paid_usd += shares * price
            order.status = "filled" if order.filled == order.quantity else "partially_filled"


def _error(status: int, code: int, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)
