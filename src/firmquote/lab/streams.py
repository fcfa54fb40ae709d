"""What all simulated streams have in common: clients, their backlogs, and how they are cut, closed and dropped.

What a provider says on its stream is its `Dialect`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Protocol, TypeAlias

from aiohttp import WSCloseCode, WSMsgType, web

from firmquote.lab.faults import Fault, FaultSet, SimQuote
from firmquote.model import NS_PER_MS, NS_PER_S, Clock

LOGIN_TIMEOUT_NS = 10 * NS_PER_S
BACKLOG_FRAMES_MAX = 2_000
"""Frames waiting for one slow consumer before it is cut."""
QUOTES_PER_FRAME = 20
LOOK_NS = 5 * NS_PER_MS
"""How often whoever waits for the end of a blackhole looks."""

Frame: TypeAlias = str | bytes
"""A text or a binary message."""


class Farewell(Enum):
    """Why a simulator ends a connection with a word."""

    BAD_KEY = "bad_key"
    LOGIN_TIMEOUT = "login_timeout"
    TOO_MANY = "too_many"
    """Another connection has, or takes, the place of this one."""
    TOO_SLOW = "too_slow"


class Connection:
    """One client's socket: what it subscribed to, and the frames that wait for it."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, clock: Clock, delay_ns: int) -> None:
        self.socket = socket
        self.path = request.path
        self.headers = request.headers
        self.opened_ns = clock.now_ns()
        self.key: str | None = None
        self.login_ns = 0
        self.done = False
        """Nothing more will be said to this client."""
        self.channels: set[str] = set()
        self.forgotten: set[str] = set()
        """Channels that the provider dropped without a word."""
        self.backlog: asyncio.Queue[tuple[int, Frame | WSCloseCode]] = asyncio.Queue(BACKLOG_FRAMES_MAX)
        """Each with the moment of the monotonic clock at which it has reached the client."""
        self._clock = clock
        self._delay_ns = delay_ns
        self._transport = request.transport

    def log_in(self, key: str) -> None:
        """Accept the client."""
        self.key = key
        self.login_ns = self._clock.now_ns()

    def put(self, frame: Frame | WSCloseCode) -> bool:
        """Queue a frame, or the end; `False` when the client is too slow."""
        try:
            self.backlog.put_nowait((self._clock.monotonic_ns() + self._delay_ns, frame))
        except asyncio.QueueFull:
            return False
        return True

    def drop(self, last: Frame) -> None:
        """Forget what waits, say one last thing and close; the first reason stands."""
        if self.done:
            return
        self.done = True
        self.channels.clear()
        while not self.backlog.empty():
            self.backlog.get_nowait()
        self.put(last)
        self.put(WSCloseCode.POLICY_VIOLATION)

    def abort(self) -> None:
        """Cut the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def listen(self, *, on: bool) -> None:
        """Read what the client sends, or leave it in the kernel's buffers."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if on:
            transport.resume_reading()
        else:
            transport.pause_reading()


class Dialect(Protocol):
    """What one provider says on its stream, and what it makes of what it hears."""

    path: str
    """Where the stream is; `{…}` takes anything."""
    prefix: str
    """A client wants the quotes of a symbol if it has the channel `prefix + symbol`, or `prefix + "*"`."""

    def greet(self, connection: Connection, others: list[Connection]) -> None:
        """Say the first words; `others` are the other clients."""
        ...

    def hear(self, connection: Connection, words: Frame, others: list[Connection]) -> None:
        """Act on a client's message; `others` are the other clients."""
        ...

    def quotes(self, connection: Connection, quotes: list[SimQuote]) -> Frame:
        """Return quotes as one frame."""
        ...

    def status(self, connection: Connection, symbol: str, *, halted: bool) -> Frame | None:
        """Return the news that trading in `symbol` stopped or goes on; `None` where this client is not told."""
        ...

    def band(self, connection: Connection, symbol: str, low: float, high: float) -> Frame | None:
        """Return the news of new price limits; `None` where this client is not told."""
        ...

    def farewell(self, connection: Connection, cause: Farewell) -> Frame:
        """Return the last words before the end."""
        ...


