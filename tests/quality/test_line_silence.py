"""One frozen symbol of a stream that is well."""

from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import NS_PER_MS, Session
from firmquote.quality import LineMeter, LineSilencePolicy

POLICY = LineSilencePolicy()


class Symbol:
    """A line, driven look by look."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.meter = LineMeter(0)

    def after(self, ms: int, *, peers: int = 0, spoke: bool = False) -> "Symbol":
        self.now_ns += ms * NS_PER_MS
        self.meter.peers += peers
        if spoke:
            self.meter.speak(self.now_ns)
        return self

    def usual(self, gap_ms: int, *, peers: int = 1, times: int = 20) -> "Symbol":
        for _ in range(times):
            self.after(gap_ms, peers=peers, spoke=True)
        return self

    def words(self) -> str | None:
        return self.meter.judge(self.now_ns, POLICY)


def test_a_symbol_that_other_streams_bring_and_this_one_does_not_is_frozen() -> None:
    symbol = Symbol().usual(100)
    assert symbol.after(450, peers=4).words() is None
    words = symbol.after(50).words()
    assert words is not None
    assert "nothing for 0.5 s (longest usual gap 0.1 s) while other streams brought it 4 times" in words


def test_a_venue_that_usually_has_fewer_quotes_than_the_market_is_not() -> None:
    assert Symbol().usual(1_000, peers=8).after(900, peers=20).words() is None
    assert Symbol().usual(1_000, peers=8).after(900, peers=24).words() is not None


def test_a_quiet_symbol_is_not_frozen_while_nobody_brings_it() -> None:
    assert Symbol().usual(100).after(3_600_000).words() is None


def test_a_price_that_is_away_elsewhere_for_longer_than_the_longest_gap_freezes_it() -> None:
    symbol = Symbol().usual(5_000)
    symbol.meter.moved_ns = symbol.now_ns
    assert symbol.after(4_990).words() is None
    assert symbol.after(10).words() is not None


def test_an_absurd_gap_is_enough_if_a_polled_price_is_outside_its_bid_and_ask() -> None:
    symbol = Symbol().usual(2_000, times=64)
    symbol.meter.polled = 1.0
    assert symbol.after(15_990).words() is None
    assert symbol.after(10).words() is not None
    symbol.meter.polled = 0.5
    assert symbol.after(15_990).words() is None, "a price within bid and ask says half as much"
    assert symbol.after(10).words() is not None
    assert Symbol().usual(2_000, times=64).after(60_000).words() is None


def test_with_too_few_gaps_nothing_is_usual() -> None:
    assert Symbol().usual(100, times=7).after(60_000, peers=100).words() is None


def test_what_is_usual_is_forgotten_after_some_hundred_gaps() -> None:
    symbol = Symbol().usual(100).after(60_000, spoke=True).usual(100, times=200)
    assert symbol.meter.usual_gap_ns == 100 * NS_PER_MS


def test_the_end_of_an_outage_is_not_a_usual_gap() -> None:
    symbol = Symbol().usual(100).after(60_000, peers=500)
    symbol.meter.speak(symbol.now_ns, usual=False)
    assert (symbol.meter.usual_gap_ns, symbol.meter.usual_peers) == (100 * NS_PER_MS, 1)


def test_what_is_usual_belongs_to_a_part_of_the_day() -> None:
    symbol = Symbol()
    symbol.meter.begin(Session.REGULAR, 0)
    symbol.usual(100)
    symbol.after(60_000).meter.begin(Session.AFTER, symbol.now_ns)
    assert symbol.after(1_000, peers=100).words() is None, "nothing is usual yet"
    symbol.meter.begin(Session.REGULAR, symbol.now_ns)
    assert symbol.meter.usual_gap_ns == 100 * NS_PER_MS
    assert symbol.after(450, peers=4).words() is None, "what came before is forgiven"


def test_the_end_of_one_morning_is_not_usual_at_the_beginning_of_the_next() -> None:
    symbol = Symbol()
    symbol.meter.begin(Session.PRE, 0)
    symbol.usual(100)
    symbol.meter.begin(Session.CLOSED, symbol.now_ns)
    symbol.meter.begin(Session.PRE, symbol.now_ns)
    assert symbol.meter.usual_gap_ns is None


@given(st.integers(0, 100_000), st.integers(0, 100), st.integers(0, 100_000), st.integers(0, 100))
def test_more_evidence_never_makes_it_less(ms: int, peers: int, more_ms: int, more_peers: int) -> None:
    if Symbol().usual(100).after(ms, peers=peers).words() is not None:
        assert Symbol().usual(100).after(ms + more_ms, peers=peers + more_peers).words() is not None
