"""How long is it from a frame's arrival to the intent on its quotes, with the whole product running?

A sender in a process of its own plays 50,000 quotes a second over 500 symbols (the demo tape's, dealt to 500 names):
a frame of 20 every 400 µs over a loopback WebSocket, each at its own moment. A frame says when it was sent, so the
clock starts before the kernel has it: what waits in the socket because the gateway is busy with something else counts,
and so does what waits within the process, behind others of the same wake-up too. It stops when the intent is there.

The gateway is the product as `firmquote run` starts it: decoding, plausibility, arbitration, grades, two strategies,
advice on every tenth symbol, all gates, every timer, receipts and orders on the disk, alerts, the rollout's measures,
the HTTP API, of which somebody asks for metrics and health while it is measured.

Each of them is in `results`, in turns, one after the other, by the same sender:
- `ours`: everything;
- `floor`: the same gateway, which takes each changed symbol from the board and decides nothing;
- `bare`: a client on the same loop that only looks at the clock: what the machine, the sockets and the loop take.

`p99_ms` is counted from the moment of sending, `received_p99_ms` from the moment at which the gateway read the frame.
Of the five rounds those three count in which the machine's host took the least of the gateway's processor away
(`stolen_pct`: nobody is faster than that), and of them the middle one; the best and the worst of all are beside it.

The gateway has the first processor and the sender the last, as on a machine that is set up for trading
(`machine.processor`, and `machine.realtime` where this user may have that; `realtime` tells). The gateway's is kept
awake meanwhile, by a loop that yields to everybody (`SCHED_IDLE`): on a virtual machine waking up costs half as much
again for everything that follows. `bare` has the same.

A quote that changes only sizes asks for no decision for 0.6 to 0.9 s after the last one on its symbol, so it is not
counted in the delays; `decisions_per_s` tells how many are.

Where the sender itself was late (the machine had no time for it), it says so: a late frame carries the time at which it
was really sent, follows the one before by four fifths of the usual time at least, and `sender_late_p99_ms` is how late
they were.

    uv run python bench/decision.py
"""

import asyncio
import itertools
import json
import logging
import os
import string
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
import uvloop
from machine import report
from msgspec import structs
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from firmquote.board import Entry
from firmquote.decision import Desk, MarketView
from firmquote.errors import ConfigError
from firmquote.lab import TapeQuote, load_tape
from firmquote.lab.polygon_flow import serve
from firmquote.model.trading import AdviceInput
from firmquote.runtime import KEY_NAME, MachineSection, demo_config
from firmquote.runtime.running import run_gateway
from firmquote.runtime.trading import Trading
from firmquote.runtime.tuning import tuned

QUOTES_PER_S = 50_000
SYMBOLS = 500
PER_FRAME = 20
FRAME_NS = 1_000_000_000 * PER_FRAME // QUOTES_PER_S
ROUNDS = 5
QUIETEST = 3
WARM_UP_S = 3.0
MEASURED_S = 5.0
ASKED_AFTER_S = 1.0
ASKED = ("/metrics", "/healthz/providers")
"""Once while it is measured, three times as often as who looks every fifteen seconds; and once before."""
LATE_NS_MAX = 20_000_000
"""Frames that the sender is later with than this are never sent; `offered` tells."""
WAKING_NS = 120_000
"""The end of a wait is spent looking at the clock: a sleep may end so much too late, and a timer of the loop later."""
KEEP_AWAKE = """
import os, sys
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
os.sched_setaffinity(0, {int(sys.argv[1])})
while True:
    pass
"""
CONTENDERS = ("ours", "floor", "bare")
PROCESSORS = os.sched_getaffinity(0)
"""Those there are, before anybody keeps to one."""


def may_be_first() -> bool:
    """Say whether this user may have real-time priority."""
    try:
        with tuned(MachineSection(realtime=True)):
            return True
    except ConfigError:
        return False


REALTIME = may_be_first()


def names() -> list[str]:
    """Return 500 symbols."""
    return [
        "".join(letters) for letters in itertools.islice(itertools.product(string.ascii_uppercase, repeat=3), SYMBOLS)
    ]


