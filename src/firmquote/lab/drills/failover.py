"""The failover drill: breaks the active provider in every manner, and holds what follows to its deadlines."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Protocol

import uvloop
from msgspec import Struct

from firmquote.errors import ConfigError
from firmquote.lab.drills.faults import LIQUID, OUR_OWN_BREAKS, POLLED_BREAKS, STREAM_BREAKS, Break, Follows
from firmquote.lab.drills.options import DrillOptions
from firmquote.lab.drills.range import Range, Setup, firing_range
from firmquote.lab.drills.truth import Tally
from firmquote.lab.tape import Tape, load_tape
from firmquote.model.drill import DrillCheck, DrillReport
from firmquote.routing import Blame, Status, percentiles

SETUPS = (
    Setup(name="polygon+alpaca+alphavantage", active="polygon", warm="alpaca", shadows=("alphavantage",)),
    Setup(name="alpaca+polygon+alphavantage", active="alpaca", warm="polygon", shadows=("alphavantage",)),
    Setup(name="polygon+alphavantage", active="polygon", warm="alphavantage"),
    Setup(name="alphavantage+polygon", active="alphavantage", warm="polygon"),
)
"""Roles both ways, with two and with three providers."""
BUSY = (46 * 60.0, 7 * 60.0)
"""The busiest minutes of the demo tape: from, for, in seconds …"""
SPEED = 2.0
"""… played twice as fast, since a liquid symbol has more quotes today than in 2013."""
POLLED = frozenset({"alphavantage"})
AT_ONCE = 3
"""Ranges that run side by side."""
CALM_WITHIN_S = 30.0
SETTLE_S = 1.5
RECOVER_S_MAX = 30.0
BACK_S_MAX = 60.0
AVAILABLE_MIN = 0.999
WIRE_MS = 150.0
"""What a quote may be behind the tape by its way and the sampling, beside the time that it took to find the fault."""
ASKED_MS = 6_000.0
"""What a last price may be behind the tape because it is asked for and not sent."""
DECISION_P95_MS_MAX = 200.0
ERROR_BPS_MAX = 100.0
"""How far a shown price may be from the middle of the tape's bid and ask; last trades lie up to 30 away anyway. What is
true and old is held to more: it may not be further behind the tape than it took to find that."""
STALLED_MS_MAX = 300.0
"""A machine that was later than this in one run proves nothing; the run is repeated."""
TRIES = 3


class Seen(Struct, frozen=True, kw_only=True):
    """What one break led to."""

    setup: Setup
    broken: Break
    calm: bool
    detect_s: float | None
    recover_s: float | None
    back_s: float | None
    blame: str | None
    role_moved: bool
    false_moves: int
    decision_p95_ms: float | None
    """From a frame's arrival to the decision on its quote, while it was broken."""
    live_calls: int
    """Within decisions."""
    tally: Tally
    """Until the fault ended."""
    back: Tally
    """From then on until all was as before, and a little longer."""
    moves_back: int
    """Of the role, in that time."""

    @property
    def name(self) -> str:
        """The break with its setup."""
        return f"{self.setup.name}/{self.broken.name}"

    @property
    def deadline_s(self) -> float:
        """How soon it had to be found."""
        alone = streams_of(self.setup) < 2
        return max(self.broken.detect_s, self.broken.detect_polled_s) if alone else self.broken.detect_s


def streams_of(setup: Setup) -> int:
    """Return how many of its providers stream."""
    return sum(name not in POLLED for name in setup.providers)


def _applies(broken: Break, setup: Setup) -> bool:
    return broken.needs_streams <= streams_of(setup) and broken.only_with in (None, *setup.providers)


def failover_drill(options: DrillOptions) -> DrillReport:
    """Run it. Raises ConfigError for a fault or a setup that is not there."""
    runs = _chosen(options)
    seen = uvloop.run(_run_all(runs, options))
    checks = [check for one in seen for check in verdict(one)]
    return DrillReport(drill="failover", checks=tuple(checks), notes=tuple(matrix(seen)))