class Streams:
    """All clients of one simulated stream."""

    def __init__(
        self, dialect: Dialect, clock: Clock, faults: FaultSet, *, delay_ns: int = 0, linger_ns: int = 0
    ) -> None:
        self.sent: dict[str, int] = {}
        """Quotes put on the wire, per symbol, summed over connections."""
        self.accepted = 0
        self.dialect = dialect
        self._clock = clock
        self._faults = faults
        self._delay_ns = delay_ns
        self._linger_ns = linger_ns
        self._lingering: list[tuple[int, Connection]] = []
        """Connections that broke and count as open until a moment: the provider has not noticed."""
        self._dark = False
        self._connections: list[Connection] = []

    @property
    def open_connections(self) -> int:
        """How many clients are logged in."""
        return sum(connection.key is not None and not connection.done for connection in self._connections)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until either side ends it."""
        await self._wait_for_light()
        now_ns = self._clock.now_ns()
        if self._faults.active(Fault.DISCONNECT, now_ns) or self._faults.active(Fault.REFUSE, now_ns):
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(heartbeat=None, compress=False)
        await socket.prepare(request)
        self.accepted += 1
        connection = Connection(socket, request, self._clock, self._delay_ns)
        self._connections.append(connection)
        writer = asyncio.create_task(self._write(connection))
        try:
            with contextlib.suppress(ConnectionError):  # the client may go at any moment
                await self._talk(connection)
        finally:
            self._connections.remove(connection)
            if socket.close_code in (None, WSCloseCode.ABNORMAL_CLOSURE):
                self._lingering.append((self._clock.now_ns() + self._linger_ns, connection))
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return socket

    def publish(self, quotes: list[SimQuote]) -> None:
        """Send what each client subscribed to, in frames of at most QUOTES_PER_FRAME."""
        now_ns = self._clock.now_ns()
        for connection in list(self._connections):
            wanted = [quote for quote in quotes if self._wants(connection, quote.symbol)]
            for start in range(0, len(wanted), QUOTES_PER_FRAME):
                part = wanted[start : start + QUOTES_PER_FRAME]
                for quote in part:
                    self.sent[quote.symbol] = self.sent.get(quote.symbol, 0) + 1
                if not connection.put(self._corrupt(self.dialect.quotes(connection, part), now_ns)):
                    connection.drop(self.dialect.farewell(connection, Farewell.TOO_SLOW))
                    break

    def tick(self, now_ns: int) -> None:
        """Do what time alone makes necessary."""
        dark = self._faults.active(Fault.BLACKHOLE, now_ns) is not None
        if dark is not self._dark:
            self._dark = dark
            for connection in self._connections:
                connection.listen(on=not dark)
        evicting = self._faults.active(Fault.EVICT, now_ns)
        for connection in list(self._connections):
            if connection.key is None and now_ns - connection.opened_ns >= LOGIN_TIMEOUT_NS:
                connection.drop(self.dialect.farewell(connection, Farewell.LOGIN_TIMEOUT))
            elif evicting and connection.key and now_ns - connection.login_ns >= evicting.magnitude * NS_PER_S:
                connection.drop(self.dialect.farewell(connection, Farewell.TOO_MANY))

    def announce(self, words: Callable[[Dialect, Connection], Frame | None]) -> None:
        """Tell the clients who asked for it a piece of news."""
        for connection in self._connections:
            frame = words(self.dialect, connection)
            if frame is not None:
                connection.put(frame)

    def drop_all(self, cause: Farewell) -> None:
        """Tell every client why, and close."""
        for connection in list(self._connections):
            connection.drop(self.dialect.farewell(connection, cause))

    def forget(self, symbols: Iterable[str]) -> None:
        """Send these symbols no more to those who have subscribed, and tell nobody."""
        for connection in self._connections:
            connection.forgotten |= {self.dialect.prefix + symbol for symbol in symbols}

    def remember(self) -> None:
        """Send everything that was forgotten again."""
        for connection in self._connections:
            connection.forgotten.clear()

    def abort_all(self) -> None:
        """Cut every connection."""
        for connection in list(self._connections):
            connection.abort()

    def close_all(self) -> None:
        """Close every connection with 1000, after what already waits for it."""
        for connection in list(self._connections):
            connection.put(WSCloseCode.OK)

    def _wants(self, connection: Connection, symbol: str) -> bool:
        channel, everything = self.dialect.prefix + symbol, self.dialect.prefix + "*"
        return channel not in connection.forgotten and not connection.channels.isdisjoint((channel, everything))

    def _corrupt(self, frame: Frame, now_ns: int) -> Frame:
        if isinstance(frame, bytes):
            return self._faults.corrupt(frame, now_ns)
        return self._faults.corrupt(frame.encode(), now_ns).decode("utf-8", "replace")

    async def _talk(self, connection: Connection) -> None:
        if self._faults.active(Fault.HANG, self._clock.now_ns()):
            connection.done = True
            await connection.socket.receive()
            return
        self.dialect.greet(connection, self._others(connection))
        async for message in connection.socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.dialect.hear(connection, message.data, self._others(connection))

    def _others(self, connection: Connection) -> list[Connection]:
        now_ns = self._clock.now_ns()
        self._lingering = [(until_ns, other) for until_ns, other in self._lingering if until_ns > now_ns]
        everybody = [*self._connections, *(other for _, other in self._lingering)]
        return [other for other in everybody if other is not connection]

    async def _wait_for_light(self) -> None:
        while self._faults.active(Fault.BLACKHOLE, self._clock.now_ns()):
            await self._clock.sleep_until(self._clock.monotonic_ns() + LOOK_NS)

    async def _write(self, connection: Connection) -> None:
        socket = connection.socket
        with contextlib.suppress(ConnectionError):
            while True:
                due_ns, frame = await connection.backlog.get()
                await self._clock.sleep_until(due_ns)
                await self._wait_for_light()
                if isinstance(frame, WSCloseCode):
                    await socket.close(code=frame)
                    return
                await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
