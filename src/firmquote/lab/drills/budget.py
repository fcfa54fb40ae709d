"""The budget drill: processes are killed, clocks jump, ledgers break; the simulator's own count is the judge.

Every part runs real processes against a simulator on loopback. The simulator records when each request arrived, and
no window of a minute, wherever it begins, may hold more than the limit; nor may it have seen more than the ledger.
"""

import asyncio
import sqlite3
import sys
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from firmquote.budget import Ask, Moment, ProviderBudget, Purpose, limits_in_force
from firmquote.lab.serve import Lab, LabConfig
from firmquote.lab.simulator import SimulatorConfig
from firmquote.lab.spender import Order
from firmquote.lab.tape import Tape
from firmquote.lab.trading_day import TradingDay
from firmquote.model import NS_PER_MS, NS_PER_S, ProviderLimits
from firmquote.model.drill import DrillCheck, DrillReport, at_least, at_most
from firmquote.runtime import SystemClock
from firmquote.runtime.ledger_desk import LedgerDesk
from firmquote.store import Grant, Ledger

MINUTE_NS = 60 * NS_PER_S
PATIENCE_S = 90.0
"""How long a spender may take to do what is awaited: it bounds what hangs, and judges no machine."""
CROWD = 1_000
CROWD_LIMIT = 100
CROWD_KILLED = CROWD_LIMIT // 3
"""After so many requests the first process is killed."""
DAY_S = 86_400.0


class Judge:
    """The simulator's side: when each request arrived, by the monotonic clock."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.arrivals_ns = lab.alphavantage.arrivals_ns
        self.url = lab.alphavantage.url
        self.ledger = directory / "ledger.sqlite"
        self._rest = lab.alphavantage.rest

    @property
    def refused(self) -> int:
        """How many requests the simulator itself found to be too many."""
        return self._rest.refused

    def most_in_a_minute(self) -> int:
        """Return the greatest number of arrivals in any sliding minute."""
        times = sorted(self.arrivals_ns)
        return max((place + 1 - bisect_right(times, t - MINUTE_NS) for place, t in enumerate(times)), default=0)

    def ledger_count(self) -> int:
        """Return how many requests the ledger knows of."""
        if not self.ledger.exists():
            return 0
        with closing(sqlite3.connect(self.ledger)) as connection:
            (count,) = connection.execute("SELECT coalesce(sum(requests), 0) FROM spend").fetchone()
        return int(count)

    async def arrivals(self, count: int) -> None:
        """Wait until so many have arrived."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.arrivals_ns) < count:
                await wait(5)


@asynccontextmanager
async def judged(tape: Tape, *, per_minute: int) -> AsyncIterator[Judge]:
    """Serve a simulator that allows `per_minute` requests."""
    config = LabConfig(simulators={"alphavantage": SimulatorConfig(per_minute=per_minute)})
    with TemporaryDirectory(prefix="firmquote-drill-") as directory:
        async with Lab(tape, SystemClock(), config) as lab:
            yield Judge(lab, Path(directory))


