"""Nothing is wrong, and nothing moves: the watch does not cry wolf."""

import os
from pathlib import Path

import pytest

from firmquote.lab import Tape, TapeQuote, TapeTrade, load_tape
from firmquote.lab.calm import Calm, stay_calm
from firmquote.lab.faults import SimQuote
from firmquote.lab.rehearsal import TIMER_NS, Rehearsal
from firmquote.lab.tape import read_quotes
from firmquote.model import NS_PER_S, Session
from firmquote.runtime.config import QualitySection

TAPE = load_tape()
MARGIN = 0.25
"""No healthy stream may come nearer to a verdict (1) than this."""
SHARED = Path(os.environ.get("FIRMQUOTE_SHARED", "../shared")) / "data" / "equities"
OPEN_NS = 1_381_239_000 * NS_PER_S
"""2013-10-08 09:30 in New York."""
HOUR_S = 3_600
STREAMS = [pytest.param(("a", "b"), id="two streams"), pytest.param(("a",), id="one stream")]


def check(calm: Calm) -> None:
    assert calm.role_moves == 0
    assert calm.line_verdicts == ()
    assert calm.score_max < 1 - MARGIN


@pytest.mark.parametrize("streams", STREAMS)
def test_the_whole_hour_played_twenty_times_as_fast_moves_nothing(streams: tuple[str, ...]) -> None:
    calm = stay_calm(TAPE, streams=streams, speed=20)
    assert calm.quotes > 100_000
    check(calm)


@pytest.mark.parametrize("streams", STREAMS)
def test_some_minutes_at_their_own_speed_move_nothing(streams: tuple[str, ...]) -> None:
    check(stay_calm(TAPE.part(40 * 60, 2 * 60), streams=streams))


def test_an_early_close_is_nobodys_fault_but_the_exchanges() -> None:
    tape = TAPE.part(40 * 60, 60)
    gateway = Rehearsal(tape.symbols, ["a", "b"], ["polled"], now_ns=tape.start_ns, policy=QualitySection())
    now_ns = tape.start_ns
    for sequence, row in enumerate(tape.rows):
        while now_ns + TIMER_NS <= row.ts_ns:
            now_ns += TIMER_NS
            gateway.move_to(now_ns)
        gateway.clock.move_to(row.ts_ns)
        if isinstance(row, TapeQuote):
            sizes = row.bid_size_shares, row.ask_size_shares
            quote = SimQuote(row.symbol, row.bid, sizes[0], row.ask, sizes[1], row.ts_ns, sequence)
            for name in ("a", "b"):
                gateway.send(name, [quote])
        else:
            gateway.answer("polled", row.symbol, row.price)
    gateway.begin(Session.CLOSED)
    last = next(row.price for row in reversed(tape.rows) if isinstance(row, TapeTrade) and row.symbol == "AIG")
    for tick in range(20 * 60):
        gateway.move_to(now_ns + tick * TIMER_NS)
        if tick % 60 == 0:
            gateway.answer("polled", "AIG", last + tick / 1_000)  # somebody still prints prices
    events = [event for event in gateway.conductor.events if event.kind != "quality"]
    assert [event.kind for event in events if event.blame is not None] == ["session"]
    assert [event.blame for event in events if event.kind == "session"] == ["halt_or_closed"]


@pytest.mark.proof
@pytest.mark.parametrize("speed", [0.5, 1, 2, 4])
@pytest.mark.parametrize("streams", STREAMS)
def test_the_whole_hour_at_several_speeds_moves_nothing(streams: tuple[str, ...], speed: float) -> None:
    check(stay_calm(TAPE, streams=streams, speed=speed))


@pytest.mark.proof
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the recorded days of ../shared/data")
@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize(
    ("from_h", "for_h", "session"),
    [
        pytest.param(0, 0.25, Session.REGULAR, id="opening burst"),
        pytest.param(2.5, 1, Session.REGULAR, id="quiet lunch"),
        pytest.param(6.5, 1, Session.AFTER, id="after hours"),
    ],
)
def test_other_hours_of_a_real_day_move_nothing(
    streams: tuple[str, ...], from_h: float, for_h: float, session: Session
) -> None:
    rows = [row for path in SHARED.glob("nbbo-*-20131008.parquet") for row in read_quotes(path)]
    begin_ns = OPEN_NS + int(from_h * HOUR_S) * NS_PER_S
    end_ns = begin_ns + int(for_h * HOUR_S) * NS_PER_S
    part = Tape([row for row in rows if begin_ns <= row.ts_ns < end_ns])
    check(stay_calm(part, streams=streams, last=(), session=session))
