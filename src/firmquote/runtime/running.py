"""Run a gateway until it is told to stop: by a signal, after a time, or by an error."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import uvloop
from msgspec.structs import replace

from firmquote.model import Clock
from firmquote.runtime.clock import SystemClock
from firmquote.runtime.config import Config
from firmquote.runtime.corporate import CorporateDesk
from firmquote.runtime.front import state_dir
from firmquote.runtime.gateway import Gateway
from firmquote.runtime.reloading import Reloading
from firmquote.runtime.supervision import Supervisor
from firmquote.store import open_symbol_record

SWITCH_S = 100e-6
"""How long a thread that writes to the disk may keep Python from the event loop, which decides (docs/adr/0012)."""


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
) -> None:
    """Serve and trade on paper until `stop` is set. `announce` is told the URL once quotes can be asked for.

    `path` is where the configuration came from: SIGHUP reads it again.
    On the day when a symbol that is served gets another name, the gateway ends and begins again under the new one.
    """
    sys.setswitchinterval(SWITCH_S)
    clock = clock or SystemClock()
    directory = state_dir(config)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        record = stack.enter_context(closing(open_symbol_record(directory / config.symbols.record_file)))
        supervisor = Supervisor(environ)
        corporate = CorporateDesk(record, config, clock)
        while True:
            random = Random(clock.now_ns())  # noqa: S311 - jitter, not a secret
            gateway = Gateway(corporate.rename(config), environ, clock, random, corporate=corporate)
            gateway.safety.reloading = Reloading(gateway, path, environ)
            async with gateway.serve() as url:
                announce(url)
                supervisor.say_ready(stack, clock)
                await _run_one(gateway, stop, corporate.renamed)
            corporate.save()
            if stop.is_set() or not corporate.renamed.is_set():
                return
            port = urlsplit(url).port or 0
            config = replace(config, serve=replace(config.serve, port=port))
            announce = _say_nothing


async def _run_one(gateway: Gateway, stop: asyncio.Event, renamed: asyncio.Event) -> None:
    """Run until told to stop, or until a name changes; whatever ends the gateway itself is raised."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, gateway.safety.stop_everything, "SIGUSR1")
    loop.add_signal_handler(signal.SIGHUP, gateway.safety.reload_by_signal)
    running = asyncio.create_task(gateway.run())
    reasons = [asyncio.create_task(stop.wait()), asyncio.create_task(renamed.wait())]
    gc.freeze()  # what lives as long as the process is not worth looking at again
    await asyncio.wait({running, *reasons}, return_when=asyncio.FIRST_COMPLETED)
    for reason in reasons:
        reason.cancel()
    if not running.done():
        running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _say_nothing(url: str) -> None:
    del url  # it is the same as before
