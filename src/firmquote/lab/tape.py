"""A tape: real ticks, the ground truth that simulators play and tests compare with."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import pyarrow.parquet as pq
from msgspec import Struct

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S

DEMO_TAPE = Path(__file__).parent / "tapes" / "demo"
_QUOTE_COLUMNS = ["ts_ns", "bid", "bid_size", "ask", "ask_size"]
_TRADE_COLUMNS = ["ts_ns", "price", "size"]


class TapeQuote(Struct, frozen=True, gc=False):
    """One change of the best bid or offer, as recorded."""

    ts_ns: int
    symbol: str
    bid: float
    bid_size_shares: int
    ask: float
    ask_size_shares: int


class TapeTrade(Struct, frozen=True, gc=False):
    """One trade, as recorded."""

    ts_ns: int
    symbol: str
    price: float
    size_shares: int


TapeRow: TypeAlias = TapeQuote | TapeTrade


class Tape:
    """All rows of all symbols in order of time; rows of one moment keep their recorded order."""

    def __init__(self, rows: list[TapeRow]) -> None:
        if not rows:
            raise ConfigError("the tape is empty. Name a directory with nbbo-SYMBOL.parquet files that have rows.")
        self.rows = sorted(rows, key=lambda row: row.ts_ns)
        self.start_ns = self.rows[0].ts_ns
        self.end_ns = self.rows[-1].ts_ns
        self.symbols = tuple(sorted({row.symbol for row in rows}))

    def part(self, from_s: float, for_s: float) -> "Tape":
        """Return the rows of `for_s` seconds from `from_s` seconds after the beginning on."""
        begin_ns = self.start_ns + int(from_s * NS_PER_S)
        end_ns = begin_ns + int(for_s * NS_PER_S)
        return Tape([row for row in self.rows if begin_ns <= row.ts_ns < end_ns])

    def quotes(self, symbol: str) -> Iterator[TapeQuote]:
        """Yield the quotes of `symbol` in order."""
        return (row for row in self.rows if isinstance(row, TapeQuote) and row.symbol == symbol)

    def bursts(self) -> Iterator[list[TapeQuote]]:
        """Yield the quotes that share a millisecond, all symbols together."""
        quotes = (row for row in self.rows if isinstance(row, TapeQuote))
        for _, burst in groupby(quotes, key=lambda row: row.ts_ns // 1_000_000):
            yield list(burst)


def load_tape(directory: Path = DEMO_TAPE) -> Tape:
    """Read the files `nbbo-SYMBOL.parquet` and `trades-SYMBOL.parquet` of `directory`.

    Their columns are ts_ns, bid, bid_size, ask, ask_size and ts_ns, price, size: nanoseconds, dollars, shares.

    Raises:
        ConfigError: nothing to read there, or a file without those columns.
    """
    files = sorted(directory.glob("*.parquet"))
    if not files:
        raise ConfigError(f"{directory}: no tape there. It needs nbbo-SYMBOL.parquet files; see docs/how-to/tapes.md.")
    rows: list[TapeRow] = []
    for path in files:
        kind, _, rest = path.stem.partition("-")
        symbol = rest.split("-")[0].upper()
        if kind == "nbbo":
            rows.extend(read_quotes(path))
        elif kind == "trades":
            rows.extend(TapeTrade(ts, symbol, *values) for ts, *values in _read(path, _TRADE_COLUMNS))
    return Tape(rows)


def read_quotes(path: Path) -> Iterator[TapeQuote]:
    """Yield the rows of one `nbbo-SYMBOL….parquet`. Raises ConfigError for a file without its columns."""
    symbol = path.stem.split("-")[1].upper()
    return (TapeQuote(ts, symbol, *values) for ts, *values in _read(path, _QUOTE_COLUMNS))


def read_trades(path: Path) -> Iterator[TapeTrade]:
    """Yield the rows of one `trades-SYMBOL….parquet`, without those that its column `suspicious` marks.

    Raises ConfigError for a file without its columns, that one among them.
    """
    symbol = path.stem.split("-")[1].upper()
    rows = _read(path, [*_TRADE_COLUMNS, "suspicious"])
    return (TapeTrade(ts, symbol, price, size) for ts, price, size, suspicious in rows if not suspicious)


def _read(path: Path, columns: list[str]) -> Iterator[tuple[int, ...]]:
    table = pq.ParquetFile(path).read()  # read_table imports pandas where it is installed: a second more
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise ConfigError(f"{path}: has no column {', '.join(missing)}. A tape needs {', '.join(columns)}.")
    return zip(*(table[name].to_pylist() for name in columns), strict=True)
