"""What the failover drill finds wrong with what it saw."""

import pytest
from msgspec import structs

from firmquote.lab import load_tape
from firmquote.lab.drills.failover import SETUPS, Seen, verdict
from firmquote.lab.drills.faults import POLLED_BREAKS, STREAM_BREAKS, Follows
from firmquote.lab.drills.truth import Tally, Truth
from firmquote.lab.market import Market
from firmquote.lab.player import Player
from firmquote.lab.rehearsal import Rehearsal
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.runtime.config import QualitySection

BREAKS = {broken.name: broken for broken in (*POLLED_BREAKS, *STREAM_BREAKS)}
GOOD = Tally(samples=4_000)
NOW_NS = 1_700_000_000 * NS_PER_S


def seen(fault: str, **changed: object) -> Seen:
    """Return a break of a stream after which all was as it must be, but for what is `changed`."""
    broken = BREAKS[fault]
    moved = broken.follows is Follows.ROLE
    good = Seen(
        setup=SETUPS[0], broken=broken, calm=True, detect_s=0.2, recover_s=0.2, back_s=1.0,
        blame=None if broken.blame is None else broken.blame.value, role_moved=moved, false_moves=0,
        decision_p95_ms=1.0, live_calls=0, tally=GOOD, back=GOOD, moves_back=int(moved),
    )  # fmt: skip
    return structs.replace(good, **changed)


def failed(one: Seen) -> list[str]:
    return [check.name.partition(": ")[2] for check in verdict(one) if not check.passed]


@pytest.mark.parametrize("fault", ["disconnect", "freeze", "freeze-symbols", "repeat", "hang+close-clean"])
def test_what_is_as_it_must_be_passes(fault: str) -> None:
    assert failed(seen(fault)) == []


@pytest.mark.parametrize(
    ("fault", "moved"),
    [
        pytest.param("freeze-symbols", True, id="the whole role moved for one symbol"),
        pytest.param("freeze", False, id="only lines moved, and the whole stream is frozen"),
    ],
)
def test_a_role_that_moves_and_lines_that_move_are_two_things(fault: str, moved: bool) -> None:
    assert "role moved" in failed(seen(fault, role_moved=moved))


def test_no_liquid_symbol_may_miss_one_sample_when_a_connection_is_lost() -> None:
    missed = Tally(samples=4_000, unusable=1, unusable_liquid=1)
    assert failed(seen("disconnect", tally=missed)) == ["liquid symbols without a usable quote"]
    assert failed(seen("disconnect", back=missed)) == ["liquid symbols without a usable quote on the way back"]
    assert failed(seen("freeze", tally=missed)) == []


def test_the_way_back_is_judged_too() -> None:
    assert failed(seen("freeze", moves_back=3)) == ["moves of the role on the way back"]
    assert failed(seen("freeze-symbols", moves_back=1)) == ["moves of the role on the way back"]
    gap = Tally(samples=4_000, unusable=40, backward=1)
    assert failed(seen("freeze", back=gap)) == [
        "availability on the way back",
        "event times that went back on the way back",
    ]


def test_nothing_is_shown_for_longer_than_it_took_to_find_the_fault() -> None:
    assert failed(seen("freeze", detect_s=0.5, recover_s=0.5, tally=Tally(samples=1, behind_ms=600.0))) == []
    late = Tally(samples=1, behind_ms=700.0)
    assert failed(seen("freeze", detect_s=0.5, recover_s=0.5, tally=late)) == ["behind the tape"]
    assert failed(seen("freeze", tally=Tally(samples=1, behind_last_ms=9_000.0))) == ["last prices behind the tape"]


def test_something_that_is_found_although_nothing_is_wrong_is_told() -> None:
    assert failed(seen("duplicate", detect_s=None, recover_s=0.0)) == []
    assert failed(seen("duplicate", recover_s=0.0)) == ["found although nothing is wrong"]


def test_a_last_price_is_as_far_behind_as_the_trade_that_came_after_it() -> None:
    tape = load_tape()
    market = Market(Player(tape, now_ns=NOW_NS))
    gateway = Rehearsal(tape.symbols, (), ["polled"], now_ns=NOW_NS, policy=QualitySection())
    truth = Truth(market, gateway.board, gateway.clock.now_ns)
    gateway.board.elect("AIG", "polled")
    market.advance(NOW_NS)
    shown = market.prints["AIG"][-1].bid
    gateway.answer("polled", "AIG", shown)
    truth.sample(NOW_NS)
    assert truth.tally.behind_last_ms == 0
    now_ns = NOW_NS
    while market.prints["AIG"][-1].bid == shown:
        now_ns += NS_PER_MS
        market.advance(now_ns)
    now_ns = market.prints["AIG"][-1].event_ns + 700 * NS_PER_MS
    gateway.clock.move_to(now_ns)
    truth.sample(now_ns)
    assert truth.tally.behind_last_ms == 700
