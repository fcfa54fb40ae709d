"""A polled provider that serves goes on answering, and its prices stand still."""

from random import Random

import pytest

from firmquote.lab.faults import SimQuote
from firmquote.lab.rehearsal import TIMER_NS, Rehearsal
from firmquote.model import BPS, NS_PER_MS, NS_PER_S, Session
from firmquote.model.status import EventView
from firmquote.runtime.config import QualitySection

BEGIN_NS = 1_381_239_000 * NS_PER_S
SYMBOLS = ("AIG", "IBM", "SPY")
WARM_S = 20.0


class Market:
    """Symbols at 100 that wander within 20 bps; a stream sees them, and the polled provider that serves is asked."""

    def __init__(self, *, asked_s: float = 1.0, streams: tuple[str, ...] = ("stream",)) -> None:
        self.gateway = Rehearsal(SYMBOLS, streams, ["polled"], now_ns=BEGIN_NS, policy=QualitySection())
        self.gateway.begin(Session.REGULAR)
        self.streams = streams
        self.asked_ns = int(asked_s * NS_PER_S)
        self.random = Random(7)
        self.now_ns = BEGIN_NS
        self.level = dict.fromkeys(SYMBOLS, 100.0)
        self.answers: dict[str, float] = {}
        self.frozen: set[str] = set()
        self.streaming = True
        self.sequence = 0
        self.play(2)
        self.gateway.conductor.activate("polled", "a test")
        self.play(WARM_S)
        self.begin = len(self.gateway.conductor.events)
        self.begin_ns = self.now_ns

    def play(self, seconds: float, *, moves_bps_per_s: float = 0.0) -> "Market":
        for _ in range(int(seconds * NS_PER_S) // TIMER_NS):
            self.now_ns += TIMER_NS
            self.gateway.clock.move_to(self.now_ns)
            for symbol in SYMBOLS:
                self.level[symbol] *= 1 + moves_bps_per_s / BPS * TIMER_NS / NS_PER_S
                mid = round(self.level[symbol] * (1 + self.random.gauss(0, 4) / BPS), 2)
                if self.streaming and self.random.random() < 0.3:
                    self.sequence += 1
                    sizes = 100 * self.random.randint(1, 9), 100 * self.random.randint(1, 9)
                    event_ns = self.now_ns - 2 * NS_PER_MS
                    quote = SimQuote(symbol, mid - 0.01, sizes[0], mid + 0.01, sizes[1], event_ns, self.sequence)
                    for name in self.streams:
                        self.gateway.send(name, [quote])
                if self.now_ns % self.asked_ns == 0:
                    if symbol not in self.frozen or symbol not in self.answers:
                        self.answers[symbol] = mid
                    self.gateway.answer("polled", symbol, self.answers[symbol])
            self.gateway.move_to(self.now_ns)
        return self

    def freeze(self, *symbols: str) -> "Market":
        self.frozen = set(symbols)
        return self

    def blamed(self) -> list[EventView]:
        events = list(self.gateway.conductor.events)[self.begin :]
        return [event for event in events if event.kind in ("line", "status", "role") and event.blame is not None]

    def shown(self, symbol: str) -> tuple[str | None, str]:
        view = self.gateway.view(symbol)
        return view.provider, view.graded.grade.label


@pytest.mark.parametrize("asked_s", [1, 3])
def test_a_symbol_that_stands_still_is_shown_from_the_stream_within_ten_seconds(asked_s: float) -> None:
    market = Market(asked_s=asked_s).freeze("IBM").play(1, moves_bps_per_s=60).play(10)
    assert market.shown("IBM") == ("stream", "firm")
    assert market.shown("SPY") == ("polled", "indicative")
    (line,) = market.blamed()
    assert (line.kind, line.provider, line.symbol, line.blame) == ("line", "polled", "IBM", "provider")
    assert "its answers repeat" in line.cause
    assert market.gateway.manager.serving == "polled"


def test_a_provider_all_of_whose_prices_stand_still_loses_its_role() -> None:
    market = Market().freeze(*SYMBOLS).play(1, moves_bps_per_s=60).play(10)
    assert market.gateway.manager.serving == "stream"
    assert {market.shown(symbol) for symbol in SYMBOLS} == {("stream", "firm")}


def test_it_is_found_as_well_beside_two_streams() -> None:
    market = Market(streams=("stream", "other")).freeze("IBM").play(1, moves_bps_per_s=60).play(10)
    assert market.shown("IBM") == ("stream", "firm")


def test_the_line_recovers_once_it_agrees_again() -> None:
    market = Market().freeze("IBM").play(1, moves_bps_per_s=60).play(10).freeze().play(15)
    assert market.shown("IBM") == ("polled", "indicative")
    assert [event.symbol for event in market.blamed()] == ["IBM"]


def test_an_old_last_trade_is_right_while_the_market_hovers_around_it() -> None:
    market = Market().freeze(*SYMBOLS).play(110)
    assert market.blamed() == []
    assert {market.shown(symbol) for symbol in SYMBOLS} == {("polled", "indicative")}


def test_a_price_that_has_not_changed_for_too_long_is_stale_and_the_stream_is_shown_meanwhile() -> None:
    market = Market().freeze("IBM").play(125)
    assert market.shown("IBM") == ("stream", "firm")
    assert market.shown("SPY") == ("polled", "indicative")
    assert market.blamed() == [], "nobody is to blame"
    market.freeze().play(10)
    assert market.shown("IBM") == ("polled", "indicative")


def test_a_stale_price_stays_where_nobody_has_a_better_one() -> None:
    market = Market().freeze("IBM").play(115)
    market.streaming = False
    market.play(15)
    assert market.shown("IBM") == ("polled", "stale")


def test_nobody_is_left_for_a_stream_that_jumped_once_and_says_nothing_more() -> None:
    market = Market().freeze("IBM")
    market.streaming = False
    now_ns = market.gateway.clock.now_ns()
    market.gateway.send("stream", [SimQuote("IBM", 100.99, 100, 101.01, 100, now_ns, market.sequence + 1)])
    market.play(10)
    assert [event for event in market.blamed() if event.provider == "polled"] == []


def test_after_hours_a_last_price_stands_still_rightly() -> None:
    market = Market().freeze(*SYMBOLS)
    market.gateway.begin(Session.AFTER)
    market.play(1, moves_bps_per_s=60).play(20)
    assert market.blamed() == []
