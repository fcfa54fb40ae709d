"""Quotes on disk: what was noted comes back, in order, and a file is there whole or not at all."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmquote.errors import ConfigError, StoreError
from firmquote.history import QuoteRow, Recorder, days_in, read_day
from firmquote.history.recorder import ROWS_MAX

DAY = date(2026, 11, 24)
PRICES = st.one_of(st.none(), st.floats(0.01, 1e5))
ROWS = st.builds(
    QuoteRow, st.integers(1, 10**18), st.sampled_from(["IBM", "BRK.B"]), st.sampled_from(["polygon", "alpaca"]),
    PRICES, st.integers(0, 10**6), PRICES, st.integers(0, 10**6), PRICES, st.one_of(st.none(), st.integers(1, 10**18)),
    st.integers(0, 10**12),
)  # fmt: skip


def row(ts_ns: int, symbol: str = "IBM") -> QuoteRow:
    return QuoteRow(ts_ns, symbol, "polygon", 1.0, 100, 1.1, 200, None, ts_ns - 5, 7)


@settings(max_examples=25)
@given(st.lists(ROWS, min_size=1, max_size=30))
def test_what_was_noted_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[QuoteRow]) -> None:
    directory = tmp_path_factory.mktemp("history")
    recorder = Recorder(directory)
    ordered = sorted(rows, key=lambda each: each.ts_ns)
    for each in ordered:
        recorder.note(each)
    recorder.write(recorder.take(), DAY)
    assert ordered == list(read_day(directory, "2026-11-24"))


def test_files_of_one_day_are_read_as_one_in_order_of_time(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.write([row(1), row(5)], DAY)
    recorder.write([row(3, "BAC"), row(4, "BAC")], DAY)
    recorder.write([row(9)], date(2026, 11, 25))
    recorder.write([], DAY)
    assert [each.ts_ns for each in read_day(tmp_path, "2026-11-24")] == [1, 3, 4, 5]
    assert days_in(tmp_path) == ["2026-11-24", "2026-11-25"]
    assert recorder.recorded == 5


def test_rows_beyond_the_limit_are_dropped_and_counted(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for _ in range(ROWS_MAX + 3):
        recorder.note(row(1))
    assert (recorder.dropped, len(recorder.take())) == (3, ROWS_MAX)


def test_a_disk_that_refuses_is_named_and_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "2026-11-24").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        Recorder(tmp_path).write([row(1)], DAY)


def test_a_day_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    Recorder(tmp_path).write([row(1)], DAY)
    with pytest.raises(ConfigError, match="no quotes of 2026-11-23 there. Recorded days: 2026-11-24"):
        read_day(tmp_path, "2026-11-23")


def test_a_tape_is_read_as_quotes_of_its_symbol_on_its_day_only(tmp_path: Path) -> None:
    columns = {"ts_ns": [1, 2], "bid": [1.0, 1.1], "bid_size": [100, 200], "ask": [1.2, 1.3], "ask_size": [300, 400]}
    pq.write_table(pa.table(columns), tmp_path / "nbbo-ibm-20131008.parquet")
    pq.write_table(pa.table(columns), tmp_path / "nbbo-bac-20131007.parquet")
    pq.write_table(pa.table({"ts_ns": [1]}), tmp_path / "trades-ibm-20131008.parquet")
    rows = list(read_day(tmp_path, "2013-10-08"))
    assert [(r.symbol, r.bid, r.ask, r.sequence) for r in rows] == [("IBM", 1.0, 1.2, 1), ("IBM", 1.1, 1.3, 2)]


def test_a_tape_without_its_columns_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ts_ns": [1]}), tmp_path / "nbbo-ibm-20131008.parquet")
    with pytest.raises(ConfigError, match="has no column bid"):
        list(read_day(tmp_path, "2013-10-08"))
