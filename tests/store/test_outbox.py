"""Orders, fills and positions on disk, and what must not pass for good books."""

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from firmquote.decision import Account, Adjustment, Batch, Position
from firmquote.errors import CorruptStoreError, StoreError
from firmquote.model.trading import Fill, Order, OrderState, Side
from firmquote.store import Outbox
from firmquote.symbols import Basis
from firmquote.testing.clock import NOON_NS

DAY = date(2026, 11, 24)
ORDER = Order(
    key="IBM-3-20261124", symbol="IBM", decision=3, day="2026-11-24", side=Side.BUY, quantity_shares=10,
    limit_price=100.1, intent="BUY_1X", cause="score +0.50", created_ns=NOON_NS, expires_ns=NOON_NS + 1,
    reserve_price=100.1,
)  # fmt: skip
FILL = Fill(key=ORDER.key, number=1, symbol="IBM", side=Side.BUY, shares=10, price=100.0, at_ns=NOON_NS)
FILLED = replace(ORDER, state=OrderState.FILLED, filled_shares=10, filled_micros=1_000_000_000, fills=1)
HELD = Position(symbol="IBM", basis=Basis("IBM", DAY), shares=10, cost_micros=1_000_000_000)
ACCOUNT = Account(cash_micros=99_000_000_000, day=DAY, orders_today=1)
DONE = Batch(orders=(FILLED,), fills=(FILL,), positions=(HELD,), account=ACCOUNT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


def test_what_was_written_is_there_after_it_is_opened_again(path: Path) -> None:
    first = Outbox(path)
    first.write(Batch(orders=(ORDER,)))
    assert first.open_orders() == [ORDER]
    first.write(DONE)
    first.close()
    second = Outbox(path)
    second.reconcile()
    assert (second.account(), second.positions(), second.open_orders()) == (ACCOUNT, [HELD], [])
    (view,) = second.orders()
    assert (view.order, view.fills, view.average_price) == (FILLED, (FILL,), 100.0)
    assert second.decisions_until() == 3


def test_a_new_outbox_has_no_account_and_no_orders(path: Path) -> None:
    outbox = Outbox(path)
    outbox.reconcile()
    assert (outbox.account(), outbox.positions(), outbox.orders(), outbox.decisions_until()) == (None, [], [], 0)


def test_a_batch_is_stored_whole_or_not_at_all(path: Path) -> None:
    outbox = Outbox(path)
    outbox.write(DONE)
    with pytest.raises(StoreError):
        outbox.write(Batch(orders=(replace(ORDER, key="other"),), fills=(FILL,)))  # that fill is there already
    assert None is outbox.order("other")


def test_a_fill_without_its_order_is_refused(path: Path) -> None:
    with pytest.raises(StoreError):
        Outbox(path).write(Batch(orders=(replace(ORDER, key="other"),), fills=(FILL,)))


def test_an_order_that_does_not_say_what_its_fills_say_is_found(path: Path) -> None:
    outbox = Outbox(path)
    outbox.write(Batch(orders=(replace(FILLED, filled_shares=9),), fills=(FILL,), positions=(HELD,)))
    with pytest.raises(CorruptStoreError, match="IBM-3-20261124 says 9 filled, its fills say 10"):
        outbox.reconcile()


def test_a_position_that_no_fill_explains_is_found(path: Path) -> None:
    outbox = Outbox(path)
    outbox.write(replace(DONE, positions=(replace(HELD, shares=11),)))
    with pytest.raises(CorruptStoreError, match="11 shares of IBM are held"):
        outbox.reconcile()


def test_shares_that_a_corporate_action_brought_are_explained_by_it(path: Path) -> None:
    outbox = Outbox(path)
    split = Adjustment(symbol="IBM", shares=10, day=DAY, words="corporate action")
    outbox.write(replace(DONE, positions=(replace(HELD, shares=20),), adjustments=(split,)))
    outbox.reconcile()


def test_the_newest_orders_of_the_last_day_say_what_a_symbol_rests_from(path: Path) -> None:
    outbox = Outbox(path)
    old = replace(ORDER, key="old", day="2026-11-23", created_ns=1)
    stop = replace(
        ORDER,
        key="stop",
        decision=4,
        cause="stop at 98.0000 hit by 97.9000",
        reserve_price=None,
        created_ns=NOON_NS + 5,
    )
    outbox.write(Batch(orders=(old, ORDER, stop)))
    rests = outbox.rests()["IBM"]
    assert (rests.opened_ns, rests.reduced_ns, rests.stopped_ns) == (NOON_NS, NOON_NS + 5, NOON_NS + 5)


def test_the_log_keeps_every_state_of_an_order(path: Path) -> None:
    outbox = Outbox(path)
    for state in (OrderState.PENDING, OrderState.SENT, OrderState.CANCELLED):
        outbox.write(Batch(orders=(replace(ORDER, state=state),)))
    assert [order.state.value for order in outbox.log(ORDER.key)] == ["pending", "sent", "cancelled"]
