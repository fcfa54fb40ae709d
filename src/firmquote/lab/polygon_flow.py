"""Enough of Polygon's stream protocol for any client, around whatever flow of frames a load test sends."""

import asyncio
import json
from collections.abc import Callable, Coroutine

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

Flow = Callable[[WSTransport], Coroutine[None, None, None]]


class _Polygon(WSListener):
    """Greets, accepts any login, and lets `flow` go on from the first subscription until the client is gone."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
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
            self._sending = asyncio.get_running_loop().create_task(self._flow(transport))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Stop."""
        del transport
        if self._sending is not None:
            self._sending.cancel()

    def pause_writing(self) -> None:
        """A flow looks at the buffer itself."""

    def resume_writing(self) -> None:
        """Likewise."""


async def serve(flow: Flow) -> tuple[asyncio.Server, int]:
    """Listen on a free port of loopback; returns the server and the port."""

    def listener(_: WSUpgradeRequest) -> WSListener:
        return _Polygon(flow)

    server = await ws_create_server(listener, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def _say(transport: WSTransport, status: str) -> None:
    transport.send(WSMsgType.TEXT, json.dumps([{"ev": "status", "status": status, "message": ""}]).encode())
