"""A tape is played in order, on time, again and again; a bad one is refused with what to do."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import ConfigError
from firmquote.lab import Market, Player, Tape, TapeQuote, TapeTrade, load_tape
from firmquote.model import NS_PER_S

START_NS = 1_381_240_800_000_000_000
NOW_NS = 1_700_000_000_000_000_000


def tick(second: float, symbol: str = "IBM") -> TapeQuote:
    return TapeQuote(START_NS + int(second * NS_PER_S), symbol, 10.0 + second, 100, 10.1 + second, 200)


def test_rows_come_when_they_are_due_and_only_once() -> None:
    player = Player(Tape([tick(0), tick(1), tick(1), tick(2)]), now_ns=NOW_NS, from_s=0, loop=False)
    assert [row for _, row in player.due(NOW_NS)] == [tick(0)]
    assert player.due(NOW_NS + NS_PER_S - 1) == []
    assert [row for _, row in player.due(NOW_NS + NS_PER_S)] == [tick(1), tick(1)]
    assert [row for _, row in player.due(NOW_NS + 60 * NS_PER_S)] == [tick(2)]


def test_times_are_moved_to_the_present_and_keep_their_distances() -> None:
    player = Player(Tape([tick(0), tick(1.5)]), now_ns=NOW_NS, from_s=0, loop=False)
    times = [at_ns for at_ns, _ in player.due(NOW_NS + 10 * NS_PER_S)]
    assert times == [NOW_NS, NOW_NS + 1_500_000_000]


def test_speed_shortens_the_distances() -> None:
    player = Player(Tape([tick(0), tick(10)]), now_ns=NOW_NS, from_s=0, speed=10, loop=False)
    assert [at_ns for at_ns, _ in player.due(NOW_NS + NS_PER_S)] == [NOW_NS, NOW_NS + NS_PER_S]


def test_the_beginning_has_just_happened_so_that_every_symbol_has_a_price() -> None:
    player = Player(Tape([tick(0), tick(59), tick(61)]), now_ns=NOW_NS, from_s=60, loop=False)
    assert [row for _, row in player.due(NOW_NS)] == [tick(0), tick(59)]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20), st.floats(0.5, 50))
def test_over_many_turns_time_never_goes_back(seconds: list[float], speed: float) -> None:
    tape = Tape([tick(second) for second in seconds])
    player = Player(tape, now_ns=NOW_NS, speed=speed, from_s=0)
    times = [at_ns for step in range(1, 40) for at_ns, _ in player.due(NOW_NS + step * 10 * NS_PER_S)]
    assert times == sorted(times)


def test_the_market_counts_sequences_by_symbol_and_remembers_the_last_trade() -> None:
    trade = TapeTrade(START_NS + NS_PER_S, "IBM", 10.05, 300)
    market = Market(Player(Tape([tick(0), tick(0.5), tick(0.7, "SPY"), trade]), now_ns=NOW_NS, from_s=0, loop=False))
    quotes = market.advance(NOW_NS + 2 * NS_PER_S).quotes
    assert [(quote.symbol, quote.sequence) for quote in quotes] == [("IBM", 1), ("IBM", 2), ("SPY", 1)]
    assert market.trades["IBM"] == (NOW_NS + NS_PER_S, trade)
    assert market.day_volume == {"IBM": 300}


def test_any_parquet_with_the_columns_plays(tmp_path: Path) -> None:
    columns = {"ts_ns": [START_NS], "bid": [1.0], "bid_size": [1], "ask": [1.1], "ask_size": [2], "more": ["x"]}
    pq.write_table(pa.table(columns), tmp_path / "nbbo-xyz-20131007.parquet")
    assert load_tape(tmp_path).rows == [TapeQuote(START_NS, "XYZ", 1.0, 1, 1.1, 2)]


def test_a_folder_without_a_tape_says_what_a_tape_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no tape there. It needs nbbo-SYMBOL.parquet"):
        load_tape(tmp_path)


def test_a_file_without_the_columns_names_them(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ts_ns": [1], "bid": [1.0]}), tmp_path / "nbbo-XYZ.parquet")
    with pytest.raises(ConfigError, match="has no column bid_size, ask, ask_size. A tape needs ts_ns, bid"):
        load_tape(tmp_path)


def test_an_empty_tape_is_refused(tmp_path: Path) -> None:
    columns: dict[str, list[int]] = {name: [] for name in ("ts_ns", "bid", "bid_size", "ask", "ask_size")}
    pq.write_table(pa.table(columns), tmp_path / "nbbo-XYZ.parquet")
    with pytest.raises(ConfigError, match="the tape is empty"):
        load_tape(tmp_path)