class Spending(Struct):
    """A running spender."""

    process: asyncio.subprocess.Process

    async def word(self) -> str:
        """Return the next word that it says; nothing once it has ended."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return (await self.process.stdout.readline()).decode().strip()

    async def kill(self) -> None:
        """Kill it with SIGKILL, at whatever it is doing."""
        self.process.kill()
        await self.process.wait()


async def spend(judge: Judge, *, callers: int, per_minute: int, per_day: int, wall_ahead_s: float = 0.0,
                count_after: bool = False) -> Spending:  # fmt: skip
    """Start a spender and return once it spends."""
    order = Order(
        ledger=str(judge.ledger),
        url=judge.url,
        callers=callers,
        per_minute=per_minute,
        per_day=per_day,
        wall_ahead_s=wall_ahead_s,
        count_after=count_after,
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "firmquote.lab.spender", msgspec.json.encode(order).decode(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    spending = Spending(process)
    assert await spending.word() == "ready", "the spender did not start"
    return spending


async def wait(ms: float) -> None:
    """Let time pass."""
    clock = SystemClock()
    await clock.sleep_until(clock.monotonic_ns() + int(ms * NS_PER_MS))


async def drill_kills(tape: Tape, *, runs: int, seed: int) -> list[DrillCheck]:
    """Kill a process that polls at its limit at random moments, again and again."""
    random = Random(seed)  # noqa: S311 - moments, not secrets
    per_minute, per_day = 2_000, 40 * runs
    async with judged(tape, per_minute=per_minute) as judge:
        for run in range(runs):
            spender = await spend(judge, callers=5, per_minute=per_minute, per_day=per_day)
            if not run:  # however slow the machine is, there is something to judge
                await judge.arrivals(runs)
            await wait(random.uniform(0, 250))
            await spender.kill()
        arrived, known = len(judge.arrivals_ns), judge.ledger_count()
        return [
            at_least("kill -9: requests made", arrived, runs, "requests"),
            at_most("kill -9: most in a minute", judge.most_in_a_minute(), per_minute, "requests"),
            at_most("kill -9: refused by the provider", judge.refused, 0, "requests"),
            at_most("kill -9: made in the day", arrived, per_day, "requests"),
            at_most("kill -9: made and not in the ledger", max(0, arrived - known), 0, "requests"),
        ]


async def crowd(tape: Tape, *, count_after: bool) -> Judge:
    """Let a thousand callers ask at one moment; kill, restart with the clock a day ahead, and let them ask again."""
    limit = CROWD_LIMIT
    async with judged(tape, per_minute=limit) as judge:
        before = await spend(judge, callers=CROWD, per_minute=limit, per_day=limit, count_after=count_after)
        await judge.arrivals(CROWD_KILLED)
        await before.kill()
        after = await spend(
            judge, callers=CROWD, per_minute=limit, per_day=limit, wall_ahead_s=DAY_S, count_after=count_after
        )
        if count_after:
            with suppress(TimeoutError):  # then the check says so
                await judge.arrivals(limit + 1)
        else:
            assert await after.word() == "asked", "the spender ended"
            await wait(1_500)
        await after.kill()
        return judge


async def drill_crowd(tape: Tape) -> list[DrillCheck]:
    """Never one call over; and counting after the call is shown to fail the same test."""
    ours = await crowd(tape, count_after=False)
    after = await crowd(tape, count_after=True)
    return [
        at_least(f"{CROWD} callers: requests made", len(ours.arrivals_ns), CROWD_KILLED, "requests"),
        at_most(
            f"{CROWD} callers, a kill and a jump: over the limit",
            max(0, len(ours.arrivals_ns) - CROWD_LIMIT),
            0,
            "requests",
        ),
        at_most(f"{CROWD} callers: refused by the provider", ours.refused, 0, "requests"),
        at_least(
            "the same, counted after the call: over the limit", len(after.arrivals_ns) - CROWD_LIMIT, 1, "requests"
        ),
    ]


async def drill_two_processes(tape: Tape) -> list[DrillCheck]:
    """Two processes on one ledger, both at once."""
    limit = 200
    async with judged(tape, per_minute=limit) as judge:
        spenders = [await spend(judge, callers=10, per_minute=limit, per_day=10_000) for _ in range(2)]
        await judge.arrivals(limit)
        await wait(500)
        for spender in spenders:
            await spender.kill()
        return [
            at_least("two processes: requests made", len(judge.arrivals_ns), limit, "requests"),
            at_most("two processes: most in a minute", judge.most_in_a_minute(), limit, "requests"),
            at_most("two processes: refused by the provider", judge.refused, 0, "requests"),
        ]


def _damage(path: Path) -> None:
    path.write_bytes(b"damaged " * 4_096)


def _take_away(path: Path) -> None:
    path.unlink()


def _tell_connection(sql: str, ledger: Ledger, _: Moment) -> None:
    ledger.database.execute(sql)


BREAKS: dict[str, Callable[[Path], None] | str] = {
    "missing": _take_away,
    "read-only": "PRAGMA query_only=ON",
    "full disk": "PRAGMA max_page_count=1",
}
"""What is done to an open ledger: to its file, or by its own connection, which then gets SQLite's own answer."""


async def drill_broken() -> list[DrillCheck]:
    """A ledger that cannot be used stops all spending and says so once."""
    checks = []
    for name, breaking in (("corrupt", None), *BREAKS.items()):
        told: list[str | None] = []
        with TemporaryDirectory(prefix="firmquote-drill-") as directory:
            path = Path(directory) / "ledger.sqlite"
            if breaking is None:
                _damage(path)
            limits = limits_in_force(
                ProviderLimits(requests_per_day=10**6), ProviderBudget(), reserve_pct=0, provider="a"
            )
            desk = LedgerDesk(path, {"a": limits}, SystemClock(), told.append)
            running = asyncio.create_task(desk.run())
            ask = Ask(provider="a", purpose=Purpose.OPERATOR, symbols=("x" * 5_000,))
            before = await desk.reserve(ask)
            if isinstance(breaking, str):
                desk.later(partial(_tell_connection, breaking))
            elif breaking is not None:
                breaking(path)
            answers = [await desk.reserve(ask) for _ in range(20)]
            running.cancel()
            await asyncio.wait({running})
        granted = sum(isinstance(answer, Grant) for answer in answers)
        checks += [
            at_most(f"{name} ledger: granted afterwards", granted, 0, "requests"),
            at_least(f"{name} ledger: told", sum(isinstance(words, str) for words in told), 1, "alerts"),
            at_least(f"{name} ledger: granted before", isinstance(before, Grant) or breaking is None, 1, "requests"),
        ]
    return checks


async def drill_days(tape: Tape) -> list[DrillCheck]:
    """A day of 25 requests, and the last quarter of an hour of one of 75 a minute."""
    free = await TradingDay(tape, free=True).play()
    premium = await TradingDay(tape, free=False, hours=(15.75, 16.0)).play()
    return [
        at_most("free plan: refused by the provider", free.refused_by_provider, 0, "requests"),
        at_most("free plan: asked in the day", free.answered, 25, "requests"),
        at_most("free plan: last request before the close", free.last_before_close_s, 1_800, "s"),
        at_most("75 a minute: refused by the provider", premium.refused_by_provider, 0, "requests"),
        at_most("75 a minute: longest gap", premium.longest_gap_s, 2.0, "s"),
        at_most("75 a minute: last request before the close", premium.last_before_close_s, 2.0, "s"),
    ]


async def run_budget_drill(tape: Tape, *, runs: int, seed: int) -> DrillReport:
    """Run every part."""
    checks = [
        *await drill_kills(tape, runs=runs, seed=seed),
        *await drill_crowd(tape),
        *await drill_two_processes(tape),
        *await drill_broken(),
        *await drill_days(tape),
    ]
    return DrillReport(drill="budget", checks=tuple(checks))
