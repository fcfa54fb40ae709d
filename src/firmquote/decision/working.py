"""Orders that are on their way: what they may still do, and the money that they may still put at risk."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from firmquote.decision.portfolio import money_micros
from firmquote.model import Shares
from firmquote.model.trading import Fill, Order, OrderState, Side
from firmquote.symbols import Basis, CorporateAction, OpenOrder, carry_order


class OrderUpdate(Struct, frozen=True):
    """A broker says where an order stands."""

    key: str
    state: OrderState
    words: str = ""


BrokerEvent: TypeAlias = Fill | OrderUpdate


class WorkingOrders:
    """All orders that are not final, by key and by symbol; reservations are exact."""

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self.by_key: dict[str, Order] = {}
        self.by_symbol: dict[str, list[str]] = {}
        self._reserved: dict[str, int] = {}
        self.reserved_micros = 0
        for order in orders:
            if not order.state.final:
                self.add(order)

    def add(self, order: Order) -> None:
        """Begin to watch an order."""
        self.by_key[order.key] = order
        self.by_symbol.setdefault(order.symbol, []).append(order.key)
        self._reserve(order)

    def on_fill(self, fill: Fill) -> Order:
        """Book a fill and return the order as it is now."""
        before = self.by_key[fill.key]
        filled = before.filled_shares + fill.shares
        assert filled <= before.quantity_shares, f"{fill.key}: more was filled than was ordered"
        after = replace(
            before,
            state=OrderState.FILLED if filled == before.quantity_shares else OrderState.SENT,
            filled_shares=filled,
            filled_micros=before.filled_micros + money_micros(fill.shares, fill.price),
            fills=before.fills + 1,
        )
        self._keep(after)
        return after

    def on_update(self, update: OrderUpdate) -> Order | None:
        """Take what a broker says; `None` where it is nothing new."""
        before = self.by_key.get(update.key)
        if before is None or before.state is update.state:
            return None
        after = replace(before, state=update.state, words=update.words or before.words)
        self._keep(after)
        return after

    def of(self, symbol: str) -> Sequence[Order]:
        """Return the working orders of a symbol, oldest first."""
        return [self.by_key[key] for key in self.by_symbol.get(symbol, ())]

    def open_shares(self, symbol: str, side: Side) -> Shares:
        """Return how many shares may still be bought or sold."""
        keys = self.by_symbol.get(symbol)
        if not keys:
            return 0
        return sum(order.open_shares for order in (self.by_key[key] for key in keys) if order.side is side)

    def reserved_of(self, symbol: str) -> int:
        """Return what its orders may still put at risk."""
        return sum(self._reserved.get(key, 0) for key in self.by_symbol.get(symbol, ()))

    def touched(self, actions: Sequence[CorporateAction], today: date) -> list[Order]:
        """Return the working orders that a corporate action makes mean something else: they have to be cancelled."""
        found = []
        for order in self.by_key.values():
            basis = Basis(order.symbol, date.fromisoformat(order.day))
            carried = carry_order(OpenOrder(order.symbol, order.open_shares, order.limit_price, basis), actions, today)
            if carried is None or carried.basis.applied:
                found.append(order)
        return found

    def _keep(self, order: Order) -> None:
        if order.state.final:
            del self.by_key[order.key]
            keys = self.by_symbol[order.symbol]
            keys.remove(order.key)
            if not keys:
                del self.by_symbol[order.symbol]
        else:
            self.by_key[order.key] = order
        self._reserve(order)

    def _reserve(self, order: Order) -> None:
        now = money_micros(order.open_shares, order.reserve_price) if order.reserve_price is not None else 0
        self.reserved_micros += now - self._reserved.pop(order.key, 0)
        if now:
            self._reserved[order.key] = now
