"""A stream of quotes as fast as one wants, in Polygon's words, from a process of its own."""

import asyncio
import json
import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

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


class _Listener(WSListener):
    def __init__(self, symbols: tuple[str, ...], per_s: int) -> None:
        self._symbols = symbols
        self._per_s = per_s
        self._sending: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Greet."""
        _say(transport, "connected")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Accept any login; the first subscription starts the flow."""
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
        elif b'"auth"' in frame.get_payload_as_bytes():
            _say(transport, "auth_success")
        elif self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._pour(transport))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Stop."""
        del transport
        if self._sending is not None:
            self._sending.cancel()

    def pause_writing(self) -> None:
        """The sender looks at the buffer itself."""

    def resume_writing(self) -> None:
        """Likewise."""

    async def _pour(self, transport: WSTransport) -> None:
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


def _say(transport: WSTransport, status: str) -> None:
    transport.send(WSMsgType.TEXT, json.dumps([{"ev": "status", "status": status, "message": ""}]).encode())


def _serve(pipe: Connection, symbols: tuple[str, ...], per_s: int) -> None:
    def listen(_: WSUpgradeRequest) -> WSListener:
        return _Listener(symbols, per_s)

    async def main() -> None:
        server = await ws_create_server(listen, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())
