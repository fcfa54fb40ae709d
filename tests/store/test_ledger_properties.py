"""Random interleavings of processes, crashes, reboots, slow networks and jumping clocks, judged by the provider.

The provider counts what *arrives*, by its own clock, in every window there is. Whatever happens on our side, it must
never count more than its limits, and ordinary work must never touch the reserve.
"""

from bisect import bisect_right
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from firmquote.budget import Ask, Moment, ProviderBudget, Purpose, limits_in_force
from firmquote.model import NS_PER_MS, NS_PER_S, ProviderLimits, Window
from firmquote.store import Grant, Ledger, open_ledger

ZONE = ZoneInfo("America/New_York")
LIMITS = limits_in_force(
    ProviderLimits(
        requests_per_second=2,
        requests_per_minute=6,
        requests_per_day=14,
        requests_per_month=24,
        request_usd_micros=100,
        zone="America/New_York",
    ),
    ProviderBudget(usd_micros_per_day=1_250),
    reserve_pct=20,
    provider="a",
)
COST = LIMITS.request_usd_micros
# Ten minutes before a month, and with it a day, ends where the provider is.
BEGIN_NS = int(datetime(2026, 10, 31, 23, 50, tzinfo=ZONE).timestamp()) * NS_PER_S
PROCESSES = 3


class Flight(Struct):
    """A request that was granted to a process."""

    process: int
    grant: Grant
    arrives_ns: int | None = None
    """By the true time; `None` while it has not been sent."""
    arrived: bool = False


class World:
    """True time, our clocks, the processes, the network, and the provider's own count."""

    def __init__(self, directory: Path) -> None:
        self.true_ns = BEGIN_NS
        self.booted_ns = BEGIN_NS - 1_000 * NS_PER_S
        self.wall_offset_ns = 0
        self.boots = count()
        self.boot = "boot"
        self.path = directory / "ledger"
        self.processes: list[Ledger] = [self.open() for _ in range(PROCESSES)]
        self.flying: list[Flight] = []
        self.arrivals: list[int] = []
        self.ordinary_grants_above_reserve = 0

    def seen(self) -> Moment:
        return Moment(self.true_ns + self.wall_offset_ns, self.true_ns - self.booted_ns, self.boot)

    def open(self) -> Ledger:
        return open_ledger(self.path, {"a": LIMITS}, self.seen())

    def wait(self, ns: int) -> None:
        self.true_ns += ns
        for flight in self.flying:
            if flight.arrives_ns is not None and flight.arrives_ns <= self.true_ns and not flight.arrived:
                flight.arrived = True
                self.arrivals.append(flight.arrives_ns)
        # Nobody sends what was granted long ago, nor waits forever for an answer.
        stale = [f for f in self.flying if self.true_ns - self.booted_ns - f.grant.monotonic_ns > 10 * NS_PER_S]
        for flight in stale:
            self.finish(flight, lost=True)

    def ask(self, process: int, purpose: Purpose, number: int) -> None:
        asks = [Ask(provider="a", purpose=purpose, symbols=("IBM",))] * number
        answers = self.processes[process].reserve(asks, self.seen())
        grants = [answer for answer in answers if isinstance(answer, Grant)]
        self.flying += [Flight(process, grant) for grant in grants]
        if grants and not purpose.may_use_reserve:
            for usage in self.processes[process].usage(self.seen())["a"][0]:
                held = usage.requests_reserved
                if usage.requests_limit is not None and usage.requests > usage.requests_limit - held:
                    self.ordinary_grants_above_reserve += 1

    def send(self, place: int, network_ms: int) -> None:
        waiting = [f for f in self.flying if f.arrives_ns is None]
        if waiting:
            flight = waiting[place % len(waiting)]
            flight.arrives_ns = self.true_ns + network_ms * NS_PER_MS
            self.processes[flight.process].note_sent([flight.grant.id])

    def answer(self, place: int) -> None:
        arrived = [f for f in self.flying if f.arrived]
        if arrived:
            self.finish(arrived[place % len(arrived)], lost=False)

    def release(self, place: int) -> None:
        waiting = [f for f in self.flying if f.arrives_ns is None]
        if waiting:
            flight = waiting[place % len(waiting)]
            self.processes[flight.process].release([flight.grant])
            self.flying.remove(flight)

    def finish(self, flight: Flight, *, lost: bool) -> None:
        ledger = self.processes[flight.process]
        if flight.arrives_ns is None:
            ledger.release([flight.grant])
        else:
            ledger.settle([(flight.grant, 1)], self.seen(), lost=lost)
        self.flying.remove(flight)

    def kill(self, process: int) -> None:
        """What it sent still arrives; nobody hears the answers, and what it had not sent is never sent."""
        lost = [f for f in self.flying if f.process == process]
        self.arrivals += [f.arrives_ns for f in lost if f.arrives_ns is not None and not f.arrived]
        self.flying = [f for f in self.flying if f.process != process]
        self.processes[process].close()
        self.processes[process] = self.open()

    def reboot(self, down_s: int) -> None:
        for process in range(PROCESSES):
            self.kill(process)
        self.close_all()
        self.true_ns += down_s * NS_PER_S
        self.booted_ns, self.boot, self.wall_offset_ns = self.true_ns, f"boot {next(self.boots)}", 0
        self.processes = [self.open() for _ in range(PROCESSES)]

    def jump(self, seconds: int) -> None:
        self.wall_offset_ns += seconds * NS_PER_S

    def hear_the_time(self) -> None:
        self.processes[0].confirm_time(self.true_ns // NS_PER_S * NS_PER_S, self.seen())

    def close(self) -> None:
        self.wait(60 * NS_PER_S)
        self.close_all()

    def close_all(self) -> None:
        for ledger in self.processes:
            ledger.close()


def most_within(times_ns: list[int], length_ns: int) -> int:
    """Return the greatest number of times within any half-open span of `length_ns`."""
    ordered = sorted(times_ns)
    return max((place + 1 - bisect_right(ordered, t - length_ns) for place, t in enumerate(ordered)), default=0)


def most_in_a(part: str, times_ns: list[int]) -> int:
    """Return the greatest number of times in one day (`%F`) or month (`%Y-%m`) of the provider."""
    labels = [datetime.fromtimestamp(t / NS_PER_S, ZONE).strftime(part) for t in times_ns]
    return max((labels.count(label) for label in set(labels)), default=0)


place = st.integers(0, 9)
process = st.integers(0, PROCESSES - 1)
actions = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 50, 400, 999, 1_000, 3_000, 20_000, 59_000, 61_000, 600_000])),
    st.tuples(st.just("ask"), process, st.sampled_from(list(Purpose)[:4]), st.integers(1, 9)),
    st.tuples(st.just("send"), place, st.sampled_from([0, 1, 30, 700, 4_900])),
    st.tuples(st.just("send"), place, st.sampled_from([0, 1, 30, 700, 4_900])),
    st.tuples(st.just("answer"), place),
    st.tuples(st.just("release"), place),
    st.tuples(st.just("kill"), process),
    st.tuples(st.just("reboot"), st.sampled_from([1, 20, 300])),
    st.tuples(st.just("jump"), st.sampled_from([-7_200, -61, -1, 61, 3_600, 86_400, 40 * 86_400])),
    st.tuples(st.just("hear")),
)


