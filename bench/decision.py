"""How long is it from a frame's arrival to the intent on its quote, with the whole product running?

A sender in a process of its own plays 50,000 quotes a second over 500 symbols (the demo tape's, dealt to 500 names) in
frames of 20 over a loopback WebSocket. The gateway runs as in production: decoding, plausibility, arbitration, grades,
two strategies, advice on every tenth symbol, all gates, receipts and orders written to the disk. Each decision is
measured from the clock's reading when its frame arrived. `floor` is the same gateway on the same quotes, which takes
each changed symbol from the board and decides nothing: what the machine, the socket and the loop take anyway. Both run
in turns, and the best round of each counts: the machine may be doing other things, and noise only ever adds.

    uv run python bench/decision.py
"""

import asyncio
import gc
import itertools
import json
import logging
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import structlog
import uvloop
from machine import report
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from firmquote.lab import TapeQuote, load_tape

QUOTES_PER_S = 50_000
SYMBOLS = 500
PER_FRAME = 20
ROUNDS = 3
WARM_UP_S = 2.5
MEASURED_S = 5.0
TICK_S = 0.001
LATE_FRAMES_MAX = 25
"""10 ms at this pace."""


def names() -> list[str]:
    """Return 500 symbols."""
    return [
        "".join(letters) for letters in itertools.islice(itertools.product(string.ascii_uppercase, repeat=3), SYMBOLS)
    ]


def dealt() -> Iterator[str]:
    """Yield the tape's quotes for ever as Polygon writes them, without time and sequence; each name keeps its kind."""
    rows = [row for row in load_tape().rows if isinstance(row, TapeQuote)]
    kinds = sorted({row.symbol for row in rows})
    mine = {kind: itertools.cycle(names()[place :: len(kinds)]) for place, kind in enumerate(kinds)}
    for row in itertools.cycle(rows):
        yield (
            f'{{"ev":"Q","sym":"{next(mine[row.symbol])}","bx":11,"bp":{row.bid},"bs":{row.bid_size_shares},"ax":12,'
            f'"ap":{row.ask},"as":{row.ask_size_shares},"c":0,"z":1'
        )


class Sender(WSListener):
    """Enough of the provider's protocol, then frames at a steady pace."""

    def __init__(self) -> None:
        self._sending: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Greet."""
        self._say(transport, "connected")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Accept any login; the first subscription starts the flow."""
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
        elif b'"auth"' in frame.get_payload_as_bytes():
            self._say(transport, "auth_success")
        elif self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send(transport))

    async def _send(self, transport: WSTransport) -> None:
        quotes = dealt()
        sequence = itertools.count(1)
        begun, sent = time.perf_counter(), 0
        while True:
            due = int((time.perf_counter() - begun) * QUOTES_PER_S) // PER_FRAME
            stamp = time.time_ns() // 1_000_000
            sent = max(sent, due - LATE_FRAMES_MAX)  # what this process was too late for is not made up for
            for _ in range(due - sent):
                part = itertools.islice(zip(quotes, sequence, strict=False), PER_FRAME)
                rows = [f'{row},"t":{stamp},"q":{number}}}' for row, number in part]
                transport.send(WSMsgType.TEXT, ("[" + ",".join(rows) + "]").encode())
                sent += 1
            await asyncio.sleep(TICK_S)

    def _say(self, transport: WSTransport, status: str) -> None:
        transport.send(WSMsgType.TEXT, json.dumps([{"ev": "status", "status": status, "message": ""}]).encode())


