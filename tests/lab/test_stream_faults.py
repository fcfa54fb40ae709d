"""Faults that concern a whole stream, in the words of each streaming provider, seen by our own transport."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from tests.patience import PATIENCE_S

from firmquote.errors import LineError
from firmquote.lab import LAB_KEY, ActiveFault, Fault, Lab, LabConfig, Simulator, SimulatorConfig, load_tape
from firmquote.model import Request
from firmquote.runtime import SystemClock
from firmquote.wire import HttpClient, HttpLimits, Socket, SocketLimits, connect

pytestmark = pytest.mark.scenario
TAPE = load_tape()
STREAMING = ("polygon", "alpaca")
KEY_ID, _, SECRET = LAB_KEY.partition(":")
IMPATIENT = SocketLimits(ping_after_s=0.7, pong_within_s=0.7)
QUICK = 20.0


class Client:
    """A raw client of one simulator: it logs in, subscribes, and counts what it hears."""

    def __init__(self, simulator: Simulator, limits: SocketLimits | None = None) -> None:
        self.quotes: dict[str, int] = {}
        self.words: list[str] = []
        """What the provider said besides quotes: statuses or error codes."""
        self.first_frame_ns = 0
        self._alpaca = simulator.name == "alpaca"
        self._url = simulator.stream_url + ("/sip" if self._alpaca else "")
        self._limits = limits or SocketLimits()
        self._socket: Socket | None = None

    async def open(self, *symbols: str) -> None:
        self._socket = await connect(
            self._url,
            provider="test",
            on_open=lambda _: None,
            on_frame=self._on_frame,
            now_ns=SystemClock.now_ns,
            limits=self._limits,
        )
        await until(lambda: bool(self.words))
        if self._alpaca:
            self._say(action="auth", key=KEY_ID, secret=SECRET)
        else:
            self._say(action="auth", params=LAB_KEY)
        self.subscribe(*symbols)

    def subscribe(self, *symbols: str) -> None:
        if self._alpaca:
            self._say(action="subscribe", quotes=symbols)
        else:
            self._say(action="subscribe", params=",".join(f"Q.{symbol}" for symbol in symbols))

    async def ended(self) -> str:
        assert self._socket is not None
        return (await self._socket.wait_closed()).words

    @property
    def count(self) -> int:
        return sum(self.quotes.values())

    def _say(self, **words: object) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps(words).encode())

    def _on_frame(self, frame: bytes | memoryview, received_ns: int) -> None:
        self.first_frame_ns = self.first_frame_ns or received_ns
        messages: list[dict[str, Any]] = json.loads(bytes(frame))
        for message in messages:
            if message.get("ev") == "Q" or message.get("T") == "q":
                symbol = message.get("sym") or message["S"]
                self.quotes[symbol] = self.quotes.get(symbol, 0) + 1
            else:
                self.words.append(str(message.get("status") or message.get("code") or message.get("msg")))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await pause(0.005)


async def drain() -> None:
    """Let everybody read what is in the kernel's buffers, however late the loop is."""
    for _ in range(30):
        await pause(0.002)


async def pause(seconds: float) -> None:
    await SystemClock().sleep_until(SystemClock.monotonic_ns() + int(seconds * 1e9))


def with_simulator(name: str, body: Callable[[Simulator], Awaitable[None]], *, delay_ms: float = 0.0) -> None:
    async def main() -> None:
        config = LabConfig(speed=QUICK, simulators={name: SimulatorConfig(wire_delay_ms=delay_ms)})
        async with asyncio.timeout(PATIENCE_S), Lab(TAPE, SystemClock(), config) as lab:
            await body(lab.simulators[name])

    uvloop.run(main())


@pytest.mark.parametrize("name", STREAMING)
def test_a_blackhole_answers_no_ping_and_closes_nothing(name: str) -> None:
    async def body(simulator: Simulator) -> None:
        client = Client(simulator, IMPATIENT)
        await client.open("*")
        await until(lambda: client.count > 5)
        await simulator.inject(Fault.BLACKHOLE)
        await drain()
        heard = client.count
        assert client.words[-1] not in ("max_connections", "406")
        assert "code" not in await client.ended(), "our own ping gave up; the provider said nothing"
        assert client.count == heard

    with_simulator(name, body)


@pytest.mark.parametrize("name", STREAMING)
def test_what_a_blackhole_swallowed_arrives_when_it_ends_on_the_same_connection(name: str) -> None:
    async def body(simulator: Simulator) -> None:
        client = Client(simulator)
        await client.open("AIG")
        await until(lambda: client.count > 3)
        await simulator.inject(Fault.BLACKHOLE)
        client.subscribe("SPY")
        await drain()
        during = client.count
        await pause(0.2)
        assert client.count == during
        simulator.clear()
        await until(lambda: client.count > during and client.quotes.get("SPY", 0) > 0)
        assert simulator.streams is not None
        assert simulator.streams.accepted == 1

    with_simulator(name, body)


