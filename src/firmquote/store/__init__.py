"""What must outlive the process: files and databases whose every write is on the disk before it counts."""

from firmquote.store.chain import Chain, Sealed, find_links, read_back, read_chain
from firmquote.store.database import Database, Schema, downgrade, open_database
from firmquote.store.entries import SCHEMA as LEDGER
from firmquote.store.ledger import Grant, Ledger, forget_ledger, open_ledger
from firmquote.store.outbox import SCHEMA as OUTBOX
from firmquote.store.outbox import Outbox, Rests, has_order, order_view
from firmquote.store.sealing import Link
from firmquote.store.slots import Slot, slot_holder, take_slot
from firmquote.store.spent import SymbolSpend, compact, spent_by_symbol, spent_since
from firmquote.store.statefile import ASIDE, put_aside, read_state, write_state
from firmquote.store.symbols import (
    SYMBOLS,
    Instrument,
    OperatorHalt,
    SymbolRecord,
    decode_fraction,
    encode_action,
    open_symbol_record,
)
from firmquote.store.verifying import ChainProblem, Verification, verify_chain

SCHEMAS = (LEDGER, OUTBOX, SYMBOLS)
"""Every database that we keep."""

__all__ = [
    "ASIDE",
    "SCHEMAS",
    "Chain",
    "ChainProblem",
    "Database",
    "Grant",
    "Instrument",
    "Ledger",
    "Link",
    "OperatorHalt",
    "Outbox",
    "Rests",
    "Schema",
    "Sealed",
    "Slot",
    "SymbolRecord",
    "SymbolSpend",
    "Verification",
    "compact",
    "decode_fraction",
    "downgrade",
    "encode_action",
    "find_links",
    "forget_ledger",
    "has_order",
    "open_database",
    "open_ledger",
    "open_symbol_record",
    "order_view",
    "put_aside",
    "read_back",
    "read_chain",
    "read_state",
    "slot_holder",
    "spent_by_symbol",
    "spent_since",
    "take_slot",
    "verify_chain",
    "write_state",
]
