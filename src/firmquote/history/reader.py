"""Reads days of quotes: those that the recorder wrote, and tapes of one file a symbol (docs/how-to/tapes.md)."""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from firmquote.errors import ConfigError
from firmquote.history.rows import SCHEMA, QuoteRow

TAPE_PROVIDER = "tape"
BATCH_ROWS = 50_000
_TAPE_COLUMNS = ["ts_ns", "bid", "bid_size", "ask", "ask_size"]


def days_in(directory: Path) -> list[str]:
    """Return the days that the recorder wrote below `directory`, oldest first."""
    return sorted(path.name for path in directory.glob("????-??-??") if path.is_dir())


def read_day(directory: Path, day: str) -> Iterator[QuoteRow]:
    """Yield the quotes of `day` in order of time: recorded below `directory`, or tapes in it.

    A tape is a file `nbbo-SYMBOL-YYYYMMDD.parquet` or `seconds-SYMBOL-YYYYMMDD.parquet`; a file without a day in its
    name is of every day.

    Raises:
        ConfigError: nothing of that day is there, or a file has not the columns.
    """
    recorded = sorted((directory / day).glob("quotes-*.parquet"))
    tapes = sorted(path for path in directory.glob("*.parquet") if _is_of(path, day))
    if not recorded and not tapes:
        known = ", ".join(days_in(directory)) or "none"
        raise ConfigError(
            f"{directory}: no quotes of {day} there. Recorded days: {known}. "
            "Record with history.record, or name a folder of tapes with --tape."
        )
    streams = [_recorded(path) for path in recorded] or [_tape(path) for path in tapes]
    return heapq.merge(*streams, key=lambda row: row.ts_ns)


def _is_of(path: Path, day: str) -> bool:
    parts = path.stem.split("-")
    if parts[0] not in ("nbbo", "seconds"):
        return False
    return len(parts) < 3 or parts[2] == day.replace("-", "")


def _recorded(path: Path) -> Iterator[QuoteRow]:
    return (QuoteRow(*row) for row in _rows(path, SCHEMA.names))


def _tape(path: Path) -> Iterator[QuoteRow]:
    symbol = path.stem.split("-")[1].upper()
    rows = enumerate(_rows(path, _TAPE_COLUMNS), 1)
    for number, (ts_ns, bid, bid_size, ask, ask_size) in rows:
        yield QuoteRow(ts_ns, symbol, TAPE_PROVIDER, bid, bid_size, ask, ask_size, None, ts_ns, number)


def _rows(path: Path, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    file = pq.ParquetFile(path)
    missing = [name for name in columns if name not in file.schema_arrow.names]
    if missing:
        raise ConfigError(f"{path}: has no column {', '.join(missing)}. It needs {', '.join(columns)}.")
    for batch in file.iter_batches(BATCH_ROWS, columns=columns):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