def dealt() -> list[list[bytes]]:
    """Return the tape's quotes in frames, as Polygon writes them up to their time.

    Each name plays a stretch of its own of one symbol's tape, quote after quote, so that as many change the price, and
    as many only a size, as in the market. The names take turns as their symbols do on the tape. Where a stretch begins
    anew its price jumps; each name begins somewhere else in its stretch, so that they do not all jump together.
    """
    rows = [row for row in load_tape().rows if isinstance(row, TapeQuote)]
    kinds = sorted({row.symbol for row in rows})
    tapes = {kind: [row for row in rows if row.symbol == kind] for kind in kinds}
    players = {kind: names()[place :: len(kinds)] for place, kind in enumerate(kinds)}
    turns = dict.fromkeys(kinds, 0)
    written = []
    for kind in (row.symbol for row in rows):
        played, place = divmod(turns[kind], len(players[kind]))
        turns[kind] += 1
        stretch = len(tapes[kind]) // len(players[kind])
        if played < stretch:  # else it is among the few that do not divide by the number of names
            begun = stretch * place // len(players[kind])
            row = tapes[kind][place * stretch + (begun + played) % stretch]
            written.append(
                f'{{"ev":"Q","sym":"{players[kind][place]}","bx":11,"bp":{row.bid},"bs":{row.bid_size_shares},"ax":12,'
                f'"ap":{row.ask},"as":{row.ask_size_shares},"c":0,"z":1'.encode()
            )
    return [written[first : first + PER_FRAME] for first in range(0, len(written) - PER_FRAME + 1, PER_FRAME)]


