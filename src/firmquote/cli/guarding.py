"""`firmquote alerts guard`: another process, which outlives the gateway."""

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from firmquote.cli.client import trusted
from firmquote.cli.durations import parse_seconds
from firmquote.cli.running import say, set_up_logs
from firmquote.runtime import SystemClock, load_config, run_until_stopped
from firmquote.runtime.outside import Outside
from firmquote.runtime.supervision import Supervisor


def stand_guard(config: Path, *, url: str, every: str, host: str, port: int, as_json: bool) -> None:
    """Watch until stopped."""
    set_up_logs(as_json=as_json)
    clock = SystemClock()
    policy = load_config(config).alerts
    outside = Outside(policy, os.environ, clock, url=url, every_s=parse_seconds(every), tls=trusted())

    async def body(stop: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:

            def announce(runbook: str) -> None:
                say(as_json, {"guards": url, "runbook": runbook}, f"Guarding {url}. The runbook is at {runbook}NAME.")
                Supervisor().say_ready(stack, clock)

            watching = asyncio.create_task(outside.run(host, port, announce))
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({watching, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not watching.done():
                watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    run_until_stopped(body)
