"""Alpaca's paper trading API as a broker.

The order's key travels as `client_order_id`, which Alpaca keeps unique: an order that is sent again after a crash or a
lost answer is one order there. Fills come from the cumulative numbers of a poll, so that none is counted twice.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Annotated, TypeVar

import msgspec
import structlog
from msgspec import Meta, Struct

from firmquote.decision import BrokerEvent, MarketView, OrderUpdate, WorkingOrders
from firmquote.errors import LineError, ProviderError, WireError
from firmquote.model import NS_PER_S, Call, Clock, Response, Secret
from firmquote.model.trading import MICROS_PER_USD, Fill, Order, OrderState
from firmquote.wire import HttpClient, HttpLimits

NAME = "alpaca"
POLL_NS = NS_PER_S
"""How often orders are asked after while any is working; the free plan allows 200 requests a minute."""
POSITIONS_EVERY = 30
"""Polls between two looks at the positions."""
RETRY_NS = 2 * NS_PER_S
FAILURES_TOLD = 5
"""After so many failures in a row nothing is opened until Alpaca answers again and holds what our books say."""
RESTARTS_SLOWER = 5
"""A defect doubles the wait for the next attempt so many times at most."""
ORDERS_ASKED = 500
"""The newest orders that one poll returns; as many may work at once."""
_log = structlog.get_logger("firmquote")
_T = TypeVar("_T")
_Amount = Annotated[float, Meta(ge=0, le=1e12)]
"""Alpaca writes numbers as text."""


class AlpacaOrder(Struct, frozen=True, kw_only=True):
    """What is read of an order."""

    id: str
    client_order_id: str
    status: str
    filled_qty: _Amount
    filled_avg_price: _Amount | None = None


class AlpacaPosition(Struct, frozen=True, kw_only=True):
    """What is read of a position."""

    symbol: str
    qty: Annotated[float, Meta(ge=-1e12, le=1e12)]
    """Negative when short."""


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
_order = msgspec.json.Decoder(AlpacaOrder, strict=False)
_orders = msgspec.json.Decoder(list[AlpacaOrder], strict=False)
_positions = msgspec.json.Decoder(list[AlpacaPosition], strict=False)
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
        self._cancels: dict[str, bool] = {}
        """Orders that shall end → whether Alpaca has taken that."""
        self._ids: dict[str, str] = {}
        """Our key → Alpaca's id, for orders that it has."""
        self._perhaps: set[str] = set()
        """Orders that Alpaca may have: they were sent and not answered, or are from before a restart."""
        self._events: list[BrokerEvent] = []
        self._wake = asyncio.Event()
        self._polls = 0
        self._failed = 0
        """Failures in a row."""
        self._compared = False
        """Whether all positions were compared since there was reason to doubt them."""
        self.on_positions: Callable[[Mapping[str, int], AbstractSet[str]], bool] = lambda _, __: True
        """Told what Alpaca holds, and of which symbols that may change this moment; says whether all was compared."""
        self.on_trouble: Callable[[str], None] = lambda _: None
        """Told why orders are not carried out; positions are compared as soon as they are again."""

    # -- Broker

    def place(self, order: Order, now_ns: int) -> None:
        """Take an order to be sent; one that is known is left alone."""
        del now_ns
        if order.key in self._known.by_key or not order.open_shares:
            return
        if order.state is OrderState.SENT:
            self._perhaps.add(order.key)
        self._known.add(order)
        self._unsent.append(order)
        self._wake.set()

    def recover(self, order: Order, now_ns: int) -> None:
        """Take an order that whoever ran before may have sent."""
        if order.key not in self._known.by_key and order.open_shares:
            self._perhaps.add(order.key)
            self.place(order, now_ns)

    def cancel(self, key: str) -> None:
        """Ask for its end; one that was not sent yet never will be."""
        self._stop(OrderUpdate(key, OrderState.CANCELLED, "cancelled before it was sent"))

    def on_view(self, view: MarketView, now_ns: int) -> None:
        """Alpaca has quotes of its own."""

    def take(self, now_ns: int) -> Sequence[BrokerEvent]:
        """Return what happened; orders whose time is over are to be cancelled."""
        for order in list(self._known.by_key.values()):
            if now_ns >= order.expires_ns:
                self._stop(OrderUpdate(order.key, OrderState.EXPIRED, "its time was over before it was sent"))
        events, self._events = self._events, []
        return events

    # -- what waits

    async def run(self) -> None:
        """Send, cancel and ask after orders until cancelled: a defect is told, and the work begins again."""
        while True:
            working = asyncio.create_task(self._work())
            try:
                await asyncio.wait({working})
            finally:
                working.cancel()
                await asyncio.wait({working})
            error = None if working.cancelled() else working.exception()
            _log.error("defect", of="alpaca trading", exc_info=error)
            self._doubt(repr(error))
            await self._pause(RETRY_NS << min(self._failed, RESTARTS_SLOWER), until_woken=False)
            self._failed += 1

    async def _work(self) -> None:
        limits = HttpLimits(connections=2)
        async with HttpClient(NAME, self._base_url, now_ns=self._clock.now_ns, limits=limits) as client:
            while True:
                self._wake.clear()
                try:
                    await self._turn(client)
                except ProviderError as error:
                    _log.warning("alpaca trading", trouble=str(error))
                    self._failed += 1
                    if self._failed >= FAILURES_TOLD:
                        self._doubt(str(error))
                    await self._pause(RETRY_NS, until_woken=False)
                else:
                    self._failed = 0
                    await self._pause(POLL_NS, until_woken=True)

    def _doubt(self, trouble: str) -> None:
        self._compared = False
        self.on_trouble(trouble)

    async def _pause(self, pause_ns: int, *, until_woken: bool) -> None:
        if not until_woken:
            await self._clock.sleep_until(self._clock.monotonic_ns() + pause_ns)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_ns / NS_PER_S):
                await self._wake.wait()

    async def _turn(self, client: HttpClient) -> None:
        try:
            await self._ask_for_ends(client)  # first: they shall not wait for what cannot be sent
            while self._unsent:
                await self._send(client, self._unsent[0])
                self._unsent.popleft()
                await self._ask_for_ends(client)
        except ProviderError:
            await self._poll(client)  # what works is followed also while something cannot be sent or ended
            raise
        await self._poll(client)
        if not self._compared or self._polls % POSITIONS_EVERY == 0:
            await self._look_at_positions(client)
        self._polls += 1

    async def _poll(self, client: HttpClient) -> None:
        if self._known.by_key:
            path = "/v2/orders"
            for order in _read(_orders, await self._get(client, path, status="all", limit=str(ORDERS_ASKED)), path):
                self._follow(order)

    async def _look_at_positions(self, client: HttpClient) -> None:
        path, before = "/v2/positions", self._unsettled()
        held = {each.symbol: int(each.qty) for each in _read(_positions, await self._get(client, path), path)}
        self._compared |= self.on_positions(held, before | self._unsettled())

    def _unsettled(self) -> AbstractSet[str]:
        """Return the symbols with orders, or with fills that nobody has taken yet."""
        return self._known.by_symbol.keys() | {event.symbol for event in self._events if isinstance(event, Fill)}

    async def _send(self, client: HttpClient, order: Order) -> None:
        """Send an order, or find it where it may have been sent before; raises where that is not known."""
        if order.key not in self._known.by_key:
            return
        unsent = self._why_not(order)
        if unsent is not None:
            if order.key not in self._perhaps or not await self._find(client, order.key):
                self._end(unsent)
            return
        path = "/v2/orders"
        self._perhaps.add(order.key)
        answer = await self._call(client, "POST", path, body=_body(order))
        if answer.status == 200:
            self._follow(_read(_order, answer, path))
            return
        words = _read(_problem, answer, path).message
        if "unique" not in words:
            self._end(OrderUpdate(order.key, OrderState.REJECTED, words))
        elif not await self._find(client, order.key):  # it is there: the answer was lost, or we were
            raise LineError(f"alpaca: {order.key} was sent before and cannot be found.", provider=NAME)

    def _why_not(self, order: Order) -> OrderUpdate | None:
        """Return how an order ends that may not be sent any more, if Alpaca does not have it; `None`: send it."""
        if self._clock.now_ns() >= order.expires_ns:
            return OrderUpdate(order.key, OrderState.EXPIRED, "its time was over before it was sent")
        if order.key in self._cancels:
            return OrderUpdate(order.key, OrderState.CANCELLED, "cancelled before it was sent")
        if order.state is OrderState.SENT:
            return OrderUpdate(order.key, OrderState.EXPIRED, "alpaca does not have it any more")
        return None

    async def _find(self, client: HttpClient, key: str) -> bool:
        """Follow an order that may be there; returns whether it is."""
        path = "/v2/orders:by_client_order_id"
        answer = await self._call(client, "GET", path, client_order_id=key)
        if answer.status == 404:
            _read(_problem, answer, path)  # Alpaca's own no, and not that of something on the way
            return False
        self._follow(_read(_order, _good(answer, path), path))
        return True

    async def _ask_for_ends(self, client: HttpClient) -> None:
        for key, taken in list(self._cancels.items()):
            if key not in self._known.by_key:
                del self._cancels[key]
            elif not taken and key in self._ids:
                path = f"/v2/orders/{self._ids[key]}"
                answer = await self._call(client, "DELETE", path)
                if answer.status not in (404, 422):  # it has ended, as the next poll tells; or it is asked again then
                    _good(answer, path)
                    self._cancels[key] = True

    async def _get(self, client: HttpClient, path: str, **query: str) -> Response:
        return _good(await self._call(client, "GET", path, None, **query), path)

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
        self._perhaps.discard(order.key)
        filled = int(told.filled_qty)
        more = filled - order.filled_shares
        if more > 0:
            total = round(filled * (told.filled_avg_price or 0) * MICROS_PER_USD)
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
            self._end(OrderUpdate(order.key, _FINAL[told.status], f"alpaca says {told.status}"))
        elif order.state is OrderState.PENDING and more <= 0:
            self._update(OrderUpdate(order.key, OrderState.SENT))

    def _stop(self, unsent: OrderUpdate) -> None:
        """End an order: as `unsent` says where it was surely not sent, and by asking Alpaca where it may be there."""
        key = unsent.key
        if key not in self._known.by_key or key in self._cancels:
            return
        if key in self._ids or key in self._perhaps:
            self._cancels[key] = False
            self._wake.set()
        else:
            self._end(unsent)

    def _end(self, update: OrderUpdate) -> None:
        self._ids.pop(update.key, None)
        self._perhaps.discard(update.key)
        self._update(update)

    def _update(self, update: OrderUpdate) -> None:
        if self._known.on_update(update) is not None:
            self._events.append(update)


def _good(answer: Response, path: str) -> Response:
    if not 200 <= answer.status < 300:
        raise LineError(f"alpaca: {path} answered {answer.status}.", provider=NAME)
    return answer


def _read(decoder: "msgspec.json.Decoder[_T]", answer: Response, path: str) -> _T:
    try:
        return decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        words = f"alpaca: {path} answered {answer.status} with a body that is not Alpaca's: {error}"
        raise WireError(words, provider=NAME, sample=answer.body) from error


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
