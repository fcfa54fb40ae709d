"""What the failover drill breaks, and what must follow."""

import threading
from collections.abc import Awaitable, Callable
from enum import Enum

from msgspec import Struct

from firmquote.lab.drills.range import Range
from firmquote.lab.faults import Fault
from firmquote.model import NS_PER_S
from firmquote.routing import Blame

STANDSTILL_S = 3.0
"""20 seconds of it are `tests/scenarios/test_standstill.py`, in a process that is stopped."""
DELAYED_S = 900.0
LIQUID = frozenset({"AIG"})
"""The symbol that is dropped from a subscription: liquid on the demo tape."""


class Follows(Enum):
    """What a fault must lead to."""

    ROLE = "the role moves"
    LINE = "its symbols move, and the role does not"
    LINES = "its symbols move one after the other as each is found, and the role once they are most"
    NOTHING = "nothing moves"


class Break(Struct, frozen=True, kw_only=True):
    """One thing that goes wrong, and what is expected of the gateway."""

    name: str
    follows: Follows
    blame: Blame | None
    """Whose fault it must be called; `None` where nothing is to be called anything."""
    detect_s: float = 1.0
    """How soon, with another stream as witness."""
    detect_polled_s: float = 10.0
    """How soon where only a polled provider is a witness."""
    only_with: str | None = None
    """The provider that it takes: the only one here that tells of halts."""
    needs_streams: int = 1
    """How many streams it takes to tell who is right: with fewer, quotes are only graded down."""
    hold_s: float = 4.0
    """For how long nothing may move, where nothing should."""
    drops: bool = False
    """The connection is lost, and everybody knows at once: no liquid symbol may miss a single sample."""
    comes_back: bool = True
    """It is well again by itself once the fault is over; a refused key waits for an operator."""
    begin: Callable[[Range], Awaitable[None]]
    end: Callable[[Range], Awaitable[None]]


def _inject(*faults: Fault, symbols: frozenset[str], magnitude: float) -> Callable[[Range], Awaitable[None]]:
    async def begin(firing: Range) -> None:
        for fault in faults:
            await firing.lab.simulators[firing.setup.active].inject(fault, symbols=symbols, magnitude=magnitude)

    return begin


async def _clear(firing: Range) -> None:
    for simulator in firing.lab.simulators.values():
        simulator.clear()


async def _nothing(_: Range) -> None:
    return


async def _stand_still(_: Range) -> None:
    """Hold up the whole loop, as a swapped-out or paused process would be."""
    threading.Event().wait(STANDSTILL_S)


def _step_clock(seconds: int) -> Callable[[Range], Awaitable[None]]:
    async def begin(firing: Range) -> None:
        firing.clock.stepped_ns += seconds * NS_PER_S

    return begin


async def _step_back(firing: Range) -> None:
    firing.clock.stepped_ns = 0


def _stream(
    fault: Fault,
    follows: Follows,
    blame: Blame | None,
    *also: Fault,
    name: str | None = None,
    magnitude: float = 0.0,
    detect_s: float = 1.0,
    detect_polled_s: float = 10.0,
    drops: bool = False,
    comes_back: bool = True,
    needs_streams: int = 1,
    symbols: frozenset[str] = frozenset(),
) -> Break:
    return Break(
        name=name or fault.value,
        follows=follows,
        blame=blame,
        detect_s=detect_s,
        detect_polled_s=detect_polled_s,
        drops=drops,
        comes_back=comes_back,
        needs_streams=needs_streams,
        begin=_inject(fault, *also, symbols=symbols, magnitude=magnitude),
        end=_clear,
    )


def _drop(fault: Fault, blame: Blame, *also: Fault, name: str | None = None, comes_back: bool = True) -> Break:
    return _stream(
        fault, Follows.ROLE, blame, *also,
        name=name, detect_s=AT_ONCE_S, detect_polled_s=AT_ONCE_S, drops=True, comes_back=comes_back,
    )  # fmt: skip


AT_ONCE_S = 0.25
"""For what the socket tells us."""

