"""Which HTTP server: uvicorn or granian, under the same Litestar application? GET /v1/quotes of 4 and 500 symbols.

Both run in a process of their own; requests come from this one over 16 kept-alive connections. granian is measured
with one worker, as `granian.server.embed` would run it. Beside the numbers it decides that the server must run inside
our own event loop.

    uv run python bench/http_server.py
"""

import asyncio
import multiprocessing
import socket
import time

import aiohttp
import uvloop
from litestar import Litestar, get
from machine import report

from firmquote.model.status import QuoteView

REQUESTS = 2_000
AT_ONCE = 16
QUOTE = QuoteView(
    symbol="IBM", grade="firm", reasons=(), provider="polygon", bid=180.64, ask=180.66, mid=180.65, spread_bps=1.1,
    bid_size_shares=200, ask_size_shares=300, last=None, event_ns=1, received_ns=1, age_ms=1.0, sequence=1,
    halted=False, as_of_ns=1,
)  # fmt: skip


@get("/quotes/{count:int}")
async def quotes(count: int) -> list[QuoteView]:
    """Return `count` quotes."""
    return [QUOTE] * count


def serve_uvicorn(port: int) -> None:
    """Serve until killed."""
    import uvicorn

    app = Litestar([quotes], openapi_config=None)
    uvicorn.run(app, port=port, log_config=None, access_log=False, lifespan="off")


def serve_granian(port: int) -> None:
    """Serve until killed, embedded in one event loop."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    app = Litestar([quotes], openapi_config=None)
    uvloop.run(Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False).serve())


async def load(port: int, count: int) -> float:
    """Return requests per second."""
    url = f"http://127.0.0.1:{port}/quotes/{count}"
    async with aiohttp.ClientSession() as session:
        for _ in range(200):
            try:
                async with session.get(url) as response:
                    await response.read()
                break
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)

        async def worker() -> None:
            for _ in range(REQUESTS // AT_ONCE):
                async with session.get(url) as response:
                    await response.read()

        begun = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        return REQUESTS / (time.perf_counter() - begun)


def main() -> None:
    """Measure both."""
    results: dict[str, dict[str, float]] = {}
    for name, serve in (("uvicorn", serve_uvicorn), ("granian", serve_granian)):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
        process.start()
        results[name] = {f"per_s@{count}": uvloop.run(load(port, count)) for count in (4, 500)}
        process.kill()
        process.join()
    ratios = {
        f"uvicorn/granian@{n}": results["uvicorn"][f"per_s@{n}"] / results["granian"][f"per_s@{n}"] for n in (4, 500)
    }
    report("http_server", results, ratios)


if __name__ == "__main__":
    main()
