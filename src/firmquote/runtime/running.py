"""Run a gateway until it is told to stop: by a signal, after a time, or by an error."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import uvloop
from msgspec import Struct
from msgspec.structs import replace

from firmquote.model import Clock
from firmquote.runtime.clock import SystemClock
from firmquote.runtime.config import Config
from firmquote.runtime.corporate import CorporateDesk
from firmquote.runtime.front import Place, state_dir
from firmquote.runtime.gateway import Gateway
from firmquote.runtime.handover import Predecessor, handing_over, predecessor
from firmquote.runtime.reloading import Reloading
from firmquote.runtime.restarting import Restarting
from firmquote.runtime.supervision import Supervisor
from firmquote.runtime.tuning import collect_rarely, tuned
from firmquote.store import open_symbol_record


def run_until_stopped(
    body: Callable[[asyncio.Event], Coroutine[Any, Any, None]], *, for_s: float | None = None
) -> None:
    """Run `body(stop)` on uvloop; SIGINT, SIGTERM or `for_s` seconds set `stop`."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if for_s is not None:
            loop.call_later(for_s, stop.set)
        await body(stop)

    uvloop.run(main())


async def run_gateway(
    config: Config,
    stop: asyncio.Event,
    *,
    announce: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
    path: Path | None = None,
    take_over: bool = False,
) -> None:
    """Serve and trade on paper until `stop` is set. `announce` is told the URL once quotes can be asked for.

    `path` is where the configuration came from: SIGHUP reads it again.
    With `take_over` it warms up beside the gateway that runs there, goes on in its place, and lets it end.
    On the day when a symbol that is served gets another name, the gateway ends and begins again under the new one.
    """
    clock = clock or SystemClock()
    directory = state_dir(config)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        stack.enter_context(tuned(config.machine))
        record = stack.enter_context(closing(open_symbol_record(directory / config.symbols.record_file)))
        supervisor = Supervisor(environ)
        corporate = CorporateDesk(record, config, clock)
        before = await stack.enter_async_context(predecessor(config.serve, clock)) if take_over else None
        while True:
            random = Random(clock.now_ns())  # noqa: S311 - jitter, not a secret
            gateway = Gateway(corporate.rename(config), environ, clock, random, corporate=corporate)
            gateway.safety.reloading = Reloading(gateway, path, environ)
            gateway.safety.restarting = None if path is None else Restarting(environ)
            async with (
                _started(gateway, before, corporate) as (running, place),
                gateway.serve(place) as url,
                handing_over(gateway, place) as handover,
            ):
                running.begin.set()
                announce(url)
                supervisor.say_ready(stack, clock)
                if before is not None:
                    await before.answer()
                await _run_one(gateway, running.task, stop, corporate.renamed, handover.warm)
                place.left = handover.warm.is_set()
            corporate.save()
            if handover.warm.is_set():
                await handover.give()
                return supervisor.hand_over(handover.pid)
            if stop.is_set() or not corporate.renamed.is_set():
                return None
            before = None
            config = replace(config, serve=replace(config.serve, port=urlsplit(url).port or 0))
            announce = _say_nothing


class _Running(Struct, frozen=True):
    task: "asyncio.Task[None]"
    begin: asyncio.Event


@asynccontextmanager
async def _started(
    gateway: Gateway, before: Predecessor | None, corporate: CorporateDesk
) -> AsyncIterator[tuple[_Running, Place]]:
    """Start a gateway that acts once `begin` is set, in a place of its own or in that of another process."""
    begin = asyncio.Event()
    place = Place.take(gateway.config.serve) if before is None else before.place
    task = asyncio.create_task(gateway.run(begin))
    try:
        if before is not None:
            await before.warm_up(gateway, task)
            corporate.look_again()
        yield _Running(task, begin), place
    finally:
        place.listening.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _run_one(gateway: Gateway, running: "asyncio.Task[None]", *reasons_to_end: asyncio.Event) -> None:
    """Run until one of the reasons to end; whatever ends the gateway itself is raised."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, gateway.safety.stop_everything, "SIGUSR1")
    loop.add_signal_handler(signal.SIGHUP, gateway.safety.reload_by_signal)
    reasons = [asyncio.create_task(reason.wait()) for reason in reasons_to_end]
    collecting = asyncio.create_task(collect_rarely(gateway.clock))
    await asyncio.wait({running, *reasons}, return_when=asyncio.FIRST_COMPLETED)
    for task in (*reasons, collecting):
        task.cancel()
    if not running.done():
        running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _say_nothing(url: str) -> None:
    del url  # it is the same as before
