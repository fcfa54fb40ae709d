"""The desk's files: receipts in a sealed log, orders and positions in SQLite; restored together at the start."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from firmquote.decision import Account, Batch, Position, Receipt, Record, Rules
from firmquote.errors import FirmquoteError
from firmquote.model.trading import Order, OrderView
from firmquote.runtime.turns import portions
from firmquote.store import Chain, Outbox, Rests, Sealed, find_links, read_back

CHAIN_NAME = "decisions"
OUTBOX_FILE = "outbox.sqlite"
ORDERS_RESTORED = 200
"""Orders that are shown again after a restart."""
SEALED_AT_ONCE = 3
"""Receipts that are sealed before others may go first."""
_RECEIPT = "receipt"
_record: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class Restored(Struct, frozen=True, kw_only=True):
    """What was there when the files were opened."""

    account: Account | None
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    """Those that are not final."""
    newest: tuple[OrderView, ...]
    """The newest orders, newest first."""
    unmade: tuple[str, ...]
    """Orders that the last receipts name and that were never made."""
    rests: dict[str, Rests]
    next_number: int


class Ledgers:
    """Used by one thread at a time. All but `seal` may wait for the disk, and raise StoreError where they must.

    Sealing is Python's work and belongs to the event loop, in parts: a thread that did it would take Python from the
    loop at every chance. Writing is the disk's.
    """

    def __init__(self, directory: Path, rules: Rules, *, now_ns: int) -> None:
        """Open, reconcile, and note what was left unmade and under which rules the next decisions are made."""
        directory.mkdir(parents=True, exist_ok=True)
        self._chain = Chain(directory, CHAIN_NAME)
        try:
            self.outbox = Outbox(directory / OUTBOX_FILE)
            self.outbox.reconcile()
            unmade = _find_unmade(directory, self.outbox)
            self._chain.append([replace(rules, unmade=unmade)], now_ns)
        except FirmquoteError:
            self._chain.close()
            raise
        self.restored = Restored(
            account=self.outbox.account(),
            positions=tuple(self.outbox.positions()),
            orders=tuple(self.outbox.open_orders()),
            newest=tuple(self.outbox.orders(limit=ORDERS_RESTORED)),
            unmade=unmade,
            rests=self.outbox.rests(),
            next_number=max(self._chain.head.n, self.outbox.decisions_until()) + 1,
        )
        self._written_until = self._chain.head.n

    def seal(self, batch: Batch, now_ns: int) -> Iterator[list[Sealed]]:
        """Yield the receipts of a batch as `write` wants them, some at a time. The disk is not touched."""
        receipts = [receipt for receipt in batch.receipts if receipt.decision.id > self._written_until]
        head = self._chain.head
        for some in portions(receipts, SEALED_AT_ONCE):
            sealed = self._chain.seal(some, now_ns, after=head)
            head = sealed[-1].head
            yield sealed

    def write(self, batch: Batch, sealed: Sequence[Sealed]) -> None:
        """Store a batch, of which `seal` has made `sealed`.

        After a failure the same batch may be sealed and written again: nothing of it will be there twice.
        """
        if sealed:
            self._chain.write(sealed)
            self._written_until = batch.receipts[-1].decision.id
        if batch.has_books:
            self.outbox.write(batch)

    def close(self) -> None:
        """Let another process have the files."""
        self._chain.close()
        self.outbox.close()


def find_receipt(directory: Path, number: int) -> tuple[Receipt, Rules]:
    """Return a receipt and the rules that it was decided under, from the files; a gateway may be writing them.

    Raises:
        FirmquoteError: there is no such receipt.
    """
    # A decision's number is its link's or, once receipts were lost to a crash, greater.
    wanted = f'"body":{{"type":"receipt","decision":{{"id":{number},'.encode()
    for link in find_links(directory, CHAIN_NAME, wanted, until=number):
        receipt = _record.decode(link.body)
        if isinstance(receipt, Receipt) and receipt.decision.id == number:
            return receipt, _find_rules(directory, receipt.config_version)
    raise FirmquoteError(
        f"decision {number}: {directory} has no receipt of it. The last column of `firmquote decisions` has the newest "
        "numbers; one that another gateway made is asked for there, with --url."
    )


def _find_rules(directory: Path, version: str) -> Rules:
    for link in find_links(directory, CHAIN_NAME, f'"body":{{"type":"rules","version":"{version}"'.encode()):
        rules = _record.decode(link.body)
        if isinstance(rules, Rules) and rules.version == version:
            return rules
    raise FirmquoteError(
        f"{directory}: the configuration {version} that it was decided under is missing. Restore the log from a backup."
    )


class _Named(Struct):
    """What a link of any version says of an order."""

    type: str
    order: str | None = None


_named = msgspec.json.Decoder(_Named)


def _find_unmade(directory: Path, outbox: Outbox) -> tuple[str, ...]:
    """Return the orders that only receipts know: the process ended between the two files.

    All batches but the last were stored whole, and the links of a batch have one time: only those are read.
    """
    found: list[str] = []
    _, batch = next(groupby(read_back(directory, CHAIN_NAME), lambda link: link.at_ns), (0, ()))
    for link in batch:
        record = _named.decode(link.body)
        if record.type != _RECEIPT:  # a start, which has seen to what is older
            break
        if record.order is not None and outbox.order(record.order) is None:
            found.append(record.order)
    return tuple(reversed(found))
