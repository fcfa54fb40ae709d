"""Each fault changes what is sent in its own manner, and ends when it should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.lab import ActiveFault, Fault, FaultSet, SimQuote
from firmquote.lab.faults import DEFAULT_MAGNITUDE, HELD_MAX
from firmquote.model import NS_PER_MS, NS_PER_S

NOW_NS = 1_000 * NS_PER_S


def sim(symbol: str = "IBM", *, bid: float = 10.0, at_ms: int = 0, sequence: int = 1) -> SimQuote:
    return SimQuote(symbol, bid, 100, bid + 0.02, 200, NOW_NS + at_ms * NS_PER_MS, sequence)


def with_fault(
    fault: Fault, *, symbols: frozenset[str] = frozenset(), for_s: float | None = None, magnitude: float | None = None
) -> FaultSet:
    faults = FaultSet()
    size = DEFAULT_MAGNITUDE.get(fault, 0.0) if magnitude is None else magnitude
    until_ns = None if for_s is None else NOW_NS + int(for_s * NS_PER_S)
    faults.inject(ActiveFault(fault=fault, since_ns=NOW_NS, until_ns=until_ns, symbols=symbols, magnitude=size))
    return faults


def test_without_a_fault_everything_is_sent_as_it_is() -> None:
    quotes = [sim("IBM"), sim("SPY")]
    assert FaultSet().distort(quotes, NOW_NS) == quotes


def test_a_fault_ends_at_its_time_and_at_once_when_cleared() -> None:
    faults = with_fault(Fault.FREEZE, for_s=1)
    assert faults.names(NOW_NS) == ["freeze"]
    assert faults.distort([sim()], NOW_NS) == []
    assert faults.distort([sim()], NOW_NS + NS_PER_S) == [sim()]
    lasting = with_fault(Fault.FREEZE)
    assert lasting.distort([sim()], NOW_NS + 3_600 * NS_PER_S) == []
    lasting.clear()
    assert lasting.distort([sim()], NOW_NS) == [sim()]


def test_freezing_some_symbols_leaves_the_others() -> None:
    faults = with_fault(Fault.FREEZE_SYMBOLS, symbols=frozenset({"IBM"}))
    assert faults.distort([sim("IBM"), sim("SPY")], NOW_NS) == [sim("SPY")]


def test_repeat_sends_the_last_values_with_fresh_times_and_sequence() -> None:
    faults = FaultSet()
    faults.distort([sim(bid=10.0)], NOW_NS)
    faults.inject(ActiveFault(fault=Fault.REPEAT, since_ns=NOW_NS))
    (sent,) = faults.distort([sim(bid=12.0, at_ms=50, sequence=2)], NOW_NS + 50 * NS_PER_MS)
    assert (sent.bid, sent.event_ns, sent.sequence) == (10.0, NOW_NS + 50 * NS_PER_MS, 2)


def test_delay_holds_everything_back_and_loses_nothing() -> None:
    faults = with_fault(Fault.DELAY, magnitude=2)
    assert faults.distort([sim(sequence=1)], NOW_NS) == []
    assert faults.distort([], NOW_NS + 2 * NS_PER_S - 1) == []
    assert faults.distort([], NOW_NS + 2 * NS_PER_S) == [sim(sequence=1)]


def test_lag_grows_with_time() -> None:
    faults = with_fault(Fault.LAG, magnitude=0.5)
    late = sim(at_ms=4_000, sequence=2)
    assert faults.distort([late], NOW_NS + 4 * NS_PER_S) == []
    assert faults.distort([], NOW_NS + 6 * NS_PER_S) == [late]


def test_what_is_held_back_is_bounded() -> None:
    faults = with_fault(Fault.DELAY, magnitude=900)
    faults.distort([sim(sequence=n) for n in range(HELD_MAX + 10)], NOW_NS)
    sent = faults.distort([], NOW_NS + 900 * NS_PER_S)
    assert (len(sent), sent[0].sequence) == (HELD_MAX, 10)


def test_drip_loses_one_in_five() -> None:
    faults = with_fault(Fault.DRIP)
    sent = faults.distort([sim(sequence=n) for n in range(10)], NOW_NS)
    assert len(sent) == 8


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(Fault.WRONG_CLOCK, [sim(at_ms=-3_600_000)], id="an hour behind"),
        pytest.param(Fault.DUPLICATE, [sim(), sim()], id="twice"),
        pytest.param(Fault.CROSS, [SimQuote("IBM", 10.03, 100, 10.0, 200, NOW_NS, 1)], id="crossed"),
        pytest.param(Fault.ZERO, [SimQuote("IBM", 0.0, 100, 0.0, 200, NOW_NS, 1)], id="zero"),
    ],
)
def test_content_faults_change_the_content(fault: Fault, expected: list[SimQuote]) -> None:
    assert with_fault(fault).distort([sim()], NOW_NS) == expected


def test_drift_leaves_the_truth_by_its_rate() -> None:
    (sent,) = with_fault(Fault.DRIFT, magnitude=100).distort([sim(bid=100.0)], NOW_NS + 2 * NS_PER_S)
    assert sent.bid == 102.0


def test_reorder_swaps_neighbours() -> None:
    sent = with_fault(Fault.REORDER).distort([sim(sequence=n) for n in (1, 2, 3)], NOW_NS)
    assert [quote.sequence for quote in sent] == [2, 1, 3]


def test_numbers_can_repeat_and_go_back_while_the_quotes_are_in_order() -> None:
    quotes = [sim(sequence=n, bid=10 + n) for n in (1, 2, 3, 4)]
    shared = with_fault(Fault.DUPLICATE_NUMBERS).distort(quotes, NOW_NS)
    swapped = with_fault(Fault.REORDER_NUMBERS).distort(quotes, NOW_NS)
    assert [quote.sequence for quote in shared] == [2, 2, 4, 4]
    assert [quote.sequence for quote in swapped] == [2, 1, 4, 3]
    assert [quote.bid for quote in quotes] == [quote.bid for quote in shared] == [quote.bid for quote in swapped]


def test_a_delay_that_ends_by_itself_hands_over_what_it_held_before_anything_new() -> None:
    faults = with_fault(Fault.DELAY, magnitude=900, for_s=1)
    assert faults.distort([sim(sequence=1), sim("SPY")], NOW_NS) == []
    sent = faults.distort([sim(sequence=2)], NOW_NS + NS_PER_S)
    assert sent == [sim(sequence=1), sim("SPY"), sim(sequence=2)]


def test_a_wrong_clock_does_not_shorten_a_delay() -> None:
    faults = with_fault(Fault.DELAY, magnitude=2)
    faults.inject(ActiveFault(fault=Fault.WRONG_CLOCK, since_ns=NOW_NS, magnitude=-3_600))
    assert faults.distort([sim()], NOW_NS) == []
    assert faults.distort([], NOW_NS + 2 * NS_PER_S) == [sim(at_ms=-3_600_000)]


PER_QUOTE = sorted(
    {
        fault
        for fault in Fault
        if with_fault(fault).distort([sim("IBM", bid=20)], NOW_NS + NS_PER_S) != [sim("IBM", bid=20)]
    }
    | {Fault.REPEAT, Fault.MIX_UP},
    key=lambda fault: fault.value,
)


@pytest.mark.parametrize("fault", PER_QUOTE, ids=lambda fault: fault.value)
def test_a_fault_of_some_symbols_leaves_the_others_as_they_are(fault: Fault) -> None:
    faults = FaultSet()
    faults.distort([sim("IBM"), sim("SPY")], NOW_NS)
    magnitude = DEFAULT_MAGNITUDE.get(fault, 0.0)
    faults.inject(ActiveFault(fault=fault, since_ns=NOW_NS, symbols=frozenset({"IBM"}), magnitude=magnitude))
    new = [sim("IBM", bid=20, at_ms=900, sequence=7), sim("SPY", bid=30, at_ms=900, sequence=7)]
    sent = [quote for _ in range(5) for quote in faults.distort(new, NOW_NS + NS_PER_S)]
    assert [quote for quote in sent if quote == new[1]] == [new[1]] * 5
    assert [quote for quote in sent if quote != new[1]] != [new[0]] * 5


def test_reordering_some_symbols_leaves_the_others_in_their_places() -> None:
    faults = with_fault(Fault.REORDER, symbols=frozenset({"IBM"}))
    quotes = [sim("IBM", sequence=1), sim("SPY", sequence=1), sim("IBM", sequence=2), sim("SPY", sequence=2)]
    sent = faults.distort(quotes, NOW_NS)
    assert [(q.symbol, q.sequence) for q in sent] == [("IBM", 2), ("SPY", 1), ("IBM", 1), ("SPY", 2)]


def test_mix_up_gives_each_symbol_the_quotes_of_another() -> None:
    faults = FaultSet()
    faults.distort([sim("IBM", bid=10), sim("SPY", bid=20)], NOW_NS)
    faults.inject(ActiveFault(fault=Fault.MIX_UP, since_ns=NOW_NS))
    sent = faults.distort([sim("IBM", bid=10), sim("SPY", bid=20)], NOW_NS)
    assert {(quote.symbol, quote.bid) for quote in sent} == {("SPY", 10), ("IBM", 20)}


def test_garbage_and_truncation_break_frames() -> None:
    assert with_fault(Fault.GARBAGE).corrupt(b'[{"ev":"Q"}]', NOW_NS).startswith(b"\x00")
    assert with_fault(Fault.TRUNCATE).corrupt(b"12345678", NOW_NS) == b"1234"
    assert FaultSet().corrupt(b"12345678", NOW_NS) == b"12345678"


@given(st.sets(st.sampled_from(Fault)), st.integers(0, 60))
def test_faults_compose_in_any_combination(chosen: set[Fault], seconds: int) -> None:
    faults = FaultSet()
    for fault in chosen:
        magnitude = DEFAULT_MAGNITUDE.get(fault, 0.0)
        faults.inject(ActiveFault(fault=fault, since_ns=NOW_NS, magnitude=magnitude))
    sent = faults.distort([sim("IBM"), sim("SPY")], NOW_NS + seconds * NS_PER_S)
    assert len(sent) <= 4
    assert set(faults.names(NOW_NS)) == {fault.value for fault in chosen}