async def play(transport: WSTransport) -> None:
    """Send a frame at each of its moments; the sequence of its quotes is the moment at which it was sent."""
    frames = itertools.cycle(dealt())
    due_ns = sent_ns = time.monotonic_ns()
    while True:
        due_ns = max(due_ns + FRAME_NS, sent_ns - LATE_NS_MAX)
        moment_ns = max(due_ns, sent_ns + FRAME_NS * 4 // 5)
        while (early_ns := moment_ns - time.monotonic_ns()) > 0:
            if early_ns > WAKING_NS:
                time.sleep((early_ns - WAKING_NS) / 1e9)  # noqa: ASYNC251 - nobody else waits here
        rows = next(frames)
        sent_ns = time.monotonic_ns()
        late_us = (sent_ns - due_ns) // 1_000
        end = b',"i":[%d],"t":%d,"q":%d}' % (late_us, time.time_ns() // 1_000_000, sent_ns)
        transport.send(WSMsgType.TEXT, b"[" + (end + b",").join(rows) + end + b"]")
        await asyncio.sleep(0)


async def send() -> None:
    """Serve until killed; the port is the first line on stdout."""
    server, port = await serve(play)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


class Watch:
    """Measures every decision: the gateway itself keeps the last 4,096."""

    def __init__(self, *, decides: bool) -> None:
        self.trading: Trading | None = None
        self.sent_ns: list[int] = []
        """How long each decision took from the sending of its quote …"""
        self.received_ns: list[int] = []
        """… and from its receipt."""
        self._decides = decides
        self._decided_ns: list[int] = []

    def install(self) -> None:
        """Look over the gateway's shoulder; without `decides` nothing is decided."""
        decide, decide_all = Desk.on_view, Trading.on_moved

        def timed(desk: Desk, view: MarketView, now_ns: int) -> None:
            decide(desk, view, now_ns)
            self._decided_ns.append(time.monotonic_ns())

        def measured(trading: Trading, entries: Sequence[Entry]) -> None:
            self._decided_ns.clear()
            if self._decides:
                decide_all(trading, entries)
            else:
                self._decided_ns.extend([time.monotonic_ns()] * len(entries))
            self._note(entries, time.time_ns() - time.monotonic_ns())
            self.trading = trading

        Desk.on_view = timed  # type: ignore[method-assign,assignment]
        Trading.on_moved = measured  # type: ignore[method-assign,assignment]

    def _note(self, entries: Sequence[Entry], wall_ns: int) -> None:
        for entry, at_ns in zip(entries, self._decided_ns, strict=True):
            if entry.elected is not None and entry.elected.tick is not None:
                self.sent_ns.append(at_ns - entry.elected.tick.sequence)
                self.received_ns.append(at_ns + wall_ns - entry.elected.received_ns)


async def measure(port: int, state: str, *, decides: bool) -> dict[str, float]:
    """Run a gateway against the sender and return how long it took from a frame to the decisions on it."""
    config = demo_config(
        {"polygon": {"stream_url": f"ws://127.0.0.1:{port}/stocks", "rest_url": f"http://127.0.0.1:{port}"}}, port=0
    )
    quotes = structs.replace(
        config.feeds.quotes, provider_active="polygon", provider_warm=None, live_symbols_allowlist=tuple(names()),
        canary_symbols=(), priority_symbols=(),
    )  # fmt: skip
    config = structs.replace(
        config,
        feeds=structs.replace(config.feeds, quotes=quotes),
        serve=structs.replace(config.serve, state_dir=state),
        machine=MachineSection(processor=min(PROCESSORS), realtime=REALTIME),
    )
    watch = Watch(decides=decides)
    watch.install()
    stop = asyncio.Event()

    def announce(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()

    gateway = asyncio.create_task(run_gateway(config, stop, announce=announce, environ={KEY_NAME: "k"}))
    while watch.trading is None or not watch.sent_ns:
        await asyncio.sleep(0.01)
    trading, sent_ns, received_ns = watch.trading, watch.sent_ns, watch.received_ns
    feed = next(iter(trading.board.entries.values())).lines["polygon"].feed
    await asyncio.sleep(WARM_UP_S / 2)
    for symbol in names()[::10]:
        trading.advise(AdviceInput(symbol=symbol, score=1.0, source="bench", ttl_s=3_600), time.time_ns())
    await asyncio.sleep(WARM_UP_S / 2)
    before = len(sent_ns)
    accepted = feed.accepted
    begun, cpu, stolen_s = time.perf_counter(), time.process_time(), stolen()
    await asyncio.sleep(MEASURED_S)
    elapsed, cpu = time.perf_counter() - begun, time.process_time() - cpu
    taken, offered = len(sent_ns) - before, (feed.accepted - accepted) / elapsed
    found = percentiles(sent_ns[before : before + taken]) | {
        "received_p50_ms": at(received := sorted(received_ns[before : before + taken]), 0.5),
        "received_p95_ms": at(received, 0.95),
        "received_p99_ms": at(received, 0.99),
        "quotes_per_s": offered,
        "decisions_per_s": taken / elapsed,
        "cpu_us_per_quote": cpu / (offered * elapsed) * 1e6,
        "receipts": trading.desk.next_number - 1.0,
        "orders": float(len(trading.orders)),
        "stolen_pct": (stolen() - stolen_s) / elapsed * 100,
        "realtime": float(REALTIME),
        "live_calls": float(trading.guarding.counts().live_calls),
    }
    stop.set()
    await gateway
    return found


def stolen() -> float:
    """Return how many seconds the host has kept the gateway's processor from us since the start."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *counts = line.split()
        if name == f"cpu{min(PROCESSORS)}":
            return int(counts[7]) / os.sysconf("SC_CLK_TCK")
    return 0.0


async def look(port: int) -> dict[str, float]:
    """Connect, subscribe, and do nothing with a frame but look at the clock."""
    sent_ns: list[int] = []
    late_us: list[int] = []

    class Client(WSListener):
        def on_ws_connected(self, transport: WSTransport) -> None:
            transport.send(WSMsgType.TEXT, b'{"action":"auth"}')
            transport.send(WSMsgType.TEXT, b'{"action":"subscribe"}')

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            now_ns = time.monotonic_ns()
            text = frame.get_payload_as_bytes()
            place = text.rfind(b'"q":')
            if place > 0:
                sent_ns.append(now_ns - int(text[place + 4 : -2]))
                late = text.rfind(b'"i":[') + 5
                late_us.append(int(text[late : text.index(b"]", late)]))

    transport, _ = await ws_connect(Client, f"ws://127.0.0.1:{port}/stocks")
    await asyncio.sleep(WARM_UP_S)
    sent_ns.clear()
    late_us.clear()
    stolen_s = stolen()
    await asyncio.sleep(MEASURED_S)
    transport.disconnect()
    late = sorted(late_us)
    return percentiles(sent_ns) | {
        "quotes_per_s": len(sent_ns) * PER_FRAME / MEASURED_S,
        "stolen_pct": (stolen() - stolen_s) / MEASURED_S * 100,
        "sender_late_p99_ms": late[int(0.99 * (len(late) - 1))] / 1e3,
        "sender_late_max_ms": late[-1] / 1e3,
    }


def percentiles(taken_ns: list[int]) -> dict[str, float]:
    """Return what counts of the delays, from the moment of sending."""
    found = sorted(taken_ns)
    return {
        "p50_ms": at(found, 0.5),
        "p95_ms": at(found, 0.95),
        "p99_ms": at(found, 0.99),
        "p999_ms": at(found, 0.999),
        "max_ms": found[-1] / 1e6,
    }


def at(found: list[int], share: float) -> float:
    """Return a percentile of sorted nanoseconds, in milliseconds."""
    return found[int(share * (len(found) - 1))] / 1e6


@contextmanager
def awake() -> Iterator[None]:
    """Keep the gateway's processor from sleeping while the block runs, without taking time from anybody."""
    with subprocess.Popen([sys.executable, "-c", KEEP_AWAKE, str(min(PROCESSORS))]) as loop:
        try:
            yield
        finally:
            loop.kill()


def one_round(what: str) -> dict[str, float]:
    """Start a sender and a contender; ask a gateway for its health meanwhile."""
    with (
        tempfile.TemporaryDirectory() as state,
        subprocess.Popen([sys.executable, __file__, "send"], stdout=subprocess.PIPE, text=True) as sender,
    ):
        assert sender.stdout is not None
        try:
            port = sender.stdout.readline().strip()
            with subprocess.Popen(
                [sys.executable, __file__, what, port, state], stdout=subprocess.PIPE, text=True
            ) as contender:
                assert contender.stdout is not None
                if what != "bare":
                    url = contender.stdout.readline().strip()
                    for wait_s in (WARM_UP_S / 2, WARM_UP_S / 2 + ASKED_AFTER_S):
                        time.sleep(wait_s)
                        for path in ASKED:
                            with urllib.request.urlopen(url + path, timeout=10) as answer:
                                answer.read()
                found: dict[str, float] = json.loads(contender.stdout.read().splitlines()[-1])
        finally:
            sender.kill()
    return found


def main() -> None:
    """Measure in turns; of each, the middle one of the quietest rounds counts."""
    rounds: dict[str, list[dict[str, float]]] = {what: [] for what in CONTENDERS}
    with awake():
        for _ in range(ROUNDS):
            for what, found in rounds.items():
                found.append(one_round(what))
    middle: dict[str, dict[str, float]] = {}
    for what, all_rounds in rounds.items():
        quietest = sorted(all_rounds, key=lambda one: one["stolen_pct"])[:QUIETEST]
        found = sorted(quietest, key=lambda one: one["p99_ms"])
        every_ms = [one["p99_ms"] for one in all_rounds]
        middle[what] = found[len(found) // 2] | {
            "p99_ms_best_round": min(every_ms), "p99_ms_worst_round": max(every_ms)
        }  # fmt: skip
    ours = middle["ours"]
    ratios = {
        "offered": ours["quotes_per_s"] / QUOTES_PER_S,
        "ours/floor@p50": ours["p50_ms"] / middle["floor"]["p50_ms"],
        "ours/floor@p99": ours["p99_ms"] / middle["floor"]["p99_ms"],
        "ours/bare@p99": ours["p99_ms"] / middle["bare"]["p99_ms"],
    }
    report("decision", middle, ratios)


if __name__ == "__main__":
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    match sys.argv[1:]:
        case ["send"]:
            os.sched_setaffinity(0, {max(PROCESSORS)})
            uvloop.run(send())
        case ["bare", port, _]:
            with tuned(MachineSection(processor=min(PROCESSORS), realtime=REALTIME)):
                sys.stdout.write(json.dumps(uvloop.run(look(int(port)))) + "\n")
        case [what, port, state]:
            found = uvloop.run(measure(int(port), str(Path(state) / "state"), decides=what == "ours"))
            sys.stdout.write(json.dumps(found) + "\n")
        case _:
            main()
