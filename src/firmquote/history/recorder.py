"""Records what the board shows: rows are gathered in memory and written as one Parquet file of the day every minute.

A crash loses at most the rows since the last file; what is written is complete, since a file gets its name last.
"""

import contextlib
import itertools
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from firmquote.errors import StoreError
from firmquote.history.rows import SCHEMA, QuoteRow

ROWS_MAX = 500_000
"""Rows that may wait to be written; more are dropped and counted."""


class Recorder:
    """`note` is called in the event loop and only appends; `write` may wait for the disk and belongs on a thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._rows: list[QuoteRow] = []
        self._files = itertools.count(1)
        self.recorded = 0
        self.dropped = 0
        """Rows that found no room."""

    def note(self, row: QuoteRow) -> None:
        """Take a row."""
        if len(self._rows) >= ROWS_MAX:
            self.dropped += 1
            return
        self._rows.append(row)

    def take(self) -> list[QuoteRow]:
        """Return what waits to be written, and forget it."""
        rows, self._rows = self._rows, []
        return rows

    def write(self, rows: Sequence[QuoteRow], day: date) -> None:
        """Write rows as one more file of `day`. Raises StoreError."""
        if not rows:
            return
        folder = self._directory / day.isoformat()
        name = f"quotes-{rows[0].ts_ns}-{next(self._files):04d}.parquet"
        unfinished = folder / f".{name}.unfinished"
        columns = zip(*((r.ts_ns, r.symbol, r.provider, r.bid, r.bid_size_shares, r.ask, r.ask_size_shares, r.last,
                         r.event_ns, r.sequence) for r in rows), strict=True)  # fmt: skip
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), unfinished, compression="zstd")
            unfinished.replace(folder / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise StoreError(
                f"{folder / name}: cannot be written ({error.strerror or error}). Give it room and rights."
            ) from error
        self.recorded += len(rows)
