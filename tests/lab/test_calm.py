"""Nothing is wrong, and nothing moves: the watch does not cry wolf."""

import os
from pathlib import Path

import pytest

from firmquote.lab import Tape, TapeQuote, TapeTrade, load_tape
from firmquote.lab.calm import Calm, stay_calm
from firmquote.lab.faults import SimQuote
from firmquote.lab.rehearsal import TIMER_NS, Rehearsal
from firmquote.lab.tape import TapeRow, read_quotes, read_trades
from firmquote.model import NS_PER_S, Session
from firmquote.runtime.config import QualitySection

TAPE = load_tape()
MARGIN = 0.25
"""No healthy stream may come nearer to a verdict (1) than this."""
SHARED = Path(os.environ.get("FIRMQUOTE_SHARED", "../shared")) / "data" / "equities"
OPEN_NS = 1_381_239_000 * NS_PER_S
"""2013-10-08 09:30 in New York."""
HOUR_NS = 3_600 * NS_PER_S
CLOSE_NS = OPEN_NS + int(6.5 * HOUR_NS)
STREAMS = [pytest.param(("a", "b"), id="two streams"), pytest.param(("a",), id="one stream")]


def check(calm: Calm) -> None:
    assert calm.role_moves == 0
    assert [words for words in calm.line_verdicts if not words.startswith("polled")] == []
    # A print far outside the market is no price to act on, as quality says of it; it is never called silence.
    assert [words for words in calm.line_verdicts if ": quality: " not in words] == []
    assert calm.score_max < 1 - MARGIN
    assert calm.line_score_max < 1 - MARGIN


def recorded(from_ns: int, for_h: float) -> list[TapeRow]:
    """Return the quotes of all symbols, and the trades that a polled provider would tell of."""
    quotes = (row for path in SHARED.glob("nbbo-*-20131008.parquet") for row in read_quotes(path))
    quoted = ("aig", "bac", "ibm")
    trades = (row for name in quoted for row in read_trades(SHARED / f"trades-{name}-20131008.parquet"))
    return [row for rows in (quotes, trades) for row in rows if from_ns <= row.ts_ns < from_ns + int(for_h * HOUR_NS)]


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


class Days:
    """Two streams and a polled provider, through the parts of a day."""

    def __init__(self) -> None:
        self.tape = TAPE.part(40 * 60, 20)
        self.now_ns = self.tape.start_ns
        self.gateway = Rehearsal(self.tape.symbols, ["a", "b"], ["polled"], now_ns=self.now_ns, policy=QualitySection())
        self.sequence = 0

    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds * NS_PER_S / TIMER_NS)):
            self.now_ns += TIMER_NS
            self.gateway.move_to(self.now_ns)

    def quote(self, row: TapeQuote, *providers: str, times: float = 1) -> None:
        sizes = row.bid_size_shares, row.ask_size_shares
        bid, ask = round(row.bid * times, 2), round(row.ask * times, 2)
        for name in providers:
            self.gateway.send(name, [SimQuote(row.symbol, bid, sizes[0], ask, sizes[1], self.now_ns, self.sequence)])

    def play(self, session: Session, *, times: float = 1) -> None:
        """Let a part of the day begin, with the quotes of the tape at its own pace and `times` its prices."""
        self.gateway.begin(session)
        shift_ns = self.now_ns - self.tape.start_ns
        for row in self.tape.rows:
            while self.now_ns + TIMER_NS <= row.ts_ns + shift_ns:
                self.wait(TIMER_NS / NS_PER_S)
            self.sequence += 1
            if isinstance(row, TapeQuote):
                self.quote(row, "a", "b", times=times)
            else:
                self.gateway.answer("polled", row.symbol, row.price * times)


def test_the_first_quotes_of_the_second_morning_move_nothing() -> None:
    days = Days()
    for session in (Session.PRE, Session.REGULAR, Session.AFTER):
        days.play(session)
    days.gateway.begin(Session.CLOSED)
    days.wait(60)
    days.gateway.begin(Session.PRE)
    days.wait(60)
    days.sequence += 1
    first = next(row for row in days.tape.rows if isinstance(row, TapeQuote))
    days.quote(first, "b", times=1.006)
    days.wait(0.1)  # the other is a little later
    days.quote(first, "a", times=1.006)
    days.play(Session.PRE, times=1.006)
    days.play(Session.REGULAR, times=1.006)
    blamed = [event.cause for event in days.gateway.conductor.events if event.kind in {"status", "line", "role"}]
    assert [cause for cause in blamed if cause] == []


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
        pytest.param(6.4, 0.25, Session.REGULAR, id="over the close"),
        pytest.param(6.5, 1, Session.AFTER, id="after hours"),
    ],
)
def test_other_hours_of_a_real_day_move_nothing(
    streams: tuple[str, ...], from_h: float, for_h: float, session: Session
) -> None:
    part = Tape(recorded(OPEN_NS + int(from_h * HOUR_NS), for_h))
    sessions = [(CLOSE_NS, Session.AFTER)] if session is Session.REGULAR else []
    check(stay_calm(part, streams=streams, session=session, sessions=sessions))
