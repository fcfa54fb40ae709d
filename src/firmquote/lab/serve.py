"""The lab: a simulator of every provider on loopback, all driven by one tape, each with its own faults."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Self

from msgspec import Struct

from firmquote.errors import PortInUseError
from firmquote.lab.alpaca import ALPACA
from firmquote.lab.alphavantage import ALPHA_VANTAGE
from firmquote.lab.market import Market
from firmquote.lab.player import Player
from firmquote.lab.polygon import POLYGON
from firmquote.lab.schedule import ScheduledFault, check_schedule
from firmquote.lab.simulator import Kind, Simulator, SimulatorConfig
from firmquote.lab.tape import Tape
from firmquote.model import NS_PER_MS, NS_PER_S, Clock

TICK_NS = 5 * NS_PER_MS
"""How often the tape is looked at."""
KINDS: Mapping[str, Kind] = MappingProxyType({"polygon": POLYGON, "alphavantage": ALPHA_VANTAGE, "alpaca": ALPACA})
"""Every provider that the lab can simulate; one more is a module and a word here."""


class LabConfig(Struct, frozen=True, kw_only=True):
    """How the simulators behave."""

    simulators: Mapping[str, SimulatorConfig] = {}
    """By provider; who is not named here has the defaults."""
    speed: float = 1.0


class Lab:
    """`async with Lab(tape, clock) as lab:` serves until the block ends.

    `lab.polygon` is short for `lab.simulators["polygon"]`. The seconds of `schedule` count from the block's beginning.
    """

    def __init__(
        self,
        tape: Tape,
        clock: Clock,
        config: LabConfig | None = None,
        *,
        schedule: Sequence[ScheduledFault] = (),
    ) -> None:
        config = config or LabConfig()
        assert config.simulators.keys() <= KINDS.keys(), sorted(config.simulators)
        self._schedule = check_schedule(schedule, KINDS, tape.symbols)
        self._clock = clock
        self.market = Market(Player(tape, now_ns=clock.now_ns(), speed=config.speed))
        self.simulators = {
            name: Simulator(name, kind, self.market, clock, config.simulators.get(name, SimulatorConfig()))
            for name, kind in KINDS.items()
        }
        self.step()
        self._tasks: list[asyncio.Task[None]] = []

    def __getattr__(self, name: str) -> Simulator:
        """Return a simulator by its provider's name."""
        if name in KINDS:
            return self.simulators[name]
        raise AttributeError(f"the lab has no {name}; simulators: {', '.join(KINDS)}")

    @property
    def settings(self) -> dict[str, dict[str, str]]:
        """What `providers` of a gateway's configuration must say for it to connect here."""
        return {name: simulator.settings for name, simulator in self.simulators.items()}

    async def __aenter__(self) -> Self:
        """Listen and begin to play."""
        try:
            for simulator in self.simulators.values():
                await simulator.start()
        except PortInUseError:
            await self._stop_servers()
            raise
        self._tasks = [asyncio.create_task(self._play()), asyncio.create_task(self._break())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop playing and listening."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._stop_servers()

    def halt(self, symbol: str) -> None:
        """Stop trading in `symbol`, at every provider; those who tell halts say so."""
        self.market.halted.add(symbol)
        self._announce(symbol, halted=True)

    def resume(self, symbol: str) -> None:
        """Let trading in `symbol` go on."""
        self.market.halted.discard(symbol)
        self._announce(symbol, halted=False)

    def limit(self, symbol: str, low: float, high: float) -> None:
        """Let trading in `symbol` happen between these prices alone; those who tell price limits say so."""
        for simulator in self.simulators.values():
            simulator.limit(symbol, low, high)

    def step(self) -> None:
        """Let every simulator send what has happened on the tape since the last step."""
        now_ns = self._clock.now_ns()
        moves = self.market.advance(now_ns)
        for simulator in self.simulators.values():
            simulator.step(moves, now_ns)

    def _announce(self, symbol: str, *, halted: bool) -> None:
        for simulator in self.simulators.values():
            if simulator.streams is not None:
                simulator.streams.announce(lambda dialect, client: dialect.status(client, symbol, halted=halted))

    async def _play(self) -> None:
        while True:
            self.step()
            await self._clock.sleep_until(self._clock.monotonic_ns() + TICK_NS)

    async def _break(self) -> None:
        began_ns = self._clock.monotonic_ns()
        for one in self._schedule:
            await self._clock.sleep_until(began_ns + int(one.at_s * NS_PER_S))
            await self.simulators[one.provider].inject(
                one.fault, for_s=one.for_s, symbols=one.symbols, magnitude=one.magnitude or 0.0
            )

    async def _stop_servers(self) -> None:
        for simulator in self.simulators.values():
            await simulator.stop()
