"""The HTTP transport against a real server on loopback."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from aiohttp import web
from tests.patience import PATIENCE_S

from firmquote.errors import ConfigError, LineError
from firmquote.model import Request
from firmquote.runtime.clock import SystemClock
from firmquote.wire import HttpClient, HttpLimits

pytestmark = pytest.mark.scenario
SECRET = "the-key"
REQUEST = Request(
    path="/query",
    symbols=("IBM",),
    query=(("symbol", "BRK-B"),),
    secret_query=(("apikey", SECRET),),
    headers=(("authorization", f"Bearer {SECRET}"),),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def with_server(
    handler: Handler, body: Callable[[HttpClient], Awaitable[None]], limits: HttpLimits | None = None
) -> None:
    async def main() -> None:
        app = web.Application()
        app.add_routes([web.get("/query", handler)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with (
            asyncio.timeout(PATIENCE_S),
            HttpClient("test", url, now_ns=SystemClock.now_ns, limits=limits or HttpLimits()) as client,
        ):
            await body(client)
        await runner.cleanup()

    uvloop.run(main())


def test_an_answer_comes_back_whole_whatever_its_status() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert (request.query["symbol"], request.query["apikey"]) == ("BRK-B", SECRET)
        assert f"Bearer {SECRET}" == request.headers["authorization"]
        return web.Response(status=429, text="slow down", headers={"Retry-After": "7"})

    async def body(client: HttpClient) -> None:
        response = await client.get(REQUEST)
        assert (response.status, response.body, dict(response.headers)["retry-after"]) == (429, b"slow down", "7")
        assert response.received_ns > 0

    with_server(handler, body)


async def stall(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def huge(_: web.Request) -> web.Response:
    return web.Response(body=b"x" * 10_000)


async def cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        pytest.param(stall, r"no answer within 0\.2 s", id="stalls"),
        pytest.param(huge, "answer above 5000 bytes", id="too long"),
        pytest.param(cut, "Disconnected", id="cut"),
    ],
)
def test_what_is_no_answer_is_a_line_error_without_the_key(handler: Handler, words: str) -> None:
    async def body(client: HttpClient) -> None:
        with pytest.raises(LineError, match=words) as caught:
            await client.get(REQUEST)
        assert SECRET not in str(caught.value)

    timeout_s = 0.2 if handler is stall else PATIENCE_S
    with_server(handler, body, HttpLimits(timeout_s=timeout_s, body_bytes_max=5_000))


def test_a_redirect_is_not_followed_since_the_key_would_travel() -> None:
    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:9/elsewhere")

    async def body(client: HttpClient) -> None:
        assert (await client.get(REQUEST)).status == 302

    with_server(away, body)


def test_nobody_there_is_a_line_error() -> None:
    async def main() -> None:
        url = "http://127.0.0.1:9"
        async with HttpClient("test", url, now_ns=SystemClock.now_ns, limits=HttpLimits()) as client:
            with pytest.raises(LineError, match="ClientConnectorError"):
                await client.get(REQUEST)

    uvloop.run(main())


def test_plain_http_to_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match="Use https:// there"):
        HttpClient("test", "http://api.example", now_ns=SystemClock.now_ns, limits=HttpLimits())
