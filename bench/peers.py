"""What does a quote cost on its way in: ours, doing everything, against the official client with an empty handler?

A server sends the same frames over a loopback WebSocket to one client at a time, each in a process of its own, which
reports the CPU time that it used between its subscription and the last frame. Ours decodes, checks, arbitrates and
puts every quote on the board; `massive` decodes and hands a list to a handler that does nothing.

    uv run python bench/peers.py
"""

import asyncio
import itertools
import subprocess
import sys
import time

import uvloop
from frames import tape_frames, tape_symbols
from machine import report
from picows import WSMsgType, WSTransport

from firmquote.lab.polygon_flow import serve

QUOTES = {1: 40_000, 20: 200_000}
ROUNDS = 3
BUFFER_BYTES_MAX = 1 << 20
CONTENDERS = ("ours", "massive")


async def serve_one(contender: str, frames: list[bytes], quotes: int) -> float:
    """Let one client read everything, as fast as it reads, and return its CPU nanoseconds per quote."""

    async def send_all(transport: WSTransport) -> None:
        for frame in frames:
            while transport.underlying_transport.get_write_buffer_size() > BUFFER_BYTES_MAX:
                await asyncio.sleep(0.001)
            transport.send(WSMsgType.TEXT, frame)

    server, port = await serve(send_all)
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, contender, str(port), str(quotes), stdout=subprocess.PIPE
    )
    async with asyncio.timeout(300):
        out, _ = await process.communicate()
    server.close()
    return float(out.decode().splitlines()[-1])


async def read_ours(port: int, quotes: int) -> None:
    """Our client: socket → board."""
    from random import Random

    from firmquote.board import Board
    from firmquote.model import FeedClass, LineStatus, Opening, Secret
    from firmquote.providers.polygon import PROVIDER
    from firmquote.quality import GradePolicy, PlausibilityPolicy
    from firmquote.runtime.clock import SystemClock
    from firmquote.runtime.stream import Stream

    class Owner:
        begun = 0.0

        def on_ready(self, provider: str) -> None:
            self.begun = time.process_time()

        def on_lost(self, provider: str, words: str) -> None: ...
        def on_refused(self, provider: str, kind: str, words: str) -> None: ...
        def on_status(self, provider: str, status: LineStatus) -> None: ...

    symbols = tape_symbols()
    board = Board(symbols, grading=GradePolicy(), plausibility=PlausibilityPolicy(jump_bps_max=9_000))
    feed = board.add_feed("polygon", FeedClass.CONSOLIDATED)
    config = PROVIDER.config(stream_url=f"ws://127.0.0.1:{port}/stocks")
    opening = Opening(config=config, key=Secret("k"), codec=PROVIDER.codec())
    assert PROVIDER.open_stream is not None
    protocol = PROVIDER.open_stream(opening)
    feed.expect_ticks(protocol, opening.codec)
    for symbol in symbols:
        board.elect(symbol, "polygon")
    owner = Owner()
    stream = Stream(feed, protocol, board, owner, symbols=symbols, clock=SystemClock(), random=Random(1))
    running = asyncio.create_task(stream.run())
    while feed.accepted < quotes:
        await asyncio.sleep(0.005)
        board.flush()
        if feed.refused:
            raise SystemExit(f"the board refused {feed.refused}: both contenders must do all their work")
    sys.stdout.write(f"{(time.process_time() - owner.begun) / quotes * 1e9}\n")
    sys.stdout.flush()
    running.cancel()


async def read_massive(port: int, quotes: int) -> None:
    """The official client with a handler that only counts."""
    from massive import WebSocketClient

    client = WebSocketClient(
        api_key="k", feed=f"127.0.0.1:{port}", secure=False, market="stocks", subscriptions=["Q.*"]
    )
    seen = itertools.count()
    begun = time.process_time()

    async def handle(messages: list[object]) -> None:
        for _ in messages:
            last = next(seen)
        if last >= quotes - 1:
            sys.stdout.write(f"{(time.process_time() - begun) / quotes * 1e9}\n")
            sys.stdout.flush()
            running.cancel()

    running = asyncio.create_task(client.connect(handle))
    await asyncio.wait({running})


def main() -> None:
    """Measure both with frames of 1 and of 20 quotes."""
    results: dict[str, dict[str, float]] = {name: {} for name in CONTENDERS}
    for per_frame, wanted in QUOTES.items():
        frames = tape_frames(per_frame, wanted)
        quotes = sum(frame.count(b'"ev"') for frame in frames)
        for _ in range(ROUNDS):
            for name in CONTENDERS:
                cost = uvloop.run(serve_one(name, frames, quotes))
                key = f"cpu_ns_per_quote@{per_frame}"
                results[name][key] = min(results[name].get(key, cost), cost)
    ratios = {
        f"ours/massive@{n}": results["massive"][f"cpu_ns_per_quote@{n}"] / results["ours"][f"cpu_ns_per_quote@{n}"]
        for n in QUOTES
    }
    report("peers", results, ratios)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        readers = {"ours": read_ours, "massive": read_massive}
        uvloop.run(readers[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3])))
    else:
        main()
