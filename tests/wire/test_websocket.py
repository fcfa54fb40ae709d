"""The WebSocket transport against a real server on loopback."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from aiohttp import WSMsgType, web
from tests.certificate import make_certificate
from tests.patience import PATIENCE_S

from firmquote.errors import AuthError, ConfigError, LimitError, LineError
from firmquote.runtime.clock import SystemClock
from firmquote.wire import Socket, SocketLimits, check_url, connect

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
pytestmark = pytest.mark.scenario


@asynccontextmanager
async def server(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.get("/", handler)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    yield f"{'ws' if tls is None else 'wss'}://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


class Heard:
    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.opened: list[Socket] = []

    def on_frame(self, frame: bytes | memoryview, received_ns: int) -> None:
        assert received_ns > 0
        self.frames.append(bytes(frame))


async def open_to(
    url: str, heard: Heard, limits: SocketLimits | None = None, tls: ssl.SSLContext | None = None
) -> Socket:
    return await connect(
        url,
        provider="test",
        on_open=heard.opened.append,
        on_frame=heard.on_frame,
        now_ns=SystemClock.now_ns,
        limits=limits or SocketLimits(),
        tls=tls,
    )


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await body()

    uvloop.run(main())


async def talk(request: web.Request) -> web.WebSocketResponse:
    """Echo once, then close with 1000."""
    peer = web.WebSocketResponse(compress=False)
    await peer.prepare(request)
    await peer.send_str("hello")
    message = await peer.receive()
    await peer.send_str(f"you said {message.data}")
    await peer.close(message=b"done")
    return peer


def test_frames_are_heard_in_order_and_a_clean_close_says_so() -> None:
    async def body() -> None:
        heard = Heard()
        async with server(talk) as url:
            line = await open_to(url, heard)
            line.send(b"hi")
            closed = await line.wait_closed()
        assert heard.frames == [b"hello", b"you said hi"]
        assert (closed.code, closed.words) == (1000, "done")
        assert [line] == heard.opened

    run(body)


def test_a_message_in_several_frames_is_joined() -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        peer = web.WebSocketResponse(compress=False)
        await peer.prepare(request)
        assert request.transport is not None
        request.transport.write(b"\x01\x03one" + b"\x00\x03two" + b"\x80\x05three")
        await peer.receive()
        return peer

    async def body() -> None:
        heard = Heard()
        async with server(handler) as url:
            line = await open_to(url, heard)
            while not heard.frames:
                await SystemClock().sleep_until(SystemClock.monotonic_ns() + 1_000_000)
            line.close()
        assert heard.frames == [b"onetwothree"]

    run(body)


@pytest.mark.parametrize("fragmented", [False, True], ids=["one frame", "many frames"])
def test_a_message_above_the_limit_ends_the_connection(fragmented: bool) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        peer = web.WebSocketResponse(compress=False)
        await peer.prepare(request)
        if fragmented:
            assert request.transport is not None
            part = b"\x7e\x03\xe8" + b"x" * 1_000
            request.transport.write(b"\x01" + part + (b"\x00" + part) * 5)
        else:
            await peer.send_str("x" * 5_000)
        await peer.receive()
        return peer

    async def body() -> None:
        heard = Heard()
        async with server(handler) as url:
            line = await open_to(url, heard, SocketLimits(frame_bytes_max=2_000))
            closed = await line.wait_closed()
        assert heard.frames == []
        assert closed.words

    run(body)


def test_a_cut_connection_has_no_code() -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        peer = web.WebSocketResponse(compress=False)
        await peer.prepare(request)
        assert request.transport is not None
        request.transport.abort()
        return peer

    async def body() -> None:
        async with server(handler) as url:
            closed = await (await open_to(url, Heard())).wait_closed()
        assert closed.code is None
        assert closed.words

    run(body)


def test_a_peer_that_answers_no_ping_is_given_up() -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        peer = web.WebSocketResponse(compress=False, autoping=False)
        await peer.prepare(request)
        while (await peer.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR):
            pass
        return peer

    async def body() -> None:
        async with server(handler) as url:
            line = await open_to(url, Heard(), SocketLimits(ping_after_s=0.05, pong_within_s=0.05))
            closed = await line.wait_closed()
        assert closed.words

    run(body)


def test_a_server_that_accepts_and_never_answers_is_given_up_in_time() -> None:
    async def body() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:  # the kernel accepts; nobody reads
            url = f"ws://127.0.0.1:{listening.getsockname()[1]}/"
            with pytest.raises(LineError, match=r"did not answer within|cannot connect"):
                await open_to(url, Heard(), SocketLimits(connect_timeout_s=0.2))

    run(body)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthError), (403, AuthError), (429, LimitError), (503, LineError)], ids=str
)
def test_a_refused_upgrade_is_told_by_its_status(status: int, kind: type[Exception]) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async def body() -> None:
        async with server(refuse) as url:
            with pytest.raises(kind, match=str(status)):
                await open_to(url, Heard())

    run(body)


def test_nobody_there_is_a_line_error() -> None:
    async def body() -> None:
        with pytest.raises(LineError, match=r"cannot connect to ws://127\.0\.0\.1:9"):
            await open_to("ws://127.0.0.1:9/", Heard())

    run(body)


def test_an_exception_of_the_handler_ends_the_connection_and_is_raised_to_its_owner() -> None:
    class Broken(Heard):
        def on_frame(self, frame: bytes | memoryview, received_ns: int) -> None:
            del frame, received_ns
            raise ZeroDivisionError

    async def body() -> None:
        async with server(talk) as url:
            with pytest.raises(ZeroDivisionError):
                await (await open_to(url, Broken())).wait_closed()

    run(body)


def test_a_certificate_that_nobody_vouches_for_is_refused_and_a_trusted_one_accepted(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)

    async def body() -> None:
        serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        serving.load_cert_chain(cert, key)
        async with server(talk, serving) as url:
            with pytest.raises(LineError, match=r"(?i)certificate"):
                await open_to(url, Heard())
            heard = Heard()
            trusting = ssl.create_default_context(cafile=str(cert))
            line = await open_to(url, heard, tls=trusting)
            line.send(b"hi")
            await line.wait_closed()
            assert heard.frames == [b"hello", b"you said hi"]

    run(body)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/", "ws://localhost/", "ws://[::1]:5/", "wss://socket.example/x"])
def test_encrypted_or_loopback_addresses_are_accepted(url: str) -> None:
    check_url(url, schemes=("ws", "wss"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ws://socket.example/stocks", "Use wss:// there"),
        ("ws://127.0.0.1.example/", "Use wss:// there"),
        ("ws://10.0.0.1/", "Use wss:// there"),
        ("http://127.0.0.1/", "not a wss:// address"),
        ("wss:///stocks", "not a wss:// address"),
        ("wss://user:hunter2@socket.example/", "holds a password"),
    ],
)
def test_any_other_address_is_refused_with_what_to_do(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        check_url(url, schemes=("ws", "wss"))
    assert "hunter2" not in str(caught.value)
