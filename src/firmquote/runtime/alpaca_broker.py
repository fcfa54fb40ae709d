"""Alpaca's paper trading API as a broker.

The order's key travels as `client_order_id`, which Alpaca keeps unique: an order that is sent again after a crash or a
lost answer is one order there. Fills come from the cumulative numbers of a poll, so that none is counted twice.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec
import structlog
from msgspec import Struct

from firmquote.decision import BrokerEvent, MarketView, OrderUpdate, WorkingOrders
from firmquote.errors import LineError, ProviderError
from firmquote.model import NS_PER_S, Call, Clock, Response, Secret
from firmquote.model.trading import MICROS_PER_USD, Fill, Order, OrderState
from firmquote.wire import HttpClient, HttpLimits

NAME = "alpaca"
POLL_NS = NS_PER_S
"""How often orders are asked after while any is working; the free plan allows 200 requests a minute."""
POSITIONS_EVERY = 30
"""Polls between two looks at the positions."""
RETRY_NS = 2 * NS_PER_S
ORDERS_ASKED = 500
"""The newest orders that one poll returns; as many may work at once."""
_log = structlog.get_logger("firmquote")


class AlpacaOrder(Struct, frozen=True, kw_only=True):
    """What is read of an order."""

    id: str
    client_order_id: str
    status: str
    filled_qty: str
    filled_avg_price: str | None = None


class AlpacaPosition(Struct, frozen=True, kw_only=True):
    """What is read of a position."""

    symbol: str
    qty: str


class AlpacaProblem(Struct, frozen=True, kw_only=True):
    """Why a request was refused."""

    message: str = ""


_FINAL = {
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "replaced": OrderState.CANCELLED,
    "expired": OrderState.EXPIRED,
    "done_for_day": OrderState.EXPIRED,
    "rejected": OrderState.REJECTED,
    "suspended": OrderState.REJECTED,
}
_order = msgspec.json.Decoder(AlpacaOrder)
_orders = msgspec.json.Decoder(list[AlpacaOrder])
_positions = msgspec.json.Decoder(list[AlpacaPosition])
_problem = msgspec.json.Decoder(AlpacaProblem)


class AlpacaBroker:
    """Implements `decision.Broker`; `run` does all that waits."""

    name = NAME

    def __init__(self, base_url: str, key: Secret, clock: Clock) -> None:
        self._base_url = base_url
        key_id, _, secret = key.reveal().partition(":")
        self._headers = (("APCA-API-KEY-ID", key_id), ("APCA-API-SECRET-KEY", secret))
        self._clock = clock
        self._known = WorkingOrders()
        self._unsent: deque[Order] = deque()
        self._cancels: dict[str, None] = {}
        self._ids: dict[str, str] = {}
        """Our key → Alpaca's id, for orders that it has."""
        self._events: list[BrokerEvent] = []
        self._wake = asyncio.Event()
        self._polls = 0
        self.on_positions: Callable[[Mapping[str, int]], None] = lambda _: None
        """Told what Alpaca holds, now and then, while nothing is working."""

    # -- Broker

    def place(self, order: Order, now_ns: int) -> None:
        """Take an order to be sent; one that is known is left alone."""
        del now_ns
        if order.key in self._known.by_key or not order.open_shares:
            return
        self._known.add(order)
        self._unsent.append(order)
        self._wake.set()

    def cancel(self, key: str) -> None:
        """Ask for its end."""
        if key in self._known.by_key:
            self._cancels[key] = None
            self._wake.set()

    def on_view(self, view: MarketView, now_ns: int) -> None:
        """Alpaca has quotes of its own."""

    def take(self, now_ns: int) -> Sequence[BrokerEvent]:
        """Return what happened; orders whose time is over are to be cancelled."""
        for order in self._known.by_key.values():
            if now_ns >= order.expires_ns:
                self.cancel(order.key)
        events, self._events = self._events, []
        return events

    # -- what waits

    async def run(self) -> None:
        """Send, cancel and ask after orders until cancelled."""
        limits = HttpLimits(connections=2)
        async with HttpClient(NAME, self._base_url, now_ns=self._clock.now_ns, limits=limits) as client:
            while True:
                pause_ns = POLL_NS
                try:
                    await self._turn(client)
                except ProviderError as error:
                    _log.warning("alpaca trading", trouble=str(error))
                    pause_ns = RETRY_NS
                self._wake.clear()
                await self._pause(pause_ns, until_woken=pause_ns == POLL_NS)

    async def _pause(self, pause_ns: int, *, until_woken: bool) -> None:
        if not until_woken:
            await self._clock.sleep_until(self._clock.monotonic_ns() + pause_ns)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_ns / NS_PER_S):
                await self._wake.wait()

    async def _turn(self, client: HttpClient) -> None:
        while self._unsent:
            await self._send(client, self._unsent[0])
            self._unsent.popleft()
        for key in list(self._cancels):
            await self._ask_for_the_end(client, key)
            self._cancels.pop(key, None)
        if self._known.by_key:
            for order in _orders.decode(await self._get(client, "/v2/orders", status="all", limit=str(ORDERS_ASKED))):
                self._follow(order)
        elif self._polls % POSITIONS_EVERY == 0:
            held = _positions.decode(await self._get(client, "/v2/positions"))
            if not self._known.by_key and not self._events:
                self.on_positions({each.symbol: int(float(each.qty)) for each in held})
        self._polls += 1

    async def _send(self, client: HttpClient, order: Order) -> None:
        """Send an order, or find it where it may have been sent before; raises where that is not known."""
        late = self._clock.now_ns() >= order.expires_ns
        if order.state is OrderState.SENT or late:
            found = await self._call(client, "GET", "/v2/orders:by_client_order_id", client_order_id=order.key)
            if found.status == 200:
                self._follow(_order.decode(found.body))
            else:
                self._end(order.key, OrderState.EXPIRED, "its time was over before it was sent")
            return
        answer = await self._call(client, "POST", "/v2/orders", body=_body(order))
        if answer.status == 200:
            self._follow(_order.decode(answer.body))
            return
        words = _problem.decode(answer.body).message
        if "unique" in words:  # it is there: the answer was lost, or we were
            found = await self._call(client, "GET", "/v2/orders:by_client_order_id", client_order_id=order.key)
            self._follow(_order.decode(found.body))
        else:
            self._end(order.key, OrderState.REJECTED, words)

    async def _ask_for_the_end(self, client: HttpClient, key: str) -> None:
        number = self._ids.get(key)
        if number is not None:
            await self._call(client, "DELETE", f"/v2/orders/{number}")  # 422: it has ended; the next poll tells how

    async def _get(self, client: HttpClient, path: str, **query: str) -> bytes:
        answer = await self._call(client, "GET", path, None, **query)
        if answer.status != 200:
            raise LineError(f"alpaca: GET {path} answered {answer.status}.", provider=NAME)
        return answer.body

    async def _call(
        self, client: HttpClient, method: str, path: str, body: bytes | None = None, **query: str
    ) -> Response:
        answer = await client.call(
            Call(method=method, path=path, query=tuple(query.items()), headers=self._headers, body=body)
        )
        if answer.status in (401, 429) or answer.status >= 500:
            why = {401: "the key was refused", 429: "too many requests"}.get(answer.status, "the server failed")
            raise LineError(f"alpaca: {method} {path} answered {answer.status}: {why}.", provider=NAME)
        return answer

    # -- what came back

    def _follow(self, told: AlpacaOrder) -> None:
        order = self._known.by_key.get(told.client_order_id)
        if order is None:
            return
        self._ids[order.key] = told.id
        filled = int(float(told.filled_qty))
        more = filled - order.filled_shares
        if more > 0:
            total = round(filled * float(told.filled_avg_price or 0) * MICROS_PER_USD)
            price = (total - order.filled_micros) / more / MICROS_PER_USD
            fill = Fill(
                key=order.key,
                number=order.fills + 1,
                symbol=order.symbol,
                side=order.side,
                shares=more,
                price=price,
                at_ns=self._clock.now_ns(),
            )
            self._known.on_fill(fill)
            self._events.append(fill)
        if order.key not in self._known.by_key:
            self._ids.pop(order.key, None)
        elif told.status in _FINAL:
            self._end(order.key, _FINAL[told.status], f"alpaca says {told.status}")
        elif order.state is OrderState.PENDING and more <= 0:
            self._update(OrderUpdate(order.key, OrderState.SENT))

    def _end(self, key: str, state: OrderState, words: str) -> None:
        self._ids.pop(key, None)
        self._update(OrderUpdate(key, state, words))

    def _update(self, update: OrderUpdate) -> None:
        if self._known.on_update(update) is not None:
            self._events.append(update)


def _body(order: Order) -> bytes:
    body = {
        "symbol": order.symbol,
        "qty": str(order.open_shares),
        "side": order.side.value,
        "type": "market" if order.limit_price is None else "limit",
        "time_in_force": "day",
        "client_order_id": order.key,
    }
    if order.limit_price is not None:
        body["limit_price"] = str(order.limit_price)
    return msgspec.json.encode(body)
