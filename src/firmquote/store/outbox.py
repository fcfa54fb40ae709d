"""Orders, fills and positions on disk: one transaction a batch, so that they always belong together.

An order is real once its row is here, and it goes to a broker only after that. A fill and the position that it makes
are one transaction, and (key, number) is unique: whatever crashes in between, no order is lost and none is doubled.
The log is append-only: every state of every order, in the order in which they were reached.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from firmquote.decision import Account, Adjustment, Batch, Position
from firmquote.errors import CorruptStoreError
from firmquote.model.trading import Fill, Order, OrderView, Side
from firmquote.store.database import Database, Schema, naming, open_database

SCHEMA = Schema(
    name="outbox",
    application_id=0x46514F42,  # FQOB
    scripts=(
        """
        CREATE TABLE orders (
            key TEXT PRIMARY KEY, symbol TEXT NOT NULL, day TEXT NOT NULL, created_ns INTEGER NOT NULL,
            decision INTEGER NOT NULL, final INTEGER NOT NULL, body TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX orders_open ON orders (final) WHERE final = 0;
        CREATE INDEX orders_made ON orders (created_ns);
        CREATE TABLE fills (
            key TEXT NOT NULL REFERENCES orders, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (key, number)
        ) WITHOUT ROWID;
        CREATE TABLE adjustments (n INTEGER PRIMARY KEY AUTOINCREMENT, symbol TEXT NOT NULL, body TEXT NOT NULL);
        CREATE TABLE positions (symbol TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE account (one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL);
        CREATE TABLE log (n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, body TEXT NOT NULL)
        """,
    ),
)
_order = msgspec.json.Decoder(Order)
_fill = msgspec.json.Decoder(Fill)
_position = msgspec.json.Decoder(Position)
_adjustment = msgspec.json.Decoder(Adjustment)
_account = msgspec.json.Decoder(Account)


class Rests(Struct, frozen=True, kw_only=True):
    """When a symbol's newest orders of each kind were made."""

    opened_ns: int | None = None
    reduced_ns: int | None = None
    stopped_ns: int | None = None


class Outbox:
    """One writer; every method may wait for the disk. Raises StoreError where it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        """Open the file, or begin it."""
        self._database: Database = open_database(path, SCHEMA)
        self.path = path

    def write(self, batch: Batch) -> None:
        """Store a batch: all of it, or nothing."""
        with self._database.transaction():
            for order in batch.orders:
                self._put_order(order)
            for fill in batch.fills:
                self._database.execute(
                    "INSERT INTO fills (key, number, body) VALUES (?, ?, ?)", (fill.key, fill.number, _json(fill))
                )
            for each in batch.adjustments:
                self._database.execute(
                    "INSERT INTO adjustments (symbol, body) VALUES (?, ?)", (each.symbol, _json(each))
                )
            for position in batch.positions:
                self._put_position(position)
            if batch.account is not None:
                self._database.execute(
                    "INSERT INTO account VALUES (1, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
                    (_json(batch.account),),
                )

    def account(self) -> Account | None:
        """Return the account, or `None` before the first batch."""
        rows = self._database.rows("SELECT body FROM account")
        return _account.decode(_text(rows[0][0])) if rows else None

    def positions(self) -> list[Position]:
        """Return every position, flat ones too."""
        return [_position.decode(_text(body)) for (body,) in self._database.rows("SELECT body FROM positions")]

    def open_orders(self) -> list[Order]:
        """Return the orders that are not final, oldest first."""
        found = [_order.decode(_text(b)) for (b,) in self._database.rows("SELECT body FROM orders WHERE final = 0")]
        return sorted(found, key=lambda order: order.created_ns)

    def order(self, key: str) -> Order | None:
        """Return one order."""
        rows = self._database.rows("SELECT body FROM orders WHERE key = ?", (key,))
        return _order.decode(_text(rows[0][0])) if rows else None

    def orders(self, *, symbol: str | None = None, limit: int = 100) -> list[OrderView]:
        """Return the newest orders with their fills, newest first."""
        orders = [
            _order.decode(_text(body))
            for (body,) in self._database.rows(
                "SELECT body FROM orders WHERE (?1 IS NULL OR symbol = ?1) ORDER BY created_ns DESC LIMIT ?2",
                (symbol, limit),
            )
        ]
        return [order_view(order, self.fills(order.key)) for order in orders]

    def fills(self, key: str) -> list[Fill]:
        """Return the fills of an order, first to last."""
        rows = self._database.rows("SELECT body FROM fills WHERE key = ? ORDER BY number", (key,))
        return [_fill.decode(_text(body)) for (body,) in rows]

    def log(self, key: str) -> list[Order]:
        """Return every state that an order was in, first to last."""
        rows = self._database.rows("SELECT body FROM log WHERE key = ? ORDER BY n", (key,))
        return [_order.decode(_text(body)) for (body,) in rows]

    def rests(self) -> dict[str, Rests]:
        """Return what each symbol rests from, so that a restart shortens no cooldown."""
        newest: dict[str, Rests] = {}
        for (body,) in self._database.rows(
            "SELECT body FROM orders WHERE day >= (SELECT coalesce(max(day), '') FROM orders)"
        ):
            order = _order.decode(_text(body))
            rests = newest.get(order.symbol, Rests())
            names = ["opened_ns"] if order.opens_risk else ["reduced_ns"]
            if order.cause.startswith("stop"):
                names.append("stopped_ns")
            later = {name: max(order.created_ns, getattr(rests, name) or 0) for name in names}
            newest[order.symbol] = msgspec.structs.replace(rests, **later)
        return newest

    def decisions_until(self) -> int:
        """Return the greatest number of a decision that led to an order."""
        rows = self._database.rows("SELECT coalesce(max(decision), 0) FROM orders")
        return int(rows[0][0] or 0)

    def reconcile(self) -> None:
        """See that each order says what its fills say, and each position what fills and corporate actions say.

        Raises:
            CorruptStoreError: they do not; nothing may be traded on such books.
        """
        fills: dict[str, list[int]] = {}
        for key, body in self._database.rows("SELECT key, body FROM fills"):
            fills.setdefault(_text(key), []).append(_fill.decode(_text(body)).shares)
        shares: dict[str, int] = {}
        for (body,) in self._database.rows("SELECT body FROM orders"):
            order = _order.decode(_text(body))
            found = fills.get(order.key, ())
            filled = sum(found)
            if filled != order.filled_shares or len(found) != order.fills:
                raise CorruptStoreError(
                    f"{self.path}: order {order.key} says {order.filled_shares} filled, its fills say {filled}. "
                    "Restore the newest backup, or move the file away and enter the positions anew."
                )
            signed = filled if order.side is Side.BUY else -filled
            shares[order.symbol] = shares.get(order.symbol, 0) + signed
        for (body,) in self._database.rows("SELECT body FROM adjustments"):
            adjustment = _adjustment.decode(_text(body))
            shares[adjustment.symbol] = shares.get(adjustment.symbol, 0) + adjustment.shares
        for position in self.positions():
            if position.shares != shares.get(position.symbol, 0):
                raise CorruptStoreError(
                    f"{self.path}: {position.shares} shares of {position.symbol} are held, and by all fills and "
                    f"corporate actions there are {shares.get(position.symbol, 0)}. Restore the newest backup."
                )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _put_order(self, order: Order) -> None:
        body = _json(order)
        self._database.execute(
            "INSERT INTO orders (key, symbol, day, created_ns, decision, final, body) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET final = excluded.final, body = excluded.body",
            (order.key, order.symbol, order.day, order.created_ns, order.decision, order.state.final, body),
        )
        self._database.execute("INSERT INTO log (key, body) VALUES (?, ?)", (order.key, body))

    def _put_position(self, position: Position) -> None:
        self._database.execute(
            "INSERT INTO positions VALUES (?, ?) ON CONFLICT (symbol) DO UPDATE SET body = excluded.body",
            (position.symbol, _json(position)),
        )


def has_order(path: Path, key: str) -> bool:
    """Say whether an order was stored; another thread may be writing the file. Raises StoreError."""
    with naming(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT 1 FROM orders WHERE key = ?", (key,)).fetchone() is not None


def order_view(order: Order, fills: Sequence[Fill]) -> OrderView:
    """Return an order with its fills and what they cost on average."""
    average = order.filled_micros / order.filled_shares / 1e6 if order.filled_shares else None
    return OrderView(order=order, average_price=average, fills=tuple(fills))


def _json(value: Struct) -> str:
    return msgspec.json.encode(value).decode()


def _text(value: object) -> str:
    assert isinstance(value, str)
    return value
