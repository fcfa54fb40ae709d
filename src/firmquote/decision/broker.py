"""What carries orders out: the protocol, and a broker on paper that fills from the quotes that everybody sees."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

from firmquote.decision.config import PaperPolicy
from firmquote.decision.market import MarketView
from firmquote.decision.working import BrokerEvent, OrderUpdate
from firmquote.model import BPS, NS_PER_MS, Grade, Price
from firmquote.model.trading import Fill, Order, OrderState, Side


class Broker(Protocol):
    """Synchronous: nothing here waits. `place` may be called again for an order that the broker has already."""

    name: str

    def place(self, order: Order, now_ns: int) -> None:
        """Take an order that is in the outbox; what `order` has filled already is known."""
        ...

    def cancel(self, key: str) -> None:
        """Ask for the end of an order; what is left of it ends with an update."""
        ...

    def on_view(self, view: MarketView, now_ns: int) -> None:
        """See the newest price of a symbol with working orders."""
        ...

    def take(self, now_ns: int) -> Sequence[BrokerEvent]:
        """Return what happened since the last call, in order."""
        ...


class _Working:
    __slots__ = ("due_ns", "fills", "open_shares", "order", "quote_ns")

    def __init__(self, order: Order, due_ns: int) -> None:
        self.order = order
        self.due_ns = due_ns
        self.open_shares = order.open_shares
        self.fills = order.fills
        self.quote_ns = -1
        """When the quote that it was last filled from arrived: the size shown there is gone."""


class PaperBroker:
    """Fills later than asked, at a price a little worse than shown, and no more than the size shown.

    How late and how much worse follows from the order's key alone, so that a replay fills alike. Only a firm,
    two-sided quote fills anything. A limit fills at its price or better.
    """

    name = "paper"

    def __init__(self, policy: PaperPolicy) -> None:
        self._policy = policy
        self._orders: dict[str, dict[str, _Working]] = {}
        """Symbol → key → order."""
        self._keys: dict[str, str] = {}
        self._events: list[BrokerEvent] = []

    def place(self, order: Order, now_ns: int) -> None:
        """Take an order; it may be filled once its latency is over."""
        if order.key in self._keys or not order.open_shares:
            return
        policy = self._policy
        wait_ms = _between(policy.latency_ms_min, policy.latency_ms_max, order.key, 0)
        self._keys[order.key] = order.symbol
        self._orders.setdefault(order.symbol, {})[order.key] = _Working(order, now_ns + int(wait_ms * NS_PER_MS))
        self._events.append(OrderUpdate(order.key, OrderState.SENT))

    def cancel(self, key: str) -> None:
        """End an order at once."""
        self._end(key, OrderState.CANCELLED, "cancelled")

    def on_view(self, view: MarketView, now_ns: int) -> None:
        """Fill what this quote fills."""
        working = self._orders.get(view.symbol)
        if working is None or view.graded.grade is not Grade.FIRM or view.bid is None or view.ask is None:
            return
        left = {Side.BUY: view.ask_shares, Side.SELL: view.bid_shares}
        for each in list(working.values()):
            order = each.order
            shares = min(each.open_shares, left[order.side])
            if shares <= 0 or now_ns < each.due_ns or each.quote_ns == view.received_ns:
                continue
            price = self._price(each, view.bid, view.ask)
            if price is None:
                continue
            left[order.side] -= shares
            each.quote_ns = view.received_ns
            each.open_shares -= shares
            each.fills += 1
            self._events.append(
                Fill(
                    key=order.key,
                    number=each.fills,
                    symbol=order.symbol,
                    side=order.side,
                    shares=shares,
                    price=price,
                    at_ns=now_ns,
                )
            )
            if not each.open_shares:
                self._forget(order.key)

    def take(self, now_ns: int) -> Sequence[BrokerEvent]:
        """Return what happened, and end what is over its time."""
        for working in list(self._orders.values()):
            for key in [key for key, each in working.items() if now_ns >= each.order.expires_ns]:
                self._end(key, OrderState.EXPIRED, "not filled in time")
        events, self._events = self._events, []
        return events

    def _price(self, each: _Working, bid: Price, ask: Price) -> Price | None:
        order, policy = each.order, self._policy
        worse = _between(policy.slippage_bps_min, policy.slippage_bps_max, order.key, each.fills + 1) / BPS
        limit = order.limit_price
        if order.side is Side.BUY:
            if limit is not None and ask > limit:
                return None
            price = ask * (1 + worse)
            return price if limit is None else min(price, limit)
        if limit is not None and bid < limit:
            return None
        price = bid * (1 - worse)
        return price if limit is None else max(price, limit)

    def _end(self, key: str, state: OrderState, words: str) -> None:
        if key in self._keys:
            self._forget(key)
            self._events.append(OrderUpdate(key, state, words))

    def _forget(self, key: str) -> None:
        symbol = self._keys.pop(key)
        orders = self._orders[symbol]
        del orders[key]
        if not orders:
            del self._orders[symbol]


def _between(low: float, high: float, key: str, number: int) -> float:
    draw = int.from_bytes(blake2b(f"{key}/{number}".encode(), digest_size=4).digest()) / 0xFFFFFFFF
    return low + (high - low) * draw