async def send() -> None:
    """Serve until killed; the port is the first line on stdout."""

    def listener(_: WSUpgradeRequest) -> WSListener:
        return Sender()

    server = await ws_create_server(listener, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


async def measure(port: int, state: str, *, decides: bool) -> dict[str, float]:
    """Run a gateway against the sender and return how long it took from a frame to the decisions on it."""
    from msgspec import structs

    from firmquote.board import Entry
    from firmquote.model.trading import AdviceInput
    from firmquote.runtime import KEY_NAME, Gateway, SystemClock, demo_config

    config = demo_config(
        {"polygon": {"stream_url": f"ws://127.0.0.1:{port}/stocks", "rest_url": f"http://127.0.0.1:{port}"}}, port=0
    )
    quotes = structs.replace(
        config.feeds.quotes, provider_active="polygon", provider_warm=None, live_symbols_allowlist=tuple(names()),
        canary_symbols=(), priority_symbols=(),
    )  # fmt: skip
    config = structs.replace(
        config, feeds=structs.replace(config.feeds, quotes=quotes), serve=structs.replace(config.serve, state_dir=state)
    )
    gateway = Gateway(config, {KEY_NAME: "k"}, SystemClock(), Random(1))
    took_ns: list[int] = []
    decide = gateway.trading.on_dirty

    def timed(entries: Iterable[Entry]) -> None:
        dirty = list(entries)
        if decides:
            decide(dirty)
        decided_ns = time.time_ns()
        lines = [entry.elected for entry in dirty]
        took_ns.extend(
            decided_ns - line.received_ns for line in lines if line is not None and line.provider == "polygon"
        )

    gateway.trading.on_dirty = timed  # type: ignore[method-assign]  # every decision is measured, not the last 4,096
    running = asyncio.create_task(gateway.run())
    await asyncio.sleep(WARM_UP_S)
    for symbol in names()[::10]:
        gateway.trading.advise(AdviceInput(symbol=symbol, score=1.0, source="bench", ttl_s=3_600), time.time_ns())
    gc.collect()
    gc.freeze()
    took_ns.clear()
    accepted = gateway.feeds["polygon"].accepted
    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(MEASURED_S)
    elapsed, cpu = time.perf_counter() - begun, time.process_time() - cpu
    found = sorted(took_ns)
    offered = (gateway.feeds["polygon"].accepted - accepted) / elapsed
    guard = gateway.safety.guarding.counts()
    running.cancel()
    await asyncio.wait({running})
    return {
        "p50_ms": _at(found, 0.5),
        "p95_ms": _at(found, 0.95),
        "p99_ms": _at(found, 0.99),
        "p999_ms": _at(found, 0.999),
        "max_ms": found[-1] / 1e6,
        "quotes_per_s": offered,
        "decisions_per_s": len(found) / elapsed,
        "cpu_us_per_quote": cpu / (offered * elapsed) * 1e6,
        "receipts": gateway.trading.desk.next_number - 1.0,
        "orders": float(len(gateway.trading.orders)),
        "live_calls": float(guard.live_calls),
    }


def _at(found: list[int], share: float) -> float:
    return found[int(share * (len(found) - 1))] / 1e6


def one_round(what: str) -> dict[str, float]:
    """Start a sender and a gateway, and measure."""
    with (
        tempfile.TemporaryDirectory() as state,
        subprocess.Popen([sys.executable, __file__, "send"], stdout=subprocess.PIPE, text=True) as sender,
    ):
        assert sender.stdout is not None
        try:
            done = subprocess.run(
                [sys.executable, __file__, what, sender.stdout.readline().strip(), state],
                capture_output=True, text=True, check=True, timeout=120,
            )  # fmt: skip
        finally:
            sender.kill()
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure in turns; the round with the best p99 counts."""
    rounds: dict[str, list[dict[str, float]]] = {"ours": [], "floor": []}
    for _ in range(ROUNDS):
        for what, found in rounds.items():
            found.append(one_round(what))
    best = {what: min(found, key=lambda one: one["p99_ms"]) for what, found in rounds.items()}
    for what, found in rounds.items():
        best[what]["p99_ms_worst_round"] = max(one["p99_ms"] for one in found)
    ratios = {
        "offered": best["ours"]["quotes_per_s"] / QUOTES_PER_S,
        "ours/floor@p50": best["ours"]["p50_ms"] / best["floor"]["p50_ms"],
        "ours/floor@p99": best["ours"]["p99_ms"] / best["floor"]["p99_ms"],
    }
    report("decision", best, ratios)


if __name__ == "__main__":
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if sys.argv[1:2] == ["send"]:
        uvloop.run(send())
    elif len(sys.argv) > 1:
        state = str(Path(sys.argv[3]) / "state")
        found = uvloop.run(measure(int(sys.argv[2]), state, decides=sys.argv[1] == "ours"))
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        main()