@cache
def busy_tape() -> Tape:
    """Return the minutes that the drill is run on."""
    return load_tape().part(*BUSY)


def matrix(seen: Iterable[Seen]) -> list[str]:
    """Return the confusion matrix: true class by row, attributed class by column."""
    counted = Counter((_word(one.broken.blame), one.blame or "nobody") for one in seen)
    rows = sorted({true for true, _ in counted})
    columns = sorted({called for _, called in counted})
    width = max(len(word) for word in (*rows, *columns)) + 2
    head = "true class".ljust(width) + "".join(column.rjust(width) for column in columns)
    return [head, *(
        row.ljust(width) + "".join(str(counted[row, column]).rjust(width) for column in columns) for row in rows
    )]  # fmt: skip


def _word(blame: object) -> str:
    return "nobody" if blame is None else str(getattr(blame, "value", blame))


def _chosen(options: DrillOptions) -> list[tuple[Setup, Break]]:
    known_setups = {setup.name: setup for setup in SETUPS}
    for name in options.setups:
        if name not in known_setups:
            raise ConfigError(f"drill failover: no setup {name}. There are: {', '.join(known_setups)}.")
    setups = [known_setups[name] for name in options.setups] or list(SETUPS)
    runs = []
    for setup in setups:
        breaks = POLLED_BREAKS if setup.active in POLLED else STREAM_BREAKS
        runs += [(setup, broken) for broken in (*breaks, *OUR_OWN_BREAKS) if _applies(broken, setup)]
    known = sorted({broken.name for _, broken in runs})
    for name in options.faults:
        if name not in known:
            raise ConfigError(f"drill failover: no fault {name} here. There are: {', '.join(known)}.")
    return [(setup, broken) for setup, broken in runs if not options.faults or broken.name in options.faults]


async def _run_all(runs: Sequence[tuple[Setup, Break]], options: DrillOptions) -> list[Seen]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(setup: Setup, broken: Break) -> Seen:
        async with places:
            return await _try(setup, broken, options)

    ours = {broken.name for broken in OUR_OWN_BREAKS}
    found = list(await asyncio.gather(*(one(s, b) for s, b in runs if b.name not in ours)))
    for place, seen in enumerate(found):
        if not is_sure(seen):  # what proves nothing beside others may do so alone
            found[place] = await _try(seen.setup, seen.broken, options)
    for setup, broken in runs:
        if broken.name in ours:  # alone: a standstill holds up everybody in this loop
            found.append(await _try(setup, broken, options))
    return found


async def _try(setup: Setup, broken: Break, options: DrillOptions) -> Seen:
    for _ in range(TRIES):
        seen = await _run(setup, broken)
        if is_sure(seen):
            break
    detect = "-" if seen.detect_s is None else f"{seen.detect_s:.2f} s"
    options.say(f"{seen.name}: found after {detect}, {seen.blame or 'nobody'} blamed")
    return seen


