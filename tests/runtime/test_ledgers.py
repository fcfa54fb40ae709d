"""The desk's two files: what a crash between them leaves, and what the next start makes of it."""

from pathlib import Path

from msgspec.structs import replace
from tests.crash.trader import SYMBOLS, build
from tests.runtime.test_trading import quoted

from firmquote.decision import Batch
from firmquote.model.trading import AdviceInput
from firmquote.runtime import SystemClock
from firmquote.runtime.ledgers import CHAIN_NAME, Ledgers
from firmquote.runtime.trading import Trading
from firmquote.store import has_order, verify_chain


def opened(trading: Trading, now_ns: int) -> Ledgers:
    """Open the files of a desk, which goes on where they end."""
    ledgers = Ledgers(trading.directory, trading.desk.rules, now_ns=now_ns)
    trading.desk.next_number = ledgers.restored.next_number
    return ledgers


def decided(trading: Trading, *symbols: str) -> Batch:
    """Return the batch of a desk that orders `symbols`, and decides on all the others without an order."""
    for symbol in symbols:
        trading.advise(AdviceInput(symbol=symbol, score=1.0, source="made"), SystemClock.now_ns())
    trading.on_moved(quoted(trading, *SYMBOLS))
    batch = trading.desk.take_batch()
    assert {order.symbol for order in batch.orders} == set(symbols)
    return batch


def write(ledgers: Ledgers, batch: Batch, now_ns: int, *, cut: bool = False) -> None:
    """Store a batch; `cut` is a crash between the two files."""
    sealed = [link for some in ledgers.seal(batch, now_ns) for link in some]
    ledgers.write(Batch(receipts=batch.receipts) if cut else batch, sealed)


def keys(batch: Batch) -> tuple[str, ...]:
    return tuple(order.key for order in batch.orders)


def test_a_start_notes_in_the_chain_which_orders_a_crash_kept_from_being_made(tmp_path: Path) -> None:
    trading = build(tmp_path)
    first = opened(trading, 1)
    whole, cut = decided(trading, "A", "B"), decided(trading, "C", "D")
    write(first, whole, 2)
    write(first, cut, 3, cut=True)
    first.close()
    second = opened(trading, 4)
    second.close()
    assert second.restored.unmade == keys(cut)
    assert [order.key for order in second.restored.orders] == list(keys(whole))
    assert verify_chain(tmp_path, CHAIN_NAME).good
    third = opened(trading, 5)
    third.close()
    assert third.restored.unmade == (), "it is said once"


def test_a_batch_without_orders_that_came_last_leaves_nothing_unmade(tmp_path: Path) -> None:
    trading = build(tmp_path)
    first = opened(trading, 1)
    batch = decided(trading, "A")
    ordered, held = (batch.receipts[:1], batch.receipts[1:])
    assert [receipt.order for receipt in ordered] == list(keys(batch))
    write(first, replace(batch, receipts=ordered), 2)
    write(first, Batch(receipts=held), 3)
    first.close()
    second = opened(trading, 4)
    second.close()
    assert second.restored.unmade == ()


def test_whether_an_order_was_stored_can_be_asked_while_the_file_is_open(tmp_path: Path) -> None:
    trading = build(tmp_path)
    ledgers = opened(trading, 1)
    batch = decided(trading, "A")
    (key,) = keys(batch)
    assert not has_order(ledgers.outbox.path, key)
    write(ledgers, batch, 2)
    assert has_order(ledgers.outbox.path, key)
    ledgers.close()
