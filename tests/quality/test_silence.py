"""A frozen stream against a quiet market."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.lab import TapeQuote, load_tape
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.quality import ArrivalMeter, PeerEvidence, SilencePolicy, has_moved_away, judge_silence

POLICY = SilencePolicy()
NOBODY = PeerEvidence()
STREAMS = PeerEvidence(stream_updates=10)
MOVED = PeerEvidence(changes=1, moved_symbols=("SPY",))
CHANGED = PeerEvidence(changes=1)


def meter(gaps_ms: Sequence[float] = (100,) * 100) -> tuple[ArrivalMeter, int]:
    """Return a meter that has seen these gaps, and the moment of its last arrival."""
    made, now_ns = ArrivalMeter(POLICY), 0
    made.note(now_ns)
    for gap_ms in gaps_ms:
        now_ns += int(gap_ms * NS_PER_MS)
        made.note(now_ns)
    return made, now_ns


def is_silent(after_ms: float, peers: PeerEvidence, gaps_ms: Sequence[float] = (100,) * 100) -> bool:
    made, now_ns = meter(gaps_ms)
    return judge_silence(made, peers, POLICY, now_ns=now_ns + int(after_ms * NS_PER_MS)) is not None


def test_a_liquid_stream_that_freezes_while_another_goes_on_is_silent_within_a_second() -> None:
    assert not is_silent(740, STREAMS)
    assert is_silent(760, STREAMS)


def test_so_is_one_whose_price_has_moved_away_elsewhere() -> None:
    assert is_silent(760, MOVED)


def test_a_mere_change_elsewhere_needs_an_absurd_gap() -> None:
    assert not is_silent(4_900, CHANGED)
    assert is_silent(5_100, CHANGED)


def test_when_nobody_else_saw_anything_no_gap_is_silence() -> None:
    assert not is_silent(3_600_000, NOBODY)


def test_a_provider_that_is_usually_quiet_is_given_its_usual_time() -> None:
    assert not is_silent(25_000, STREAMS, gaps_ms=[20_000] * 50)
    assert is_silent(31_000, STREAMS, gaps_ms=[20_000] * 50)


def test_a_meter_that_has_seen_too_little_suspects_nothing() -> None:
    assert not is_silent(60_000, STREAMS, gaps_ms=[100] * 19)


def test_our_own_stall_is_not_the_providers_silence() -> None:
    made, now_ns = meter()
    after_ns = now_ns + 20 * NS_PER_S
    made.forgive(after_ns)
    assert judge_silence(made, STREAMS, POLICY, now_ns=after_ns + 100 * NS_PER_MS) is None


def test_a_new_connection_begins_without_a_gap() -> None:
    made, now_ns = meter()
    made.forget()
    assert made.silent_ns(now_ns + NS_PER_S) is None
    assert judge_silence(made, STREAMS, POLICY, now_ns=now_ns + 60 * NS_PER_S) is None


def test_the_verdict_says_what_it_rests_on() -> None:
    made, now_ns = meter()
    silence = judge_silence(made, MOVED, POLICY, now_ns=now_ns + NS_PER_S)
    assert silence is not None
    assert silence.words == (
        "silent for 1.0 s (usual gap 0.5 s, suspicion 4.0) while the price of SPY moved away elsewhere"
    )


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
    PeerEvidence,
    stream_updates=st.integers(0, 50),
    changes=st.integers(0, 5),
    moved_symbols=st.sampled_from([(), ("SPY",)]),
)


@given(
    st.lists(st.integers(1, 30_000), min_size=20, max_size=300),
    st.integers(0, 200_000),
    st.integers(0, 200_000),
    evidence,
    evidence,
)
def test_more_time_and_more_evidence_never_make_it_less_silent(
    gaps_ms: list[int], after_ms: int, longer_ms: int, some: PeerEvidence, more: PeerEvidence
) -> None:
    both = PeerEvidence(
        stream_updates=some.stream_updates + more.stream_updates,
        changes=some.changes + more.changes,
        moved_symbols=some.moved_symbols or more.moved_symbols,
    )
    if is_silent(after_ms, some, gaps_ms):
        assert is_silent(after_ms + longer_ms, both, gaps_ms)


def test_an_hour_of_real_ticks_with_nothing_wrong_is_never_silence_even_with_every_peer_going_on() -> None:
    """The worst case: at each moment all evidence but this provider's own gap speaks against it."""
    made = ArrivalMeter(POLICY)
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
        lone = judge_silence(made, CHANGED, POLICY, now_ns=before_ns)
        assert lone is None, lone
        made.note(at_ns)
        last_ns = at_ns
    assert worst < POLICY.phi_alone / 2, "the margin"
