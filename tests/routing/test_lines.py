"""One line may be unfit although its provider is well."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import NS_PER_S
from firmquote.routing import LineBook, ProviderManager, RoutingPolicy


def ready() -> ProviderManager:
    manager = ProviderManager(["a", "b", "mock"], RoutingPolicy(), chance=lambda: 0.5, now_ns=0, symbols=["IBM", "SPY"])
    manager.on_ready("a", 0)
    manager.on_ready("b", 0)
    manager.advance({}, 0)
    return manager


def test_only_the_symbol_that_suffers_moves() -> None:
    manager = ready()
    manager.on_line("a", "IBM", "silence", "frozen", NS_PER_S)
    assert manager.showing("IBM").order == ("b",)
    assert manager.showing("SPY").order == ("a", "b")
    assert manager.serving == "a"


def test_a_line_is_wanted_again_once_it_has_been_well_for_a_while() -> None:
    manager = ready()
    manager.on_line("a", "IBM", "silence", "frozen", NS_PER_S)
    manager.on_line("a", "IBM", "silence", None, 2 * NS_PER_S)
    assert manager.showing("IBM").order == ("b", "a"), "it may serve if nobody else can"
    manager.advance({}, 6 * NS_PER_S)
    assert manager.showing("IBM").order == ("b", "a")
    manager.advance({}, 7 * NS_PER_S)
    assert manager.showing("IBM").order == ("a", "b")


def moves_of_ibm(manager: ProviderManager, bad_s: list[tuple[float, float]], until_s: float) -> list[float]:
    """Return when IBM was shown from another provider than before, while a's line is unfit as in `bad_s`."""
    at_s, unfit, shown, moves = 0.0, False, "a", []
    while at_s < until_s:
        at_s += 0.5
        bad = any(begin <= at_s < end for begin, end in bad_s)
        if bad is not unfit:
            unfit = bad
            manager.on_line("a", "IBM", "silence", "frozen" if bad else None, int(at_s * NS_PER_S))
        manager.advance({}, int(at_s * NS_PER_S))
        if manager.showing("IBM").order[0] != shown:
            shown = manager.showing("IBM").order[0]
            moves.append(at_s)
    return moves


def test_a_line_that_comes_and_goes_is_wanted_again_later_each_time() -> None:
    moves = moves_of_ibm(ready(), [(at_s, at_s + 0.5) for at_s in range(1, 500, 7)], 500)
    assert moves == [1, 6.5, 8], "twice five seconds without a relapse never come"


def test_a_relapse_that_lies_long_back_is_forgiven() -> None:
    moves = moves_of_ibm(ready(), [(1, 2), (20, 21), (1_000, 1_001)], 1_100)
    assert moves == [1, 7, 20, 31, 1_000, 1_006]


def test_a_passing_objection_does_not_shorten_a_recovery() -> None:
    manager = ready()
    manager.on_line("a", "IBM", "silence", "frozen", NS_PER_S)
    manager.on_line("a", "IBM", "silence", None, 2 * NS_PER_S)
    manager.pass_over("a", "IBM", "overdue", "its answer is overdue")
    manager.advance({}, 8 * NS_PER_S)
    manager.excuse("a", "IBM", "overdue")
    assert manager.showing("IBM").order == ("b", "a")
    manager.advance({}, 8 * NS_PER_S)
    assert manager.showing("IBM").order == ("a", "b")


@given(
    st.lists(
        st.tuples(
            st.floats(0.5, 90).map(lambda s: round(s * 2) / 2), st.floats(0.5, 30).map(lambda s: round(s * 2) / 2)
        ),
        max_size=30,
    )
)
def test_no_line_changes_its_provider_faster_than_its_recovery_doubles(phases: list[tuple[float, float]]) -> None:
    now_s, bad_s = 0.0, []
    for well_s, ill_s in phases:
        bad_s.append((now_s + well_s, now_s + well_s + ill_s))
        now_s += well_s + ill_s
    moves = moves_of_ibm(ready(), bad_s, now_s + 1)
    ways_back = moves[1::2]
    for nth, (before, after) in enumerate(pairwise(ways_back), start=1):
        assert after - before >= 5 * 2 ** min(nth, 6)


def test_wrong_values_bar_a_line_and_missing_ones_do_not() -> None:
    manager = ready()
    manager.on_line("a", "IBM", "silence", "frozen", NS_PER_S)
    assert manager.showing("IBM").barred == frozenset()
    manager.on_line("a", "IBM", "divergence", "10 times the others", NS_PER_S, bars=True)
    assert manager.showing("IBM").barred == {"a"}


def test_a_bar_holds_although_its_provider_has_failed_as_a_whole() -> None:
    manager = ready()
    for symbol in ("IBM", "SPY"):
        manager.on_line("a", symbol, "divergence", "10 times the others", NS_PER_S, bars=True)
    manager.reconsider(NS_PER_S)
    assert manager.members["a"].status.value == "failed"
    assert manager.showing("IBM").barred == {"a"}


def test_a_line_is_fit_when_nobody_objects_any_more() -> None:
    book = LineBook(recovery_ms=0)
    assert book.object_to("a", "IBM", "silence", "frozen", bars=False, now_ns=1)
    assert book.object_to("a", "IBM", "split", "10:1", bars=True, now_ns=2)
    assert not book.object_to("a", "IBM", "split", "10:1", bars=True, now_ns=3), "known already"
    assert book.clear("a", "IBM", "silence", 4)
    assert book.symbols_against("a") == {"IBM": "10:1"}
    assert not book.clear("a", "IBM", "silence", 5)
    assert book.clear("a", "IBM", "split", 6)
    assert book.expire(6)
    assert book.arrange("IBM", ["a", "b"]) == ["a", "b"]


def test_objections_and_their_end_are_changes_with_the_symbol_and_the_cause() -> None:
    manager = ready()
    manager.on_line("a", "IBM", "silence", "frozen", NS_PER_S)
    manager.on_line("a", "IBM", "silence", "frozen for longer", NS_PER_S)
    manager.on_line("a", "IBM", "silence", None, 2 * NS_PER_S)
    seen = [(c.symbol, c.after, c.cause) for c in manager.advance({}, 2 * NS_PER_S) if c.kind == "line"]
    assert seen == [("IBM", "unfit", "silence: frozen"), ("IBM", "fit", "silence: well again")]


def test_a_blocked_provider_is_left_at_once_and_its_quotes_are_barred() -> None:
    manager = ready()
    manager.on_blocked("a", "switch", "provider:a is engaged")
    manager.reconsider(NS_PER_S)
    assert (manager.serving, manager.members["a"].why) == ("b", "provider:a is engaged")
    assert manager.showing("IBM").order == ("b",)
    assert manager.showing("IBM").barred == {"a"}
    assert not manager.allows("a", NS_PER_S)
    manager.on_blocked("a", "switch", None)
    manager.reconsider(2 * NS_PER_S)
    assert manager.showing("IBM").order == ("b", "a")


def test_with_everybody_blocked_the_mock_serves() -> None:
    manager = ready()
    for name in ("a", "b"):
        manager.on_blocked(name, "switch", "quotes is engaged")
    manager.reconsider(NS_PER_S)
    assert manager.serving == "mock"
    assert manager.showing("IBM").order == ("mock",)