def play(script: list[tuple[object, ...]]) -> World:
    with TemporaryDirectory() as directory:
        world = World(Path(directory))
        for step in script:
            match step:
                case ("wait", int(ms)):
                    world.wait(ms * NS_PER_MS)
                case ("ask", int(which), Purpose() as purpose, int(number)):
                    world.ask(which, purpose, number)
                case ("send", int(which), int(network_ms)):
                    world.send(which, network_ms)
                case ("answer", int(which)):
                    world.answer(which)
                case ("release", int(which)):
                    world.release(which)
                case ("kill", int(which)):
                    world.kill(which)
                case ("reboot", int(down_s)):
                    world.reboot(down_s)
                case ("jump", int(seconds)):
                    world.jump(seconds)
                case _:
                    world.hear_the_time()
        world.close()
    return world


def judge(world: World) -> None:
    assert world.ordinary_grants_above_reserve == 0
    assert most_within(world.arrivals, NS_PER_S) <= 2
    assert most_within(world.arrivals, 60 * NS_PER_S) <= 6
    assert most_in_a("%Y-%m", world.arrivals) <= 24
    in_a_day = most_in_a("%F", world.arrivals)
    assert in_a_day <= 14
    assert in_a_day * COST <= (LIMITS.allowance(Window.DAY).usd_micros or 0)


def slow_then_fast() -> list[tuple[object, ...]]:
    """Six requests that take 4.9 s, and six as soon as the minute is over: only their ends keep them apart."""
    first = [("ask", 0, Purpose.OPERATOR, 2), ("send", 0, 4_900), ("send", 0, 4_900), ("wait", 6_000)] * 3
    answered: list[tuple[object, ...]] = [("answer", 0)] * 6
    second = [("ask", 1, Purpose.OPERATOR, 2), ("send", 0, 0), ("send", 0, 0), ("wait", 1_000)] * 3
    return [*first, *answered, ("wait", 42_000), *second, ("wait", 1_000), *second]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(slow_then_fast())
@given(st.lists(actions, min_size=10, max_size=80))
def test_the_provider_never_counts_more_than_its_limits(script: list[tuple[object, ...]]) -> None:
    judge(play(script))


@pytest.mark.proof
@settings(max_examples=3_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, min_size=20, max_size=160))
def test_the_provider_never_counts_more_than_its_limits_in_a_long_campaign(script: list[tuple[object, ...]]) -> None:
    judge(play(script))


def test_the_judge_sees_a_request_too_many() -> None:
    world = play([("ask", 0, Purpose.OPERATOR, 2), ("send", 0, 0), ("send", 0, 0), ("wait", 10)])
    assert len(world.arrivals) == 2
    judge(world)
    world.arrivals.append(world.arrivals[0] + NS_PER_S - 1)
    with pytest.raises(AssertionError):
        judge(world)
