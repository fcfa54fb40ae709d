"""Cut the demo tape from the recorded days in ../shared/data/equities (numbers only; source in NOTICE).

Usage: python scripts/make-tape.py ../shared/data/equities src/firmquote/lab/tapes/demo
One hour of 2013-10-08 from 14:00 UTC (10:00 in New York): NBBO of AIG, BAC and IBM at every change, SPY at the close
of each second, and the trades that the recording does not flag as suspicious.
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

START_NS = 1_381_240_800_000_000_000
END_NS = START_NS + 3_600 * 1_000_000_000
QUOTES = {"AIG": "nbbo-aig", "BAC": "nbbo-bac", "IBM": "nbbo-ibm", "SPY": "seconds-spy"}
TRADES_EVERY_MS = 100


def main(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for symbol, stem in QUOTES.items():
        _write(_hour(source / f"{stem}-20131008.parquet"), target / f"nbbo-{symbol}.parquet")
        trades = _hour(source / f"trades-{symbol.lower()}-20131008.parquet")
        trades = trades.filter(pc.invert(trades["suspicious"])).select(["ts_ns", "price", "size"])
        _write(_thin(trades), target / f"trades-{symbol}.parquet")


def _hour(path: Path) -> pa.Table:
    table = pq.read_table(path)
    inside = pc.and_(pc.greater_equal(table["ts_ns"], START_NS), pc.less(table["ts_ns"], END_NS))
    return table.filter(inside)


def _thin(trades: pa.Table) -> pa.Table:
    """Keep the last trade of every 100 ms: nobody polls faster."""
    slots = [ts // (TRADES_EVERY_MS * 1_000_000) for ts in trades["ts_ns"].to_pylist()]
    last = [i for i, slot in enumerate(slots) if i + 1 == len(slots) or slots[i + 1] != slot]
    return trades.take(last)


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", compression_level=19)
    print(path.name, table.num_rows, path.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
