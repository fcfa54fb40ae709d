"""A firing range: the lab and a whole gateway on loopback, in one loop, with the truth beside them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from msgspec import Struct, structs

from firmquote.lab.drills.truth import SAMPLE_NS, Truth
from firmquote.lab.serve import Lab, LabConfig
from firmquote.lab.simulator import LAB_KEY, SimulatorConfig
from firmquote.lab.tape import Tape
from firmquote.model import NS_PER_MS, Clock, Session
from firmquote.runtime import KEY_NAME, Config, Gateway, SystemClock, demo_config


class Setup(Struct, frozen=True, kw_only=True):
    """An arrangement of roles."""

    name: str
    active: str
    warm: str
    shadows: tuple[str, ...] = ()

    @property
    def providers(self) -> tuple[str, ...]:
        """All of them, most wanted first."""
        return (self.active, self.warm, *self.shadows)


WIRE_DELAY_MS = {"polygon": 8.0, "alpaca": 2.0, "alphavantage": 25.0}
"""Providers differ in how long their data is on its way."""


class SteppingClock:
    """The machine's clock, with a wall that a drill can step."""

    def __init__(self) -> None:
        self.stepped_ns = 0
        self._clock = SystemClock()
        self.monotonic_ns = self._clock.monotonic_ns
        self.sleep_until = self._clock.sleep_until

    def now_ns(self) -> int:
        """Return the wall time, with the step."""
        return self._clock.now_ns() + self.stepped_ns


class Range:
    """What a drill works with."""

    def __init__(self, lab: Lab, gateway: Gateway, clock: SteppingClock, setup: Setup) -> None:
        self.lab = lab
        self.gateway = gateway
        self.clock = clock
        self.setup = setup
        self._calendar_says = Session.REGULAR  # the lab's tape is always of regular hours
        gateway.session_at = self._session_at  # type: ignore[method-assign]  # a drill may close the exchange early
        self.truth = Truth(lab.market, gateway.board, gateway.clock.now_ns)

    def close_exchange(self) -> None:
        """Let the gateway's calendar say that the exchange is closed; quotes may then be as old as it allows."""
        self._calendar_says = Session.CLOSED

    def open_exchange(self) -> None:
        """Let it say again that the exchange is open."""
        self._calendar_says = Session.REGULAR

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.sleep_until(self.clock.monotonic_ns() + int(seconds * 1e9))

    async def until(self, condition: Callable[[], bool], *, within_s: float) -> float | None:
        """Return after how many seconds `condition` held, or `None` if it did not within the time."""
        begun_ns = self.clock.monotonic_ns()
        while not condition():
            if self.clock.monotonic_ns() - begun_ns > within_s * 1e9:
                return None
            await self.clock.sleep_until(self.clock.monotonic_ns() + 5 * NS_PER_MS)
        return (self.clock.monotonic_ns() - begun_ns) / 1e9

    def _session_at(self, now_ns: int) -> Session:
        del now_ns
        return self._calendar_says

    async def watch(self) -> None:
        """Sample the truth until cancelled."""
        clock: Clock = SystemClock()  # the truth's time does not step
        while True:
            self.truth.sample(clock.now_ns())
            await clock.sleep_until(clock.monotonic_ns() + SAMPLE_NS)


@asynccontextmanager
async def firing_range(
    setup: Setup, tape: Tape, *, change: Callable[[Config], Config] = lambda config: config, speed: float = 1.0
) -> AsyncIterator[Range]:
    """Run a lab and a gateway with the roles of `setup`; they end with the block."""
    simulators = {
        name: SimulatorConfig(wire_delay_ms=WIRE_DELAY_MS[name], per_minute=1_200 if name == "alphavantage" else None)
        for name in WIRE_DELAY_MS
    }
    clock = SteppingClock()
    with TemporaryDirectory(prefix="firmquote-drill-") as directory:
        async with Lab(tape, SystemClock(), LabConfig(simulators=simulators, speed=speed)) as lab:
            config = demo_config({name: lab.settings[name] for name in setup.providers}, port=0)
            gateway = Gateway(
                change(_with_roles(config, setup, Path(directory))),
                {KEY_NAME: LAB_KEY},
                clock,
                Random(7),  # noqa: S311 - jitter
            )
            made = Range(lab, gateway, clock, setup)
            running = [asyncio.create_task(gateway.run()), asyncio.create_task(made.watch())]
            try:
                yield made
            finally:
                for task in running:
                    task.cancel()
                for task in running:
                    with contextlib.suppress(asyncio.CancelledError):
                        await task


def _with_roles(config: Config, setup: Setup, state_dir: Path) -> Config:
    quotes = structs.replace(config.feeds.quotes, provider_active=setup.active, provider_warm=setup.warm)
    election = structs.replace(config.routing.election, failback_after_s=1.0)
    return structs.replace(
        config,
        feeds=structs.replace(config.feeds, quotes=quotes),
        routing=structs.replace(config.routing, election=election),
        serve=structs.replace(config.serve, state_dir=str(state_dir)),
    )
