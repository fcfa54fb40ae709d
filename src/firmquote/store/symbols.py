"""What must be remembered of symbols over restarts: told actions, names and prices with their basis, operators' halts.

A price and the actions that were applied to it are one row, written at once: that is what makes each action apply
exactly once, wherever a crash falls.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from firmquote.errors import CorruptStoreError
from firmquote.model import Price
from firmquote.store.database import Database, Schema, open_database
from firmquote.symbols import Basis, CorporateAction, action_id

SYMBOLS = Schema(
    name="symbol record",
    application_id=0x46515359,  # "FQSY"
    scripts=(
        """
        CREATE TABLE told (
            source TEXT NOT NULL, id TEXT NOT NULL, content TEXT NOT NULL, told_ns INTEGER NOT NULL,
            PRIMARY KEY (source, id)
        ) STRICT;
        CREATE TABLE instruments (
            configured TEXT PRIMARY KEY, symbol TEXT NOT NULL, named TEXT NOT NULL,
            price REAL, price_ns INTEGER NOT NULL, priced TEXT NOT NULL
        ) STRICT;
        CREATE TABLE halts (
            symbol TEXT PRIMARY KEY, cause TEXT NOT NULL, since_ns INTEGER NOT NULL
        ) STRICT;
        """,
    ),
)


class Instrument(Struct, frozen=True, kw_only=True):
    """A configured symbol: what it is called since, and the last price that was known of it."""

    configured: str
    symbol: str
    """What it is called now."""
    named: Basis
    """The name and the day when it was configured, and the actions that `symbol` has in it since."""
    price: Price | None = None
    price_ns: int = 0
    priced: Basis
    """The name and the day that `price` was made under, and the actions that it has in it since."""

    @property
    def is_renamed(self) -> bool:
        """Whether it has another name than the configured one."""
        return self.symbol != self.configured


class OperatorHalt(Struct, frozen=True):
    """An operator stopped trading in a symbol."""

    symbol: str
    cause: str
    since_ns: int


class SymbolRecord:
    """An open file. Blocking; every method raises a `StoreError` where the file fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def told(self) -> dict[str, list[CorporateAction]]:
        """Return every action that was told, by its source, oldest first."""
        found: dict[str, list[CorporateAction]] = {}
        for source, content in self._database.rows("SELECT source, content FROM told ORDER BY told_ns, id"):
            found.setdefault(str(source), []).append(self._decode(content, CorporateAction))
        return found

    def tell(self, source: str, actions: Iterable[CorporateAction], *, now_ns: int) -> int:
        """Remember what `source` tells; a correction replaces what it told of the same action. Returns what is new."""
        new = 0
        with self._database.transaction():
            for action in actions:
                content = encode_action(action)
                known = self._database.rows(
                    "SELECT content FROM told WHERE source = ? AND id = ?", (source, action_id(action))
                )
                if known and known[0][0] == content:
                    continue
                new += 1
                self._database.execute(
                    "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", (source, action_id(action), content, now_ns)
                )
        return new

    def instruments(self) -> list[Instrument]:
        """Return everything that was ever configured."""
        rows = self._database.rows("SELECT configured, symbol, named, price, price_ns, priced FROM instruments")
        return [
            Instrument(
                configured=str(configured),
                symbol=str(symbol),
                named=self._decode(named, Basis),
                price=price if isinstance(price, float) else None,
                price_ns=price_ns if isinstance(price_ns, int) else 0,
                priced=self._decode(priced, Basis),
            )
            for configured, symbol, named, price, price_ns, priced in rows
        ]

    def write(self, instruments: Sequence[Instrument]) -> None:
        """Replace these, all or none."""
        with self._database.transaction():
            for each in instruments:
                price = each.price, each.price_ns, _json(each.priced)
                values = (each.configured, each.symbol, _json(each.named), *price)
                self._database.execute("INSERT OR REPLACE INTO instruments VALUES (?, ?, ?, ?, ?, ?)", values)

    def halts(self) -> list[OperatorHalt]:
        """Return operators' halts that were not lifted."""
        rows = self._database.rows("SELECT symbol, cause, since_ns FROM halts ORDER BY symbol")
        return [OperatorHalt(str(symbol), str(cause), int(since_ns or 0)) for symbol, cause, since_ns in rows]

    def halt(self, halt: OperatorHalt) -> None:
        """Remember a halt."""
        with self._database.transaction():
            values = (halt.symbol, halt.cause, halt.since_ns)
            self._database.execute("INSERT OR REPLACE INTO halts VALUES (?, ?, ?)", values)

    def resume(self, symbol: str) -> bool:
        """Forget a halt; says whether there was one."""
        with self._database.transaction():
            return self._database.execute("DELETE FROM halts WHERE symbol = ?", (symbol,)) > 0

    def close(self) -> None:
        """Let another process have the file."""
        self._database.close()

    def _decode(self, content: object, kind: Any) -> Any:  # noqa: ANN401 - as msgspec decodes
        try:
            return msgspec.json.decode(str(content), type=kind, dec_hook=decode_fraction)
        except msgspec.DecodeError as error:
            raise CorruptStoreError(
                f"{self._database.path}: holds {content!r} ({error}). Restore the newest backup beside it."
            ) from error


def open_symbol_record(path: Path) -> SymbolRecord:
    """Open or create the record. Raises StoreError."""
    return SymbolRecord(open_database(path, SYMBOLS))


def encode_action(action: CorporateAction) -> str:
    """Return an action as JSON, a ratio as `3/2`."""
    return _json(action)


def decode_fraction(kind: type, value: object) -> object:
    """Read a ratio: `3/2`, `20` or 0.5. For msgspec's `dec_hook`."""
    if kind is Fraction and isinstance(value, str | int | float):
        return Fraction(str(value))
    raise NotImplementedError(kind)


def _json(value: Struct) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()
