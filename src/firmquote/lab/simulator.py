"""One provider's simulator: its server, its faults and the endpoints that steer them."""

import asyncio
import errno
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aiohttp import web
from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from firmquote.errors import PortInUseError
from firmquote.lab.faults import DEFAULT_MAGNITUDE, ActiveFault, Fault, FaultSet, SimQuote
from firmquote.lab.market import Market, Moves
from firmquote.lab.streams import LOOK_NS, Dialect, Farewell, Streams
from firmquote.model import NS_PER_MS, NS_PER_S, Clock

HOST = "127.0.0.1"
LAB_KEY = "lab-key:lab-secret"
"""The key that all simulators accept (for a provider whose keys have two parts, the parts around the colon)."""


class SimulatorConfig(Struct, frozen=True, kw_only=True):
    """How one simulator behaves."""

    port: int = 0
    """0 takes any free port."""
    free_plan: bool = False
    """What the provider gives for nothing, with its limits."""
    per_minute: int | None = None
    """Requests allowed a minute on the paid plan; `None` is what the provider usually sells."""
    lots: bool = False
    """Sizes in round lots of 100 instead of shares."""
    keys: frozenset[str] = frozenset({LAB_KEY})
    slot_linger_s: float = 0.0
    """How long a connection that broke still counts as open, where a key may have only one."""
    wire_delay_ms: float = 0.0
    """How long every frame is on its way to the client, and every request there and back."""


ARRIVALS_KEPT = 100_000


class World(Struct, frozen=True, kw_only=True):
    """What a simulator is built from."""

    market: Market
    clock: Clock
    faults: FaultSet
    config: SimulatorConfig
    shown: dict[str, SimQuote]
    """What the provider last sent of each symbol, faults and all: what its REST endpoints tell."""


class Rest(Protocol):
    """A simulator's HTTP endpoints, and what they counted."""

    served: int
    refused: int

    def routes(self) -> Sequence[web.RouteDef]: ...


class Kind(Struct, frozen=True, kw_only=True):
    """A provider that the lab can simulate."""

    title: str
    port: int
    """Where it listens for people; programs take any port."""
    rest: Callable[[World], Rest]
    dialect: Callable[[World], Dialect] | None = None
    """What it says on its stream, if it has one."""
    stream_path: str = ""
    """What a client's `stream_url` ends in."""
    paid_settings: dict[str, str] = {}
    """What a client's settings must say to get what the paid plan sells."""
    last_prices: bool = False
    """It sells prices of trades instead of quotes."""


class FaultOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /lab/fault`."""

    fault: Fault
    for_s: float | None = None
    symbols: frozenset[str] = frozenset()
    magnitude: float | None = None


_order = Decoder(FaultOrder)


class Simulator:
    """One provider's server with its faults and its control endpoints."""

    def __init__(self, name: str, kind: Kind, market: Market, clock: Clock, config: SimulatorConfig) -> None:
        self.name = name
        self.kind = kind
        self.config = config
        self.faults = FaultSet()
        self.port = 0
        self.shown: dict[str, SimQuote] = {}
        world = World(market=market, clock=clock, faults=self.faults, config=config, shown=self.shown)
        self.rest = kind.rest(world)
        self._delay_ns = int(config.wire_delay_ms * NS_PER_MS)
        self.streams = (
            None
            if kind.dialect is None
            else Streams(
                kind.dialect(world),
                clock,
                self.faults,
                delay_ns=self._delay_ns,
                linger_ns=int(config.slot_linger_s * NS_PER_S),
            )
        )
        self.arrivals_ns: deque[int] = deque(maxlen=ARRIVALS_KEPT)
        """When the newest requests arrived, by the monotonic clock."""
        self._market = market
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self._app = web.Application(middlewares=[self._suffer])
        self._app.add_routes(
            [
                web.post("/lab/fault", self._post_fault),
                web.post("/lab/clear", self._post_clear),
                web.get("/lab/status", self._get_status),
                *self.rest.routes(),
            ]
        )
        if self.streams is not None:
            self._app.add_routes([web.get(self.streams.dialect.path, self.streams.handle)])

    @property
    def url(self) -> str:
        """Base URL for HTTP."""
        return f"http://{HOST}:{self.port}"

    @property
    def stream_url(self) -> str:
        """Where a client's stream connects."""
        assert self.streams is not None, f"{self.name} has no stream"
        return f"ws://{HOST}:{self.port}{self.kind.stream_path}"

    @property
    def settings(self) -> dict[str, str]:
        """What `providers.NAME.settings` must say for a gateway that shall connect here."""
        settings = {"rest_url": self.url}
        if self.streams is not None:
            settings["stream_url"] = self.stream_url
        return settings if self.config.free_plan else settings | self.kind.paid_settings

    def step(self, moves: Moves, now_ns: int) -> None:
        """Send what the faults leave of what happened in the market."""
        sent = self.faults.distort(moves.trades if self.kind.last_prices else moves.quotes, now_ns)
        self.shown.update({quote.symbol: quote for quote in sent})
        if self.streams is not None:
            self.streams.tick(now_ns)
            self.streams.publish(sent)

    async def inject(
        self, fault: Fault, *, for_s: float | None = None, symbols: frozenset[str] = frozenset(), magnitude: float = 0.0
    ) -> None:
        """Begin `fault`, for `for_s` seconds or until `clear`; returns once it is on the wire."""
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
            self.streams.close_all()
        elif fault is Fault.EVICT:
            self.streams.drop_all(Farewell.TOO_MANY)
        elif fault is Fault.REVOKE_KEY:
            self.streams.drop_all(Farewell.BAD_KEY)
        elif fault is Fault.DROP_SUBSCRIPTION:
            self.streams.forget(symbols or self._market.symbols)
        self.streams.tick(now_ns)
        await self._clock.sleep_until(self._clock.monotonic_ns())  # the writers have their turn

    def limit(self, symbol: str, low: float, high: float) -> None:
        """Tell those who asked for it between which prices `symbol` may trade."""
        if self.streams is not None:
            self.streams.announce(lambda dialect, client: dialect.band(client, symbol, low, high))

    def clear(self) -> None:
        """End all faults."""
        self.faults.clear()
        if self.streams is not None:
            self.streams.remember()

    async def start(self) -> None:
        """Listen on loopback. Raises PortInUseError."""
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        port = self.config.port
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
    async def _suffer(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        controlling = request.path.startswith("/lab/")
        streaming = request.headers.get("Upgrade", "").lower() == "websocket"
        if not controlling and not streaming:
            self.arrivals_ns.append(self._clock.monotonic_ns())
            while self.faults.active(Fault.BLACKHOLE, self._clock.now_ns()):
                await self._clock.sleep_until(self._clock.monotonic_ns() + LOOK_NS)
            now_ns = self._clock.now_ns()
            if self.faults.active(Fault.HANG, now_ns):
                await asyncio.Event().wait()
            if self.faults.active(Fault.DISCONNECT, now_ns) and request.transport is not None:
                request.transport.close()
            slow = self.faults.active(Fault.SLOW, now_ns)
            slow_ns = 0 if slow is None else int(slow.magnitude * NS_PER_S)
            await self._clock.sleep_until(self._clock.monotonic_ns() + 2 * self._delay_ns + slow_ns)
        return await handler(request)

    async def _post_fault(self, request: web.Request) -> web.Response:
        try:
            order = _order.decode(await request.read())
        except DecodeError as error:
            known = ", ".join(fault.value for fault in Fault)
            return web.json_response({"error": f"{error}. Faults: {known}."}, status=400)
        await self.inject(order.fault, for_s=order.for_s, symbols=order.symbols, magnitude=order.magnitude or 0.0)
        return await self._get_status(request)

    async def _post_clear(self, request: web.Request) -> web.Response:
        self.clear()
        return await self._get_status(request)

    async def _get_status(self, _: web.Request) -> web.Response:
        streams = self.streams
        return web.json_response(
            {
                "provider": self.name,
                "faults": self.faults.names(self._clock.now_ns()),
                "connections": None if streams is None else streams.open_connections,
                "quotes_sent": None if streams is None else streams.sent,
                "requests_served": self.rest.served,
                "requests_refused": self.rest.refused,
            }
        )
