"""Tells of what decisions lead to: a line in the log for each step of an order, a span from decision to outbox."""

from collections.abc import Iterable

import structlog

from firmquote.model.tracing import TRACING
from firmquote.model.trading import Order, OrderState

_log = structlog.get_logger("firmquote")


def tell_of_orders(orders: Iterable[Order], *, broker: str, now_ns: int) -> None:
    """Log orders that have just been stored, each with the id of its decision (`/v1/receipts/{id}`)."""
    for order in orders:
        _log.info(
            "order",
            decision=order.decision,
            order=order.key,
            symbol=order.symbol,
            side=order.side.value,
            shares=order.quantity_shares,
            filled=order.filled_shares,
            state=order.state.value,
            broker=broker,
            words=order.words or None,
        )
        if order.state is OrderState.PENDING:
            TRACING.record(
                "decision_effect",
                start_ns=order.created_ns,
                end_ns=now_ns,
                decision=order.decision,
                order=order.key,
                symbol=order.symbol,
                side=order.side.value,
                intent=order.intent,
                broker=broker,
            )