async def _run(setup: Setup, broken: Break) -> Seen:
    async with firing_range(setup, busy_tape(), speed=SPEED) as firing:
        calm = await firing.until(lambda: is_calm(firing), within_s=CALM_WITHIN_S)
        await firing.wait(SETTLE_S)
        events = firing.gateway.conductor.events
        before = events[-1].sequence if events else 0
        firing.truth.begin()
        await broken.begin(firing)
        expected = broken.follows is not Follows.NOTHING
        limit_s = max(broken.detect_s, broken.detect_polled_s) + 2 if expected else broken.hold_s
        detect_s = await firing.until(lambda: is_found(firing, before), within_s=limit_s)
        recover_s: float | None = 0.0
        if expected:
            recover_s = await firing.until(lambda: is_recovered(firing, broken), within_s=RECOVER_S_MAX)
        await firing.wait(SETTLE_S)
        tally = firing.truth.tally
        decision_p95_ms = percentiles(firing.gateway.trading.latencies_ns()).p95_ms
        firing.truth.begin()
        blame = attributed(firing, before)
        moves = [event for event in events if event.sequence > before and event.kind == "role"]
        ended = events[-1].sequence if events else 0
        await broken.end(firing)
        back_s: float | None = 0.0
        if broken.comes_back:
            back_s = await firing.until(lambda: is_calm(firing), within_s=BACK_S_MAX)
            await firing.wait(SETTLE_S)
        wrong = [move for move in moves if not expected or setup.active not in (move.before, move.after)]
        return Seen(
            setup=setup,
            broken=broken,
            calm=calm is not None,
            detect_s=detect_s,
            recover_s=None if detect_s is None or recover_s is None else detect_s + recover_s,
            back_s=back_s,
            blame=blame,
            role_moved=any(move.before == setup.active for move in moves),
            false_moves=len(wrong),
            decision_p95_ms=decision_p95_ms,
            live_calls=firing.gateway.safety.guarding.counts().live_calls,
            tally=tally,
            back=firing.truth.tally,
            moves_back=sum(event.sequence > ended and event.kind == "role" for event in events),
        )


def is_calm(firing: Range) -> bool:
    """Say whether all providers are well, every symbol is there, and the watch knows what is usual."""
    gateway = firing.gateway
    members = [gateway.manager.members[name] for name in firing.setup.providers]
    if any(member.status is not Status.HEALTHY for member in members) or gateway.manager.serving != firing.setup.active:
        return False
    lines = [line for name in firing.setup.providers for line in gateway.feeds[name].lines.values()]
    if not all(line.has_price for line in lines) or any(gateway.manager.lines.symbols_against(m.name) for m in members):
        return False
    watch = gateway.conductor.watch
    meters = [gateway.conductor.frozen.meter(name, symbol) for name in firing.setup.providers for symbol in LIQUID]
    if not all(meter.settled for meter in meters if meter is not None):
        return False
    suspicions = [found for name in firing.setup.providers if (found := watch.suspicion(name)) is not None]
    return all(found.evidence.usual_gap_ms is not None and found.score.total < 1 for found in suspicions)


def is_found(firing: Range, before: int) -> bool:
    """Say whether the gateway has noticed something about the active provider."""
    gateway, name = firing.gateway, firing.setup.active
    if gateway.manager.members[name].status is Status.FAILED or gateway.manager.lines.symbols_against(name):
        return True
    return any(e.sequence > before and e.kind == "role" and e.before == name for e in gateway.conductor.events)


def is_served(firing: Range) -> bool:
    """Say whether every symbol that suffers is shown from another provider."""
    gateway, name = firing.gateway, firing.setup.active
    unfit = gateway.manager.lines.symbols_against(name)
    failed = gateway.manager.members[name].status is Status.FAILED
    suffering = list(gateway.board.entries) if failed else list(unfit)
    shown = [gateway.board.entries[symbol].elected for symbol in suffering]
    return all(line is not None and line.provider != name for line in shown)


def is_recovered(firing: Range, broken: Break) -> bool:
    """Say whether all has followed that must."""
    moved = firing.gateway.manager.serving != firing.setup.active
    return is_served(firing) and (moved or broken.follows is not Follows.ROLE)


def attributed(firing: Range, before: int) -> str | None:
    """Return whom the gateway blames: for the provider's state, for single lines, or for itself."""
    gateway, name = firing.gateway, firing.setup.active
    member = gateway.manager.members[name]
    if member.blame is not None:
        return member.blame.value
    said = [event.blame for event in gateway.conductor.events if event.sequence > before and event.blame is not None]
    return said[-1] if said else None


def is_sure(seen: Seen) -> bool:
    """Say whether the machine kept up, so that what was seen is the product's doing."""
    if seen.broken.blame is Blame.OWN_STALL:
        return seen.calm
    stalled_ms = max(seen.tally.stalled_ms, seen.back.stalled_ms)
    return seen.calm and stalled_ms <= STALLED_MS_MAX and seen.blame != Blame.OWN_STALL.value


