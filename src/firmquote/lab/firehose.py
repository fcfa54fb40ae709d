"""A stream of quotes as fast as one wants, in Polygon's words, from a process of its own."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import uvloop
from picows import WSMsgType, WSTransport

from firmquote.lab.polygon_flow import serve
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.runtime import SystemClock

TURN_NS = NS_PER_MS
PER_FRAME = 20
BEHIND_MAX_S = 0.25
"""What a sender that was held up still makes good; the rest is left out."""
BUFFER_BYTES_MAX = 1 << 20
START_S = 20.0


class Firehose:
    """`with Firehose(symbols, per_s) as hose:` sends until the block ends; `hose.url` says where to connect."""

    def __init__(self, symbols: Sequence[str], per_s: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._end, child = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve, args=(child, tuple(symbols), per_s), daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        """Start the process and wait until it listens."""
        self._process.start()
        if not self._end.poll(START_S):
            self._process.kill()
            raise AssertionError(f"the firehose did not start within {START_S:g} s")
        self.url = f"ws://127.0.0.1:{self._end.recv()}/stocks"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.resume()
        self._process.kill()
        self._process.join()

    def pause(self) -> None:
        """Hang: neither read nor send, with the connection open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, number)


class _Pouring:
    def __init__(self, symbols: tuple[str, ...], per_s: int) -> None:
        self._symbols = symbols
        self._per_s = per_s

    async def pour(self, transport: WSTransport) -> None:
        clock = SystemClock()
        begun_ns, sent = clock.monotonic_ns(), 0
        while True:
            due = (clock.monotonic_ns() - begun_ns) * self._per_s // NS_PER_S
            sent = max(sent, due - int(self._per_s * BEHIND_MAX_S))
            while sent < due and transport.underlying_transport.get_write_buffer_size() < BUFFER_BYTES_MAX:
                count = min(PER_FRAME, due - sent)
                transport.send(WSMsgType.TEXT, self._frame(sent, count, clock.now_ns() // NS_PER_MS))
                sent += count
            await clock.sleep_until(clock.monotonic_ns() + TURN_NS)

    def _frame(self, first: int, count: int, now_ms: int) -> bytes:
        quotes = []
        for number in range(first, first + count):
            symbol = self._symbols[number % len(self._symbols)]
            bid = 100 + (number % 7) / 100
            quotes.append(
                f'{{"ev":"Q","sym":"{symbol}","bx":11,"bp":{bid:.2f},"bs":300,"ax":12,"ap":{bid + 0.02:.2f},'
                f'"as":400,"c":0,"t":{now_ms},"q":{number + 1},"z":1}}'
            )
        return f"[{','.join(quotes)}]".encode()


def _serve(pipe: Connection, symbols: tuple[str, ...], per_s: int) -> None:
    async def main() -> None:
        server, port = await serve(_Pouring(symbols, per_s).pour)
        pipe.send(port)
        await server.serve_forever()

    uvloop.run(main())
