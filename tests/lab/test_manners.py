"""The simulators' manners that concern whole connections and requests, seen by our own transports."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from tests.patience import PATIENCE_S

from firmquote.errors import LineError
from firmquote.lab import LAB_KEY, Fault, Lab, LabConfig, Simulator, load_tape
from firmquote.model import Request
from firmquote.runtime import SystemClock
from firmquote.wire import HttpClient, HttpLimits, Socket, SocketLimits, connect

pytestmark = pytest.mark.scenario
TAPE = load_tape()
NBBO = Request(path="/v2/last/nbbo/IBM", symbols=("IBM",), headers=(("authorization", f"Bearer {LAB_KEY}"),))
KEY_ID, _, SECRET = LAB_KEY.partition(":")
LATEST = Request(
    path="/v2/stocks/quotes/latest",
    symbols=("IBM",),
    query=(("symbols", "IBM"),),
    headers=(("apca-api-key-id", KEY_ID), ("apca-api-secret-key", SECRET)),
)
PRICE = Request(
    path="/query",
    symbols=("IBM",),
    query=(("function", "GLOBAL_QUOTE"), ("symbol", "IBM")),
    secret_query=(("apikey", LAB_KEY),),
)


def with_lab(body: Callable[[Lab], Awaitable[None]], config: LabConfig | None = None) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE_S), Lab(TAPE, SystemClock(), config) as lab:
            await body(lab)

    uvloop.run(main())


async def status_of(simulator: Simulator, request: Request, *, timeout_s: float = 5.0) -> int:
    limits = HttpLimits(timeout_s=timeout_s)
    async with HttpClient("test", simulator.url, now_ns=SystemClock.now_ns, limits=limits) as client:
        return (await client.get(request)).status


async def answer_of(simulator: Simulator, request: Request) -> dict[str, Any]:
    async with HttpClient("test", simulator.url, now_ns=SystemClock.now_ns, limits=HttpLimits()) as client:
        answer: dict[str, Any] = json.loads((await client.get(request)).body)
        return answer


async def open_stream(lab: Lab, frames: list[bytes]) -> Socket:
    return await connect(
        lab.polygon.stream_url,
        provider="test",
        on_open=lambda _: None,
        on_frame=lambda frame, _: frames.append(bytes(frame)),
        now_ns=SystemClock.now_ns,
        limits=SocketLimits(),
    )


@pytest.mark.parametrize(
    ("fault", "polygon", "alphavantage", "alpaca"),
    [
        (None, 200, 200, 200),
        (Fault.HTTP_429, 429, 429, 429),
        (Fault.HTTP_500, 500, 503, 500),
        (Fault.HTTP_NOTE, 200, 200, 200),
        (Fault.BAD_LOGIN, 401, 200, 401),
        (Fault.REVOKE_KEY, 401, 200, 401),
    ],
    ids=str,
)
def test_http_faults_answer_with_the_providers_status(
    fault: Fault | None, polygon: int, alphavantage: int, alpaca: int
) -> None:
    async def body(lab: Lab) -> None:
        for simulator in lab.simulators.values():
            if fault is not None:
                await simulator.inject(fault)
        assert await status_of(lab.polygon, NBBO) == polygon
        assert await status_of(lab.alphavantage, PRICE) == alphavantage
        assert await status_of(lab.alpaca, LATEST) == alpaca
        refused = [simulator.rest.refused for simulator in lab.simulators.values()]
        assert refused == [int(fault is not None)] * 3, "a notice with HTTP 200 is a refusal too"

    with_lab(body)


def test_a_hanging_provider_accepts_and_never_answers() -> None:
    async def body(lab: Lab) -> None:
        await lab.polygon.inject(Fault.HANG)
        with pytest.raises(LineError, match=r"no answer within 0\.2 s"):
            await status_of(lab.polygon, NBBO, timeout_s=0.2)
        frames: list[bytes] = []
        socket = await open_stream(lab, frames)
        assert frames == []
        socket.close()

    with_lab(body)


def test_a_refusing_provider_lets_nobody_new_in_and_keeps_who_is_there() -> None:
    async def body(lab: Lab) -> None:
        frames: list[bytes] = []
        there = await open_stream(lab, frames)
        await lab.polygon.inject(Fault.REFUSE)
        with pytest.raises(LineError, match="HTTP 503"):
            await open_stream(lab, [])
        while not frames:
            await SystemClock().sleep_until(SystemClock.monotonic_ns() + 1_000_000)
        assert b"Connected Successfully" in frames[0]
        there.close()

    with_lab(body)


@pytest.mark.parametrize(("fault", "factor"), [(None, 1.0), (Fault.SCALE, 10.0), (Fault.ZERO, 0.0)], ids=str)
def test_what_is_told_by_rest_suffers_as_the_stream_does(fault: Fault | None, factor: float) -> None:
    async def body(lab: Lab) -> None:
        for simulator in lab.simulators.values():
            if fault is not None:
                await simulator.inject(fault)
            sent = simulator.shown["IBM"].sequence
            while simulator.shown["IBM"].sequence == sent:
                await SystemClock().sleep_until(SystemClock.monotonic_ns() + 1_000_000)
        told = [
            (await answer_of(lab.polygon, NBBO))["results"]["p"],
            (await answer_of(lab.alpaca, LATEST))["quotes"]["IBM"]["bp"],
            float((await answer_of(lab.alphavantage, PRICE))["Global Quote"]["05. price"]),
        ]
        price = next(TAPE.quotes("IBM")).bid
        assert told == pytest.approx([price * factor] * 3, rel=0.02, abs=0.001)

    with_lab(body, LabConfig(speed=20))
