"""Which HTTP client: aiohttp or httpx? Requests and CPU time over loopback, one after the other and 20 at once.

uv run python bench/http_client.py
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp
import httpx
import uvloop
from aiohttp import web
from machine import report

REQUESTS = 2_000
BODY = b'{"Global Quote":{"01. symbol":"IBM","05. price":"180.6500"}}' * 8
Get = Callable[[], Awaitable[bytes]]


async def answer(_: web.Request) -> web.Response:
    """Answer at once."""
    return web.Response(body=BODY, content_type="application/json")


async def measure(get: Get, at_once: int) -> dict[str, float]:
    """Return rates and latencies of REQUESTS requests, `at_once` of them at any moment."""
    took: list[float] = []

    async def worker() -> None:
        for _ in range(REQUESTS // at_once):
            begun = time.perf_counter()
            assert await get() == BODY
            took.append(time.perf_counter() - begun)

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    cuts = statistics.quantiles(took, n=100)
    return {
        f"per_s@{at_once}": REQUESTS / wall,
        f"cpu_us_with_server@{at_once}": cpu / REQUESTS * 1e6,
        f"p50_ms@{at_once}": cuts[49] * 1e3,
        f"p99_ms@{at_once}": cuts[98] * 1e3,
    }


async def run() -> dict[str, dict[str, float]]:
    """Measure both against one server in this process."""
    app = web.Application()
    app.add_routes([web.get("/", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    results: dict[str, dict[str, float]] = {"aiohttp": {}, "httpx": {}}
    async with aiohttp.ClientSession() as session, httpx.AsyncClient() as client:

        async def with_aiohttp() -> bytes:
            async with session.get(url) as response:
                return await response.read()

        async def with_httpx() -> bytes:
            return (await client.get(url)).content

        for at_once in (1, 20):
            for name, get in (("aiohttp", with_aiohttp), ("httpx", with_httpx)):
                results[name].update(await measure(get, at_once))
    await runner.cleanup()
    return results


if __name__ == "__main__":
    found = uvloop.run(run())
    ratios = {f"aiohttp/httpx@{n}": found["aiohttp"][f"per_s@{n}"] / found["httpx"][f"per_s@{n}"] for n in (1, 20)}
    report("http_client", found, ratios)