def verdict(seen: Seen) -> list[DrillCheck]:
    """Hold what was seen to all that must follow from the break."""
    sure = is_sure(seen)
    checks: list[DrillCheck] = []

    def check(name: str, value: float | None, limit: float, unit: str, *, passed: bool | None = None) -> None:
        held = value is not None and value <= limit if passed is None else passed
        checks.append(
            DrillCheck(
                name=f"{seen.name}: {name}",
                value=value if sure else None,
                unit=unit,
                limit=limit,
                passed=held and sure,
                words="" if sure else "inconclusive: the machine was late",
            )
        )

    broken, tally = seen.broken, seen.tally
    expected = broken.follows is not Follows.NOTHING
    outside = broken.blame in (Blame.OWN_STALL, Blame.NETWORK)
    right = seen.blame == (None if broken.blame is None else broken.blame.value)
    check("wrong class", float(not right), 0.0, "count")
    check("needless failovers", float(seen.false_moves), 0.0, "count")
    if broken.follows is not Follows.LINES:
        whole = broken.follows is Follows.ROLE
        check("role moved", float(seen.role_moved), float(whole), "count", passed=seen.role_moved is whole)
    if expected:
        check("time to detect", seen.detect_s, seen.deadline_s, "s")
        check("time to recover", seen.recover_s, RECOVER_S_MAX, "s")
    elif broken.blame is None:
        check("found although nothing is wrong", float(seen.detect_s is not None), 0.0, "count")
    if not outside:
        check("availability", tally.available, AVAILABLE_MIN, "share", passed=tally.available >= AVAILABLE_MIN)
        check("p95 of a decision", seen.decision_p95_ms, DECISION_P95_MS_MAX, "ms")
    if broken.drops:
        check("liquid symbols without a usable quote", float(tally.unusable_liquid), 0.0, "samples")
    check("live calls within decisions", float(seen.live_calls), 0.0, "count")
    check("event times that went back", float(tally.backward), 0.0, "count")
    check("published error", tally.error_bps, ERROR_BPS_MAX, "bps")
    if broken.follows in (Follows.ROLE, Follows.LINE):
        found_ms = (seen.recover_s or 0.0) * 1_000 + tally.stalled_ms
        check("behind the tape", tally.behind_ms, found_ms + WIRE_MS, "ms")
        if tally.behind_last_ms is not None:
            check("last prices behind the tape", tally.behind_last_ms, found_ms + ASKED_MS, "ms")
    if broken.comes_back:
        # After a halt nothing is usable before its first fresh quote, whoever serves: that is the product's promise.
        _check_way_back(seen, check, judged=not outside and broken.blame is not Blame.MARKET)
    return checks


class _Check(Protocol):
    def __call__(self, name: str, value: float | None, limit: float, unit: str, *, passed: bool | None = None) -> None:
        """Hold a value against its limit."""


def _check_way_back(seen: Seen, check: _Check, *, judged: bool) -> None:
    back = seen.back
    moves_max = int(seen.role_moved)
    if seen.broken.follows is Follows.LINES and not seen.role_moved:
        moves_max = 2  # what was found until then may still move it, and then it returns
    check("back to the first roles", seen.back_s, BACK_S_MAX, "s")
    check("moves of the role on the way back", float(seen.moves_back), float(moves_max), "count")
    if judged:
        check("availability on the way back", back.available, AVAILABLE_MIN, "share",
              passed=back.available >= AVAILABLE_MIN)  # fmt: skip
    if seen.broken.drops:
        check("liquid symbols without a usable quote on the way back", float(back.unusable_liquid), 0.0, "samples")
    check("event times that went back on the way back", float(back.backward), 0.0, "count")
    check("published error on the way back", back.error_bps, ERROR_BPS_MAX, "bps")
