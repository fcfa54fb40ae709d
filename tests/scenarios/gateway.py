"""A whole gateway on loopback with the lab behind it, for scenarios."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import MappingProxyType

import uvloop
from msgspec import structs
from tests.patience import PATIENCE_S

from firmquote.board import Entry
from firmquote.lab import LAB_KEY, Lab, LabConfig, Tape, load_tape
from firmquote.model import Clock
from firmquote.runtime import DEMO_PROVIDERS, KEY_NAME, Config, Gateway, SystemClock, demo_config

TAPE = load_tape()


class Scenario:
    """The lab, the gateway, and ways to wait for what shall happen."""

    def __init__(self, lab: Lab, gateway: Gateway) -> None:
        self.lab = lab
        self.gateway = gateway
        self.late_s = 0.0
        """How late this loop, in which lab and gateway run too, woke up, added up: no deadline counts that."""
        self._reader = gateway.board.add_reader("scenario")

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; the scenario's deadline bounds it."""
        while not condition():
            await self.turn()

    async def turn(self) -> None:
        """Let 5 ms pass."""
        clock = SystemClock()
        due_ns = clock.monotonic_ns() + 5_000_000
        await clock.sleep_until(due_ns)
        self.late_s += (clock.monotonic_ns() - due_ns) / 1e9

    def changed(self) -> list[Entry]:
        """Return what changed on the board since the last call."""
        return self._reader.take()

    def shown(self, symbol: str) -> str | None:
        """Return whose line is shown."""
        line = self.gateway.board.entries[symbol].elected
        return None if line is None else line.provider

    def status(self, provider: str) -> str:
        """Return the provider's status."""
        return self.gateway.manager.members[provider].status.value


@asynccontextmanager
async def scenario(
    *,
    tape: Tape = TAPE,
    lab: LabConfig | None = None,
    providers: Sequence[str] = DEMO_PROVIDERS,
    change: Callable[[Config], Config] = lambda config: config,
    environ: Mapping[str, str] = MappingProxyType({}),
    deadline_s: float = PATIENCE_S,
    clock: Clock | None = None,
    prepare: Callable[[Lab], None] = lambda _: None,
) -> AsyncIterator[Scenario]:
    """Run a lab and a gateway with `providers` while the block runs; its state is thrown away afterwards.

    `clock` is the gateway's own, if it shall differ from the lab's; `prepare` changes the lab before there is a gateway.
    """
    with TemporaryDirectory(prefix="firmquote-") as state:
        async with asyncio.timeout(deadline_s), Lab(tape, SystemClock(), lab) as simulators:
            prepare(simulators)
            config = demo_config({name: simulators.settings[name] for name in providers}, port=0)
            config = change(with_state_dir(Path(state))(config))
            gateway = Gateway(config, {KEY_NAME: LAB_KEY, **environ}, clock or SystemClock(), Random(7))
            running = asyncio.create_task(gateway.run())
            try:
                yield Scenario(simulators, gateway)
            finally:
                running.cancel()
                await asyncio.wait({running})


def play(body: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario on uvloop, as in production."""

    async def main() -> None:
        await body()

    uvloop.run(main())


def with_roles(active: str, warm: str) -> Callable[[Config], Config]:
    """Return a change of configuration that gives these roles, with a short way back."""

    def change(config: Config) -> Config:
        quotes = structs.replace(config.feeds.quotes, provider_active=active, provider_warm=warm)
        election = structs.replace(config.routing.election, failback_after_s=1.0)
        return structs.replace(
            config,
            feeds=structs.replace(config.feeds, quotes=quotes),
            routing=structs.replace(config.routing, election=election),
        )

    return change


def with_state_dir(directory: Path) -> Callable[[Config], Config]:
    """Return a change of configuration that keeps the state in `directory`."""
    return lambda config: structs.replace(config, serve=structs.replace(config.serve, state_dir=str(directory)))
