"""Polygon's stream as a simulator, from the dossier (polygon.md sections 3 and 4), sharing nothing with our client."""

import asyncio
import contextlib
import json

from aiohttp import WSCloseCode, WSMsgType, web

from firmquote.lab.faults import Fault, FaultSet, SimQuote
from firmquote.model import NS_PER_MS, NS_PER_S, Clock

LOGIN_TIMEOUT_S = 10
BACKLOG_FRAMES_MAX = 2_000
"""Frames waiting for one slow consumer before it is cut."""
QUOTES_PER_FRAME = 20


def _status(status: str, message: str) -> str:
    return json.dumps([{"ev": "status", "status": status, "message": message}])


class Connection:
    """One client's socket: what it subscribed to, and the frames that wait for it."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self.socket = socket
        self.transport = transport
        self.key: str | None = None
        self.channels: set[str] = set()
        self.backlog: asyncio.Queue[str] = asyncio.Queue(BACKLOG_FRAMES_MAX)

    def wants(self, symbol: str) -> bool:
        """Say whether the client subscribed to quotes of `symbol`."""
        return f"Q.{symbol}" in self.channels or "Q.*" in self.channels

    def put(self, frame: str) -> bool:
        """Queue a frame; `False` when the client is too slow."""
        try:
            self.backlog.put_nowait(frame)
        except asyncio.QueueFull:
            return False
        return True

    def abort(self) -> None:
        """Cut the connection without a word."""
        if self.transport is not None:
            self.transport.abort()


class PolygonStreams:
    """All streams of one simulated cluster: one connection per key, the newest wins."""

    def __init__(self, clock: Clock, faults: FaultSet, keys: frozenset[str], *, lots: bool) -> None:
        self.sent: dict[str, int] = {}
        """Quotes put on the wire, per symbol, summed over connections."""
        self.accepted = 0
        self._clock = clock
        self._faults = faults
        self._keys = keys
        self._unit = 100 if lots else 1
        self._connections: list[Connection] = []

    @property
    def open_connections(self) -> int:
        """How many clients are logged in."""
        return sum(connection.key is not None for connection in self._connections)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until either side ends it."""
        now_ns = self._clock.now_ns()
        if self._faults.active(Fault.DISCONNECT, now_ns) or self._faults.active(Fault.REFUSE, now_ns):
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(heartbeat=None, compress=False)
        await socket.prepare(request)
        self.accepted += 1
        connection = Connection(socket, request.transport)
        self._connections.append(connection)
        writer = asyncio.create_task(self._write(connection))
        try:
            await self._talk(connection)
        finally:
            self._connections.remove(connection)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return socket

    def publish(self, quotes: list[SimQuote]) -> None:
        """Send what each client subscribed to, in frames of at most QUOTES_PER_FRAME."""
        now_ns = self._clock.now_ns()
        for connection in list(self._connections):
            wanted = [quote for quote in quotes if connection.wants(quote.symbol)]
            for start in range(0, len(wanted), QUOTES_PER_FRAME):
                part = wanted[start : start + QUOTES_PER_FRAME]
                frame = json.dumps([self._wire(quote) for quote in part], separators=(",", ":"))
                for quote in part:
                    self.sent[quote.symbol] = self.sent.get(quote.symbol, 0) + 1
                corrupt = self._faults.corrupt(frame.encode(), now_ns).decode("utf-8", "replace")
                if not connection.put(corrupt):
                    self._drop(connection, "slow_consumer", "Client could not keep up.")
                    break

    def evict_all(self) -> None:
        """Tell every client that another one took its place, and close."""
        for connection in list(self._connections):
            self._drop(connection, "max_connections", "Maximum number of websocket connections exceeded.")

    def abort_all(self) -> None:
        """Cut every connection."""
        for connection in list(self._connections):
            connection.abort()

    async def close_all(self) -> None:
        """Close every connection with 1000."""
        for connection in list(self._connections):
            await connection.socket.close(code=WSCloseCode.OK)

    async def _talk(self, connection: Connection) -> None:
        if self._faults.active(Fault.HANG, self._clock.now_ns()):
            await connection.socket.receive()
            return
        connection.put(_status("connected", "Connected Successfully"))
        async for message in connection.socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                action = json.loads(message.data)
                verb, params = str(action["action"]), str(action.get("params", ""))
            except (ValueError, KeyError, TypeError):
                connection.put(_status("error", "invalid message"))
                continue
            if verb == "auth":
                await self._login(connection, params)
            elif connection.key is None:
                connection.put(_status("error", "not authenticated"))
            else:
                self._change(connection, verb, params)

    async def _login(self, connection: Connection, key: str) -> None:
        if key not in self._keys or self._faults.active(Fault.BAD_LOGIN, self._clock.now_ns()):
            await connection.socket.send_str(_status("auth_failed", "authentication failed"))
            await connection.socket.close(code=WSCloseCode.POLICY_VIOLATION)
            return
        for other in list(self._connections):
            if other.key == key and other is not connection:
                self._drop(other, "max_connections", "Maximum number of websocket connections exceeded.")
        connection.key = key
        connection.put(_status("auth_success", "authenticated"))

    def _change(self, connection: Connection, verb: str, params: str) -> None:
        for channel in params.split(","):
            if verb == "subscribe" and channel not in connection.channels:
                connection.channels.add(channel)
                connection.put(_status("success", f"subscribed to: {channel}"))
            elif verb == "unsubscribe" and channel in connection.channels:
                connection.channels.discard(channel)
                connection.put(_status("success", f"unsubscribed to: {channel}"))

    def _drop(self, connection: Connection, status: str, words: str) -> None:
        connection.channels.clear()
        while not connection.backlog.empty():
            connection.backlog.get_nowait()
        connection.put(_status(status, words))
        connection.put("")  # the writer closes on an empty frame

    async def _write(self, connection: Connection) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                frame = await connection.backlog.get()
                if not frame:
                    await connection.socket.close(code=WSCloseCode.POLICY_VIOLATION)
                    return
                await connection.socket.send_str(frame)

    def _wire(self, quote: SimQuote) -> dict[str, object]:
        return {
            "ev": "Q",
            "sym": quote.symbol,
            "bx": 11,
            "bp": quote.bid,
            "bs": quote.bid_size_shares // self._unit,
            "ax": 12,
            "ap": quote.ask,
            "as": quote.ask_size_shares // self._unit,
            "c": 0,
            "t": quote.event_ns // NS_PER_MS,
            "q": quote.sequence,
            "z": 1,
        }


class MinuteLimit:
    """Requests allowed in each wall-clock minute; `None` allows all."""

    def __init__(self, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._minute = -1
        self._used = 0

    def take(self, now_ns: int) -> bool:
        """Count one request and say whether it is within the limit."""
        minute = now_ns // (60 * NS_PER_S)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        return self.per_minute is None or self._used <= self.per_minute