STREAM_BREAKS = (
    _drop(Fault.DISCONNECT, Blame.PROVIDER),
    _drop(Fault.CLOSE_CLEAN, Blame.PROVIDER),
    # new streams alone are refused, or never greeted: so the one that is open is closed
    _drop(Fault.REFUSE, Blame.PROVIDER, Fault.CLOSE_CLEAN, name="refuse+close-clean"),
    _drop(Fault.HANG, Blame.PROVIDER, Fault.CLOSE_CLEAN, name="hang+close-clean"),
    _drop(Fault.EVICT, Blame.KEY_OR_QUOTA),
    _drop(Fault.BAD_LOGIN, Blame.KEY_OR_QUOTA, Fault.CLOSE_CLEAN, comes_back=False),
    _drop(Fault.REVOKE_KEY, Blame.KEY_OR_QUOTA, comes_back=False),
    _stream(Fault.BLACKHOLE, Follows.ROLE, Blame.PROVIDER),
    _stream(Fault.DROP_SUBSCRIPTION, Follows.LINE, Blame.PROVIDER, detect_polled_s=30.0, symbols=LIQUID),
    _stream(Fault.FREEZE, Follows.ROLE, Blame.PROVIDER),
    _stream(Fault.FREEZE_SYMBOLS, Follows.LINE, Blame.PROVIDER, detect_polled_s=30.0, symbols=LIQUID),
    _stream(Fault.DRIP, Follows.ROLE, Blame.PROVIDER, detect_s=4.0),
    _stream(Fault.REPEAT, Follows.LINES, Blame.PROVIDER, detect_s=8.0),
    # so late that nothing comes at all, as after a freeze; `delayed` is what is sold as real-time and is not
    _stream(Fault.DELAY, Follows.ROLE, Blame.PROVIDER),
    # the prices are those of now: only their times give it away, which are older than what is shown already
    _stream(Fault.WRONG_CLOCK, Follows.ROLE, Blame.PROVIDER, name="delayed", magnitude=-DELAYED_S, detect_s=3.0),
    _stream(Fault.LAG, Follows.ROLE, Blame.PROVIDER, detect_s=4.0),
    _stream(Fault.WRONG_CLOCK, Follows.ROLE, Blame.PROVIDER, detect_s=3.0),
    _stream(Fault.GARBAGE, Follows.ROLE, Blame.PROVIDER),
    _stream(Fault.TRUNCATE, Follows.ROLE, Blame.PROVIDER),
    _stream(Fault.DUPLICATE, Follows.NOTHING, None),
    _stream(Fault.REORDER, Follows.NOTHING, None),
    _stream(Fault.DUPLICATE_NUMBERS, Follows.NOTHING, None),
    _stream(Fault.REORDER_NUMBERS, Follows.NOTHING, None),
    _stream(Fault.DRIFT, Follows.LINES, Blame.PROVIDER, detect_s=12.0, needs_streams=2),
    _stream(Fault.CROSS, Follows.ROLE, Blame.PROVIDER, detect_s=2.0),
    _stream(Fault.ZERO, Follows.ROLE, Blame.PROVIDER, detect_s=2.0),
    _stream(Fault.MIX_UP, Follows.ROLE, Blame.PROVIDER, detect_s=2.0),
)
"""For an active provider that streams."""

POLLED_BREAKS = (
    _stream(Fault.DISCONNECT, Follows.ROLE, Blame.PROVIDER, detect_s=10.0, drops=True),
    _stream(Fault.HANG, Follows.ROLE, Blame.PROVIDER, detect_s=10.0),
    _stream(Fault.BAD_LOGIN, Follows.ROLE, Blame.KEY_OR_QUOTA, detect_s=10.0, comes_back=False),
    _stream(Fault.GARBAGE, Follows.ROLE, Blame.PROVIDER, detect_s=10.0),
    _stream(Fault.TRUNCATE, Follows.ROLE, Blame.PROVIDER, detect_s=10.0),
    _stream(Fault.SLOW, Follows.NOTHING, None),
    _stream(Fault.ZERO, Follows.LINES, Blame.PROVIDER, detect_s=10.0),
    _stream(Fault.MIX_UP, Follows.LINES, Blame.PROVIDER, detect_s=10.0),
    _stream(Fault.HTTP_429, Follows.ROLE, Blame.KEY_OR_QUOTA, detect_s=10.0),
    _stream(Fault.HTTP_500, Follows.ROLE, Blame.PROVIDER, detect_s=10.0),
    _stream(Fault.HTTP_NOTE, Follows.ROLE, Blame.KEY_OR_QUOTA, detect_s=10.0, comes_back=False),
)
"""For an active provider that is polled."""


async def _cut_us_off(firing: Range) -> None:
    for simulator in firing.lab.simulators.values():
        await simulator.inject(Fault.BLACKHOLE)


async def _halt(firing: Range) -> None:
    for symbol in LIQUID:
        firing.lab.halt(symbol)


async def _resume(firing: Range) -> None:
    for symbol in LIQUID:
        firing.lab.resume(symbol)


async def _stop_the_market(firing: Range) -> None:
    for simulator in firing.lab.simulators.values():
        await simulator.inject(Fault.FREEZE)


async def _close_early(firing: Range) -> None:
    """End the day without a word: the streams fall silent, and who prints trades goes on, as after a real close."""
    firing.close_exchange()
    for simulator in firing.lab.simulators.values():
        if simulator.streams is not None:
            await simulator.inject(Fault.FREEZE)


async def _open_again(firing: Range) -> None:
    firing.open_exchange()
    await _clear(firing)


OUR_OWN_BREAKS = (
    Break(
        name="halt",
        follows=Follows.NOTHING,
        blame=Blame.MARKET,
        only_with="alpaca",
        begin=_halt,
        end=_resume,
    ),
    Break(
        name="early-close",
        follows=Follows.NOTHING,
        blame=Blame.MARKET,
        hold_s=8.0,
        begin=_close_early,
        end=_open_again,
    ),
    Break(name="market-stops", follows=Follows.NOTHING, blame=None, hold_s=8.0, begin=_stop_the_market, end=_clear),
    Break(
        name="cut-off",
        follows=Follows.NOTHING,
        blame=Blame.NETWORK,
        hold_s=20.0,
        begin=_cut_us_off,
        end=_clear,
    ),
    Break(name="own-standstill", follows=Follows.NOTHING, blame=Blame.OWN_STALL, begin=_stand_still, end=_nothing),
    Break(
        name="clock-forward-1h", follows=Follows.NOTHING, blame=Blame.CLOCK, begin=_step_clock(3_600), end=_step_back
    ),
    Break(name="clock-back-1h", follows=Follows.NOTHING, blame=Blame.CLOCK, begin=_step_clock(-3_600), end=_step_back),
)
"""What is nobody else's fault."""
