"""What makes each gate of the rollout fail: a fault at the simulators wherever one can; where that is not so, why."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from msgspec import Struct, structs

from firmquote.lab.drills.range import Range
from firmquote.lab.faults import Fault
from firmquote.model import Session
from firmquote.rollout import GATES
from firmquote.runtime.turns import Work

Stand = Callable[[Range], AbstractAsyncContextManager[None]]
WARM = ("alpaca",)
BOTH = ("polygon", *WARM)


class GateFault(Struct, frozen=True, kw_only=True):
    """A gate, and what makes it fail while the block lasts."""

    gate: str
    what: str
    """In words; it says where."""
    stand: Stand
    settle_s: float = 0.0
    """So long it lasts before the rollout is full: its beginning would make another gate fail first."""


def _at(providers: tuple[str, ...], *faults: Fault, magnitude: float = 0.0) -> Stand:
    @asynccontextmanager
    async def stand(run: Range) -> AsyncIterator[None]:
        simulators = [run.lab.simulators[name] for name in providers]
        for simulator in simulators:
            for fault in faults:
                await simulator.inject(fault, magnitude=magnitude)
        try:
            yield
        finally:
            for simulator in simulators:
                simulator.clear()

    return stand


def _drift(**bps_a_second: float) -> Stand:
    @asynccontextmanager
    async def stand(run: Range) -> AsyncIterator[None]:
        for name, magnitude in bps_a_second.items():
            await run.lab.simulators[name].inject(Fault.DRIFT, magnitude=magnitude)
        try:
            yield
        finally:
            for name in bps_a_second:
                run.lab.simulators[name].clear()

    return stand


@asynccontextmanager
async def _market_stops(run: Range) -> AsyncIterator[None]:
    """Nobody sends anything, and what was sent is old sooner than usual."""
    board = run.gateway.board
    usual, board.grading = board.grading, structs.replace(board.grading, soft_ms=500, ceiling_ms=1_000)
    try:
        async with _at(BOTH, Fault.FREEZE)(run):
            yield
    finally:
        board.grading = usual


@asynccontextmanager
async def _live_call(run: Range) -> AsyncIterator[None]:
    """A strategy that asks somebody while it decides: the real guard stops it, and counts."""

    def decide(port: int, now_ns: int) -> None:
        del now_ns
        socket.create_connection(("127.0.0.1", port), timeout=0.1).close()

    run.gateway.safety.guarding.run_each([9], decide, run.gateway.clock.now_ns())
    yield


@asynccontextmanager
async def _dearer(run: Range) -> AsyncIterator[None]:
    """Both engines buy, one dearer. Until both do, they differ: that is another gate's fault, and tolerated in this."""
    evidence = run.gateway.safety.promotion.evidence
    usual, evidence.further = evidence.further, structs.replace(evidence.further, max_decision_difference=0.99)
    try:
        async with _drift(polygon=16, alpaca=8)(run):
            yield
    finally:
        evidence.further = usual


@asynccontextmanager
async def _budget_mismeasured(run: Range) -> AsyncIterator[None]:
    """The truth is measured, and then another budget put in its place."""
    promotion = run.gateway.safety.promotion
    measuring = promotion.measuring
    assert measuring is not None
    take = measuring.take

    def mismeasure(session: Session, board_ns: int, now_ns: int) -> Work:
        yield from take(session, board_ns, now_ns)
        promotion.evidence.budget_unlimited, promotion.evidence.budget_left_pct = False, 1.0

    measuring.take = mismeasure  # type: ignore[method-assign]  # the drill's seam
    try:
        yield
    finally:
        measuring.take = take  # type: ignore[method-assign]  # likewise


GATE_FAULTS = (
    GateFault(
        gate="success_rate",
        what="at the simulators: every stream is cut, and new ones are refused",
        stand=_at(BOTH, Fault.DISCONNECT),
    ),
    GateFault(
        gate="p95_latency_ms",
        what="at the simulators: every quote comes 0.6 s late",
        stand=_at(BOTH, Fault.DELAY, magnitude=0.6),
        settle_s=4.0,
    ),
    GateFault(
        gate="cache_hit_rate",
        what="at the simulators: nobody sends a quote any more (old after 1 s, in this fault)",
        stand=_market_stops,
    ),
    GateFault(
        gate="shadow_mismatch_rate",
        what="at the simulators: the warm provider's prices are 1.8 percent off",
        stand=_at(WARM, Fault.SCALE, magnitude=1.018),
    ),
    GateFault(
        gate="freshness_p95_s",
        what="at the simulators: nobody sends a quote any more",
        stand=_at(BOTH, Fault.FREEZE),
    ),
    GateFault(
        gate="hotpath_live_calls",
        what="in the decision path, since no provider can cause it: a decision opens a connection",
        stand=_live_call,
    ),
    GateFault(
        gate="decision_difference",
        what="at the simulators: the warm provider's prices rise, so that one engine would buy and the other not",
        stand=_drift(alpaca=8),
    ),
    GateFault(
        gate="decision_loss_bps",
        what="at the simulators: prices rise, and the active provider's faster, so that both engines buy, one dearer",
        stand=_dearer,
        settle_s=1.0,
    ),
    GateFault(
        gate="budget_left_pct",
        what="at the measuring seam, since streams have no budget (`firmquote drill budget` burns a real one)",
        stand=_budget_mismeasured,
    ),
)
assert {fault.gate for fault in GATE_FAULTS} == set(GATES)
