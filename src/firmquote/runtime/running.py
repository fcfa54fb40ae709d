"""Run a gateway until it is told to stop: by a signal, after a time, or by an error."""

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from random import Random
from typing import Any

import uvloop

from firmquote.model import Clock
from firmquote.runtime.clock import SystemClock
from firmquote.runtime.config import Config
from firmquote.runtime.gateway import Gateway


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
) -> None:
    """Serve and trade on paper until `stop` is set. `announce` is told the URL once quotes can be asked for."""
    clock = clock or SystemClock()
    gateway = Gateway(config, environ, clock, Random(clock.now_ns()))  # noqa: S311 - jitter, not a secret
    async with gateway.serve() as url:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, gateway.safety.stop_everything, "SIGUSR1")
        running = asyncio.create_task(gateway.run())
        stopping = asyncio.create_task(stop.wait())
        gc.freeze()  # what lives as long as the process is not worth looking at again
        announce(url)
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not running.done():
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
