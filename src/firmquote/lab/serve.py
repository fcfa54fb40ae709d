"""The lab: provider simulators on loopback, all driven by one tape."""

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web
from msgspec import Struct, ValidationError
from msgspec.json import Decoder

from firmquote.errors import PortInUseError
from firmquote.lab.alphavantage import AlphaVantageSimulator
from firmquote.lab.faults import DEFAULT_MAGNITUDE, ActiveFault, Fault, FaultSet
from firmquote.lab.market import Market
from firmquote.lab.player import Player
from firmquote.lab.polygon_rest import PolygonRest
from firmquote.lab.polygon_stream import PolygonStreams
from firmquote.lab.tape import Tape
from firmquote.model import NS_PER_MS, NS_PER_S, Clock

TICK_NS = 5 * NS_PER_MS
"""How often the tape is looked at."""
HOST = "127.0.0.1"
LAB_KEY = "lab-key"
"""The key that both simulators accept; it opens nothing else."""


class LabConfig(Struct, frozen=True, kw_only=True):
    """How the simulators behave."""

    polygon_port: int = 0
    """0 takes any free port."""
    alphavantage_port: int = 0
    keys: frozenset[str] = frozenset({LAB_KEY})
    polygon_per_minute: int | None = None
    alphavantage_per_minute: int | None = 75
    """`None` is the free plan: 25 a day, one a second."""
    lots: bool = False
    speed: float = 1.0


class FaultOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /lab/fault`."""

    fault: Fault
    for_s: float | None = None
    symbols: frozenset[str] = frozenset()
    magnitude: float | None = None


_order = Decoder(FaultOrder)


class Simulator:
    """One provider's server with its faults and its control endpoint."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.faults = FaultSet()
        self.app = web.Application()
        self.port = 0
        self.streams: PolygonStreams | None = None
        self.rest: PolygonRest | AlphaVantageSimulator | None = None
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self.app.add_routes(
            [
                web.post("/lab/fault", self._post_fault),
                web.post("/lab/clear", self._post_clear),
                web.get("/lab/status", self._get_status),
            ]
        )
        self.app.middlewares.append(self._hang)

    @property
    def url(self) -> str:
        """Base URL for HTTP."""
        return f"http://{HOST}:{self.port}"

    async def inject(
        self, fault: Fault, *, for_s: float | None = None, symbols: frozenset[str] = frozenset(), magnitude: float = 0.0
    ) -> None:
        """Begin `fault`, for `for_s` seconds or until `clear`."""
        now_ns = self._clock.now_ns()
        until_ns = None if for_s is None else now_ns + int(for_s * NS_PER_S)
        size = magnitude or DEFAULT_MAGNITUDE.get(fault, 0.0)
        self.faults.inject(
            ActiveFault(fault=fault, since_ns=now_ns, until_ns=until_ns, symbols=symbols, magnitude=size)
        )
        if self.streams is None:
            return
        if fault is Fault.DISCONNECT:
            self.streams.abort_all()
        elif fault is Fault.CLOSE_CLEAN:
            await self.streams.close_all()
        elif fault is Fault.EVICT:
            self.streams.evict_all()

    def clear(self) -> None:
        """End all faults."""
        self.faults.clear()

    async def start(self, port: int) -> None:
        """Listen on loopback. Raises PortInUseError."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port).start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortInUseError(
                f"lab {self.name}: port {port} is taken. Stop what listens there, or name another port (0 takes any)."
            ) from error
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Cut all clients and stop listening."""
        if self.streams is not None:
            self.streams.abort_all()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _hang(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        now_ns = self._clock.now_ns()
        controlling = request.path.startswith("/lab/")
        streaming = request.headers.get("Upgrade", "").lower() == "websocket"
        if not controlling and not streaming:
            if self.faults.active(Fault.HANG, now_ns):
                await asyncio.Event().wait()
            if self.faults.active(Fault.DISCONNECT, now_ns) and request.transport is not None:
                request.transport.close()
        return await handler(request)

    async def _post_fault(self, request: web.Request) -> web.Response:
        try:
            order = _order.decode(await request.read())
        except ValidationError as error:
            known = ", ".join(fault.value for fault in Fault)
            return web.json_response({"error": f"{error}. Faults: {known}."}, status=400)
        await self.inject(order.fault, for_s=order.for_s, symbols=order.symbols, magnitude=order.magnitude or 0.0)
        return await self._get_status(request)

    async def _post_clear(self, request: web.Request) -> web.Response:
        self.clear()
        return await self._get_status(request)

    async def _get_status(self, _: web.Request) -> web.Response:
        streams, rest = self.streams, self.rest
        return web.json_response(
            {
                "provider": self.name,
                "faults": self.faults.names(self._clock.now_ns()),
                "connections": None if streams is None else streams.open_connections,
                "quotes_sent": None if streams is None else streams.sent,
                "requests_served": None if rest is None else rest.served,
                "requests_refused": None if rest is None else rest.refused,
            }
        )


class Lab:
    """`async with Lab(tape, clock) as lab:` serves until the block ends."""

    def __init__(self, tape: Tape, clock: Clock, config: LabConfig | None = None) -> None:
        config = config or LabConfig()
        self._config = config
        self._clock = clock
        self.market = Market(Player(tape, now_ns=clock.now_ns(), speed=config.speed))
        self.market.advance(clock.now_ns())
        self.polygon = Simulator("polygon", clock)
        self.alphavantage = Simulator("alphavantage", clock)
        self._playing: asyncio.Task[None] | None = None
        polygon = self.polygon
        polygon.streams = PolygonStreams(clock, polygon.faults, config.keys, lots=config.lots)
        rest = PolygonRest(self.market, clock, polygon.faults, config.keys, per_minute=config.polygon_per_minute)
        polygon.rest = rest
        polygon.app.add_routes([web.get("/stocks", polygon.streams.handle), *rest.routes()])
        prices = AlphaVantageSimulator(
            self.market, clock, self.alphavantage.faults, config.keys, per_minute=config.alphavantage_per_minute
        )
        self.alphavantage.rest = prices
        self.alphavantage.app.add_routes(prices.routes())

    @property
    def stream_url(self) -> str:
        """Polygon's stream."""
        return f"ws://{HOST}:{self.polygon.port}/stocks"

    async def __aenter__(self) -> Self:
        """Listen and begin to play."""
        try:
            await self.polygon.start(self._config.polygon_port)
            await self.alphavantage.start(self._config.alphavantage_port)
        except PortInUseError:
            await self._stop_servers()
            raise
        self._playing = asyncio.create_task(self._play())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop playing and listening."""
        if self._playing is not None:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._playing
        await self._stop_servers()

    def step(self) -> None:
        """Send what has happened on the tape since the last step."""
        now_ns = self._clock.now_ns()
        quotes = self.polygon.faults.distort(self.market.advance(now_ns), now_ns)
        if quotes and self.polygon.streams is not None:
            self.polygon.streams.publish(quotes)

    async def _play(self) -> None:
        while True:
            self.step()
            await self._clock.sleep_until(self._clock.monotonic_ns() + TICK_NS)

    async def _stop_servers(self) -> None:
        await self.polygon.stop()
        await self.alphavantage.stop()
