"""A frozen stream against a quiet market."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from firmquote.lab import TapeQuote, load_tape
from firmquote.model import NS_PER_MS, NS_PER_S, Session
from firmquote.quality import (
    ArrivalMeter,
    Lag,
    LagMeter,
    SilencePolicy,
    StreamEvidence,
    clock_difference_ns,
    explain_stream,
    has_moved_away,
    score_stream,
)

POLICY = SilencePolicy()
NOBODY = StreamEvidence()
STREAMS = StreamEvidence(peer_looks=4, usual_peer_looks=1)
MOVED = StreamEvidence(peer_changes=1, moved_symbols=("SPY",))
CHANGED = StreamEvidence(peer_changes=1)


def meter(gaps_ms: Sequence[float] = (100,) * 100) -> tuple[ArrivalMeter, int]:
    """Return a meter that has seen these gaps, and the moment of its last arrival."""
    made, now_ns = ArrivalMeter(POLICY.arrivals), 0
    made.note(now_ns)
    for gap_ms in gaps_ms:
        now_ns += int(gap_ms * NS_PER_MS)
        made.note(now_ns)
    return made, now_ns


def seen(made: ArrivalMeter, peers: StreamEvidence, now_ns: int) -> StreamEvidence:
    silent_ns, usual_ns = made.silent_ns(now_ns), made.usual_gap_ns()
    return structs.replace(
        peers,
        phi=made.phi(now_ns),
        silent_ms=(silent_ns or 0) / NS_PER_MS,
        usual_gap_ms=None if usual_ns is None else usual_ns / NS_PER_MS,
    )


def counts(evidence: StreamEvidence) -> bool:
    return score_stream(evidence, POLICY).total >= 1


def is_silent(after_ms: float, peers: StreamEvidence, gaps_ms: Sequence[float] = (100,) * 100) -> bool:
    made, now_ns = meter(gaps_ms)
    return counts(seen(made, peers, now_ns + int(after_ms * NS_PER_MS)))


def test_a_liquid_stream_that_freezes_while_another_goes_on_is_silent_within_a_second() -> None:
    assert not is_silent(490, STREAMS)
    assert is_silent(500, STREAMS)


def test_so_is_one_whose_price_has_moved_away_elsewhere() -> None:
    assert not is_silent(940, MOVED)
    assert is_silent(960, MOVED)


def test_a_mere_change_elsewhere_needs_an_absurd_gap() -> None:
    assert not is_silent(4_900, CHANGED)
    assert is_silent(5_100, CHANGED)


def test_when_nobody_else_saw_anything_no_gap_is_silence() -> None:
    assert not is_silent(3_600_000, NOBODY)


def test_a_provider_that_is_usually_quiet_is_given_its_usual_time() -> None:
    assert not is_silent(35_000, MOVED, gaps_ms=[20_000] * 50)
    assert is_silent(41_000, MOVED, gaps_ms=[20_000] * 50)


def test_a_meter_that_has_seen_too_little_suspects_nothing() -> None:
    assert not is_silent(60_000, MOVED, gaps_ms=[100] * 19)


def test_our_own_stall_is_not_the_providers_silence() -> None:
    made, now_ns = meter()
    after_ns = now_ns + 20 * NS_PER_S
    made.forgive(after_ns)
    assert not counts(seen(made, STREAMS, after_ns + 100 * NS_PER_MS))


def test_a_new_connection_begins_without_a_gap() -> None:
    made, now_ns = meter()
    made.forget()
    assert made.silent_ns(now_ns + NS_PER_S) is None
    assert not counts(seen(made, STREAMS, now_ns + 60 * NS_PER_S))


def test_other_streams_count_only_beyond_what_they_usually_bring_meanwhile() -> None:
    assert is_silent(500, StreamEvidence(peer_looks=12, usual_peer_looks=4))
    assert not is_silent(500, StreamEvidence(peer_looks=11, usual_peer_looks=4)), "a single venue has fewer quotes"
    assert not is_silent(500, StreamEvidence(peer_looks=100)), "nothing is usual yet"


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        pytest.param(StreamEvidence(standing_ms=2_000), "source times have stood still for 2.0 s", id="standing"),
        pytest.param(StreamEvidence(lag=Lag(300, 200)), "falls behind: 0.3 s late, and +0.20 s each second", id="drip"),
        pytest.param(StreamEvidence(lag=Lag(1_000, -50)), "falls behind: 1.0 s late", id="late and not growing"),
        pytest.param(StreamEvidence(heard_ms=10_000, others_heard=True), "not a byte for 10.0 s", id="no heartbeat"),
    ],
)
def test_each_other_kind_of_evidence_is_enough_by_itself(evidence: StreamEvidence, words: str) -> None:
    score = score_stream(evidence, POLICY)
    assert score.total >= 1
    assert words in explain_stream(evidence, score)


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(StreamEvidence(standing_ms=1_900), id="times that stood still for a moment"),
        pytest.param(StreamEvidence(standing_ms=9_000, common_standing_ms=8_900), id="everybody stands still alike"),
        pytest.param(StreamEvidence(lag=Lag(3_000, 900), common_lag_ms=6_000), id="everybody falls behind alike"),
        pytest.param(StreamEvidence(heard_ms=60_000), id="nobody is heard"),
        pytest.param(StreamEvidence(heard_ms=6_000, others_heard=True), id="an idle connection"),
    ],
)
def test_what_may_be_our_own_fault_or_a_moments_is_not_enough(evidence: StreamEvidence) -> None:
    assert not counts(evidence)


def test_several_kinds_that_are_nearly_enough_are_enough_together() -> None:
    assert not counts(StreamEvidence(standing_ms=1_500))
    assert not counts(StreamEvidence(lag=Lag(750, 0)))
    assert counts(StreamEvidence(standing_ms=1_500, lag=Lag(750, 0)))


def test_the_verdict_says_what_it_rests_on() -> None:
    made, now_ns = meter()
    evidence = seen(made, MOVED, now_ns + NS_PER_S)
    assert explain_stream(evidence, score_stream(evidence, POLICY)) == (
        "silent for 1.0 s (usual gap 0.5 s, suspicion 4.0) while the price of SPY moved away elsewhere"
    )


def test_the_end_of_one_morning_is_not_usual_at_the_beginning_of_the_next() -> None:
    made = ArrivalMeter(POLICY.arrivals)
    for session in (Session.PRE, Session.CLOSED):
        made.begin(session)
        for at_s in range(30):
            made.note(at_s * NS_PER_S)
    made.begin(Session.PRE)
    assert made.usual_gap_ns() is None


def test_what_is_usual_belongs_to_a_part_of_the_day() -> None:
    made, now_ns = meter()
    made.begin(Session.AFTER)
    assert made.usual_gap_ns() is None
    made.begin(Session.REGULAR)
    made.begin(Session.AFTER)
    for _ in range(30):
        now_ns += 10 * NS_PER_S
        made.note(now_ns)
    made.begin(Session.REGULAR)
    again = made.usual_gap_ns()
    made.begin(Session.AFTER)
    assert again is None, "this regular session began anew; the gaps before `begin` were of no session"
    assert made.usual_gap_ns() == 10 * NS_PER_S


def lagging(*lags_ms: float, every_ms: int = 50) -> Lag:
    """Return what a meter says after these lags, one each look."""
    made = LagMeter()
    for look, lag_ms in enumerate(lags_ms):
        made.note(int(lag_ms * NS_PER_MS), look * every_ms * NS_PER_MS)
    return made.lag((len(lags_ms) - 1) * every_ms * NS_PER_MS)


def test_a_constant_offset_of_the_clocks_is_no_lag() -> None:
    for offset_ms in (-3_600_000, -20, 0, 8, 3_000):
        assert lagging(*[offset_ms] * 100) == Lag(0, 0)


def test_a_lag_that_grows_is_measured_with_its_growth() -> None:
    lag = lagging(*[8.0] * 100, *[8 + 10 * look for look in range(40)])  # 10 ms in 50: 0.2 s each second
    assert lag.slope_ms_per_s == pytest.approx(200, rel=0.1)
    assert lag.excess_ms == pytest.approx(200, abs=20)


def test_single_late_frames_are_no_growth() -> None:
    lag = lagging(*[8.0 if look % 3 else 400.0 for look in range(200)])
    assert lag == Lag(0, 0)


def test_without_arrivals_in_both_halves_of_the_window_nothing_is_said() -> None:
    made = LagMeter()
    made.note(0, 0)
    made.note(900 * NS_PER_MS, 10 * NS_PER_S)
    assert made.lag(10 * NS_PER_S) == Lag(0, 0)


@pytest.mark.parametrize(
    ("price", "expected"),
    [(9.99, False), (10.0, False), (10.02, False), (10.03, True), (9.96, True)],
)
def test_a_price_has_moved_away_beyond_two_spreads(price: float, expected: bool) -> None:
    assert has_moved_away(price, 9.99, 10.0, POLICY) is expected


def test_a_locked_quote_is_measured_by_its_price() -> None:
    assert not has_moved_away(100.01, 100.0, 100.0, POLICY)
    assert has_moved_away(100.03, 100.0, 100.0, POLICY)


evidence = st.builds(
    StreamEvidence,
    peer_looks=st.integers(0, 50),
    usual_peer_looks=st.sampled_from([None, 1]),
    peer_changes=st.integers(0, 5),
    moved_symbols=st.sampled_from([(), ("SPY",)]),
    standing_ms=st.floats(0, 3_000),
    lag=st.builds(Lag, st.floats(0, 2_000), st.floats(0, 1_000)),
)


@given(
    st.lists(st.integers(1, 30_000), min_size=20, max_size=300),
    st.integers(0, 200_000),
    st.integers(0, 200_000),
    evidence,
    evidence,
)
def test_more_time_and_more_evidence_never_make_it_less_silent(
    gaps_ms: list[int], after_ms: int, longer_ms: int, some: StreamEvidence, more: StreamEvidence
) -> None:
    both = StreamEvidence(
        peer_looks=some.peer_looks + more.peer_looks,
        usual_peer_looks=some.usual_peer_looks,
        peer_changes=some.peer_changes + more.peer_changes,
        moved_symbols=some.moved_symbols or more.moved_symbols,
        standing_ms=some.standing_ms + more.standing_ms,
        lag=Lag(some.lag.excess_ms + more.lag.excess_ms, some.lag.slope_ms_per_s + more.lag.slope_ms_per_s),
    )
    made, now_ns = meter(gaps_ms)
    first = score_stream(seen(made, some, now_ns + after_ms * NS_PER_MS), POLICY)
    then = score_stream(seen(made, both, now_ns + (after_ms + longer_ms) * NS_PER_MS), POLICY)
    assert then.total >= first.total


def test_an_hour_of_real_ticks_with_nothing_wrong_is_never_silence_even_with_every_peer_going_on() -> None:
    """The worst case: at each moment all evidence but this provider's own gap speaks against it."""
    made = ArrivalMeter(POLICY.arrivals)
    last_ns = 0
    worst = 0.0
    for row in load_tape().rows:
        if not isinstance(row, TapeQuote):
            continue
        at_ns = row.ts_ns // (50 * NS_PER_MS) * (50 * NS_PER_MS)  # as the timer sees arrivals
        if at_ns == last_ns:
            continue
        before_ns = at_ns - 1
        worst = max(worst, made.phi(before_ns))
        assert not counts(seen(made, CHANGED, before_ns))
        made.note(at_ns)
        last_ns = at_ns
    assert worst < POLICY.phi_alone / 2, "the margin"


@pytest.mark.parametrize(
    ("least_ms", "taken_ms"),
    [
        pytest.param(None, 0, id="nothing known"),
        pytest.param(0, 0, id="no lag"),
        pytest.param(250, 0, id="a long way"),
        pytest.param(251, 251, id="a clock behind"),
        pytest.param(-1, -1, id="a clock ahead"),
        pytest.param(2_000, 2_000, id="a clock far behind"),
        pytest.param(900_000, 0, id="delayed data"),
    ],
)
def test_a_lag_less_than_none_or_longer_than_any_way_is_a_difference_of_clocks(
    least_ms: int | None, taken_ms: int
) -> None:
    least_ns = None if least_ms is None else least_ms * NS_PER_MS
    assert clock_difference_ns(least_ns) == taken_ms * NS_PER_MS
