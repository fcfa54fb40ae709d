"""WebSocket transport on picows: each frame is handled inside the socket's own callback, without task or queue."""

import asyncio
import ssl
from collections.abc import Callable
from http import HTTPStatus

from msgspec import Struct
from picows import WSCloseCode, WSError, WSFrame, WSInvalidStatusError, WSListener, WSMsgType, WSTransport, ws_connect
from picows.picows import WSCloseHandshake

from firmquote.errors import AuthError, LimitError, LineError, ProviderError
from firmquote.model.hotpath import check_live_call
from firmquote.wire.urls import check_url

_TEXT = WSMsgType.TEXT


class SocketLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a connection may take."""

    connect_timeout_s: float = 5.0
    frame_bytes_max: int = 4 * 1024 * 1024
    """A longer message ends the connection."""
    ping_after_s: float = 5.0
    """Ping when nothing came for this long …"""
    pong_within_s: float = 5.0
    """… and give the connection up when no answer comes."""


class Closed(Struct, frozen=True, kw_only=True):
    """How a connection ended. `code` is `None` where there was no closing handshake."""

    code: int | None
    words: str


class Socket(WSListener):
    """One open connection. `on_open(socket)` and `on_frame(payload, received_ns)` run in its callbacks: no blocking.

    The payload is a view into the read buffer: decode it there and keep nothing that points into it. A message in
    several frames is joined first. An exception of the handler ends the connection and is raised by `wait_closed`.
    """

    def __init__(
        self,
        on_open: Callable[["Socket"], None],
        on_frame: Callable[[bytes | memoryview, int], None],
        now_ns: Callable[[], int],
        limits: SocketLimits,
    ) -> None:
        self._on_open = on_open
        self._on_frame = on_frame
        self._now_ns = now_ns
        self._bytes_max = limits.frame_bytes_max  # picows hands over a frame that is too long before it disconnects
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._parts_bytes = 0
        self._words = ""
        self.heard_ns = 0
        """When the last ping was answered, by `now_ns`."""

    def is_user_specific_pong(self, frame: WSFrame) -> bool:
        """Note that the other side is there (picows asks this of each frame while it waits for an answer)."""
        answered = frame.msg_type is WSMsgType.PONG
        if answered:
            self.heard_ns = self._now_ns()
        return answered

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Tell the owner before the first frame can come (picows)."""
        self._transport = transport
        self._on_open(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Hand a whole text or binary message to the handler (picows)."""
        kind = frame.msg_type
        if kind is _TEXT and frame.fin and frame.payload_size <= self._bytes_max and not self._parts:
            self._on_frame(frame.get_payload_as_memoryview(), self._now_ns())
        elif kind is WSMsgType.CLOSE:
            self._words = frame.get_close_reason() or ""
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif kind in (_TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._join(transport, frame)

    def send(self, payload: bytes) -> None:
        """Send one text message."""
        check_live_call("a message to a provider")
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, payload)

    def close(self) -> None:
        """Close with 1000; `wait_closed` returns soon after."""
        if self._transport is not None:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect()

    async def wait_closed(self) -> Closed:
        """Return how the connection ended. A handler's exception is raised here."""
        assert self._transport is not None
        try:
            await self._transport.wait_disconnected()
        except (WSError, OSError) as error:
            return Closed(code=None, words=str(error) or type(error).__name__)
        handshake: WSCloseHandshake | None = self._transport.close_handshake  # picows: None without a closing frame
        received = None if handshake is None else handshake.recv
        if received is None:
            return Closed(code=None, words=self._words or "the connection broke")
        return Closed(code=int(received.code.value), words=self._words or received.reason or "closed by the provider")

    def _join(self, transport: WSTransport, frame: WSFrame) -> None:
        self._parts.append(frame.get_payload_as_bytes())
        self._parts_bytes += frame.payload_size
        if self._parts_bytes > self._bytes_max:
            self._words = f"a message above {self._bytes_max} bytes"
            transport.send_close(WSCloseCode.MESSAGE_TOO_BIG)
            transport.disconnect()
        elif frame.fin:
            message = b"".join(self._parts)
            self._parts, self._parts_bytes = [], 0
            self._on_frame(message, self._now_ns())


async def connect(
    url: str,
    *,
    provider: str,
    on_open: Callable[[Socket], None],
    on_frame: Callable[[bytes | memoryview, int], None],
    now_ns: Callable[[], int],
    limits: SocketLimits,
    tls: ssl.SSLContext | None = None,
) -> Socket:
    """Open a connection. Certificates are verified, against the system's store unless `tls` brings another.

    Raises:
        ConfigError: plain `ws://` to another machine.
        AuthError, LimitError, LineError: the provider refused the upgrade, or nobody answered in time.
    """
    check_url(url, schemes=("ws", "wss"))
    context = (tls or ssl.create_default_context()) if url.startswith("wss:") else None
    try:
        async with asyncio.timeout(limits.connect_timeout_s):
            _, socket = await ws_connect(
                lambda: Socket(on_open, on_frame, now_ns, limits),
                url,
                ssl_context=context,
                websocket_handshake_timeout=limits.connect_timeout_s,
                enable_auto_ping=True,
                auto_ping_idle_timeout=limits.ping_after_s,
                auto_ping_reply_timeout=limits.pong_within_s,
                max_frame_size=limits.frame_bytes_max,
                max_redirects=0,
            )
    except WSInvalidStatusError as error:
        raise _refusal(provider, url, 0 if error.response is None else int(error.response.status)) from None
    except TimeoutError:
        raise LineError(
            f"{provider}: {url} did not answer within {limits.connect_timeout_s:g} s.", provider=provider
        ) from None
    except (WSError, OSError) as error:
        raise LineError(f"{provider}: cannot connect to {url} ({error}).", provider=provider) from error
    assert isinstance(socket, Socket)
    return socket


def _refusal(provider: str, url: str, status: int) -> ProviderError:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AuthError(f"{provider}: {url} refused the key (HTTP {status}). Check it.", provider=provider)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return LimitError(f"{provider}: {url} has too many connections (HTTP 429).", provider=provider)
    return LineError(f"{provider}: {url} answered HTTP {status}.", provider=provider)