def test_in_a_blackhole_nobody_new_is_let_in_and_no_request_is_answered() -> None:
    async def body(simulator: Simulator) -> None:
        await simulator.inject(Fault.BLACKHOLE)
        limits = SocketLimits(connect_timeout_s=0.2)
        with pytest.raises(LineError, match=r"did not answer within 0\.2 s"):
            await Client(simulator, limits).open("AIG")
        request = Request(path="/v2/stocks/quotes/latest", symbols=("AIG",), query=(("symbols", "AIG"),))
        client = HttpClient("test", simulator.url, now_ns=SystemClock.now_ns, limits=HttpLimits(timeout_s=0.2))
        async with client:
            with pytest.raises(LineError, match="no answer within"):
                await client.get(request)
        simulator.clear()
        async with HttpClient("test", simulator.url, now_ns=SystemClock.now_ns, limits=HttpLimits()) as patient:
            assert (await patient.get(request)).status == 401, "without a key, but answered"

    with_simulator("alpaca", body)


@pytest.mark.parametrize(("name", "word"), [("polygon", "auth_failed"), ("alpaca", "402")])
def test_a_key_that_is_revoked_ends_the_session_and_opens_no_other(name: str, word: str) -> None:
    async def body(simulator: Simulator) -> None:
        client = Client(simulator)
        await client.open("*")
        await until(lambda: client.count > 0)
        await simulator.inject(Fault.REVOKE_KEY)
        await client.ended()
        assert client.words[-1] == word
        again = Client(simulator)
        await again.open("*")
        await again.ended()
        assert (again.words[-1], again.count) == (word, 0)

    with_simulator(name, body)


@pytest.mark.parametrize(("name", "word"), [("polygon", "max_connections"), ("alpaca", "406")])
def test_whoever_has_the_same_key_evicts_us_again_and_again_until_it_stops(name: str, word: str) -> None:
    async def body(simulator: Simulator) -> None:
        client = Client(simulator)
        await client.open("*")
        await until(lambda: client.count > 0)
        await simulator.inject(Fault.EVICT, magnitude=0.1)
        for _ in range(2):
            await client.ended()
            assert client.words[-1] == word
            client = Client(simulator)
            await client.open("*")
        await client.ended()
        simulator.clear()
        back = Client(simulator)
        await back.open("*")
        await until(lambda: back.count > 0)

    with_simulator(name, body)


@pytest.mark.parametrize("name", STREAMING)
def test_a_dropped_subscription_is_cured_by_subscribing_again_and_by_nothing_else(name: str) -> None:
    async def body(simulator: Simulator) -> None:
        client = Client(simulator)
        await client.open("AIG", "BAC", "SPY")
        await until(lambda: len(client.quotes) == 3)
        await simulator.inject(Fault.DROP_SUBSCRIPTION, symbols=frozenset({"SPY"}))
        await drain()
        dropped, others = client.quotes["SPY"], client.quotes["AIG"]
        said = len(client.words)
        await until(lambda: client.quotes["AIG"] > others + 20)
        assert client.quotes["SPY"] == dropped
        assert len(client.words) == said, "without a word"
        client.subscribe("SPY")
        await until(lambda: client.quotes["SPY"] > dropped)

    with_simulator(name, body)


@pytest.mark.parametrize("name", STREAMING)
def test_a_wire_delay_makes_every_word_late(name: str) -> None:
    async def body(simulator: Simulator) -> None:
        client = Client(simulator)
        began_ns = SystemClock.now_ns()
        await client.open("*")
        assert client.first_frame_ns - began_ns >= 80_000_000
        began_ns = SystemClock.monotonic_ns()
        request = Request(path="/nowhere", symbols=())
        async with HttpClient("test", simulator.url, now_ns=SystemClock.now_ns, limits=HttpLimits()) as http:
            assert (await http.get(request)).status == 404
        assert SystemClock.monotonic_ns() - began_ns >= 160_000_000, "there and back"

    with_simulator(name, body, delay_ms=80)


def test_who_is_evicted_late_is_told_of_the_eviction_and_of_nothing_else() -> None:
    async def body(simulator: Simulator) -> None:
        client = Client(simulator)
        await client.open("*")
        await until(lambda: client.count > 0)
        now_ns = SystemClock.now_ns()
        simulator.faults.inject(ActiveFault(fault=Fault.EVICT, since_ns=now_ns, magnitude=1.0))
        assert simulator.streams is not None
        for _ in range(2):
            simulator.streams.tick(now_ns + 11_000_000_000)
        await client.ended()
        assert [word for word in client.words if word.startswith(("max", "auth_t"))] == ["max_connections"]

    with_simulator("polygon", body)


def test_a_simulator_that_hangs_does_not_even_time_a_login_out() -> None:
    async def body(simulator: Simulator) -> None:
        await simulator.inject(Fault.HANG)
        client = Client(simulator)
        opening = asyncio.create_task(client.open("*"))
        assert simulator.streams is not None
        await until(lambda: simulator.streams.accepted == 1)  # type: ignore[union-attr]  # just looked at
        await pause(0.05)
        simulator.streams.tick(SystemClock.now_ns() + 60_000_000_000)
        await pause(0.05)
        assert client.words == []
        opening.cancel()
        await asyncio.wait({opening})

    with_simulator("polygon", body)
