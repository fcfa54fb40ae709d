"""Enough of Polygon's stream protocol for any client, around whatever flow of frames a load test sends."""

import asyncio
import json
from collections.abc import Callable, Coroutine

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

Flow = Callable[[WSTransport], Coroutine[None, None, None]]


class Polygon(WSListener):
    """Greets, accepts any login, and begins `flow` with the first subscription."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self.sending: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Greet."""
        _say(transport, "connected")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Accept any login; the first subscription starts the flow."""
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
        elif b'"auth"' in frame.get_payload_as_bytes():
            _say(transport, "auth_success")
        elif self.sending is None:
            self.sending = asyncio.get_running_loop().create_task(self._flow(transport))

    def pause_writing(self) -> None:
        """A flow looks at the buffer itself."""

    def resume_writing(self) -> None:
        """Likewise."""


async def serve(flow: Flow, listens: Callable[[Flow], WSListener] = Polygon) -> tuple[asyncio.Server, int]:
    """Listen on a free port of loopback; returns the server and the port."""

    def listener(_: WSUpgradeRequest) -> WSListener:
        return listens(flow)

    server = await ws_create_server(listener, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def _say(transport: WSTransport, status: str) -> None:
    transport.send(WSMsgType.TEXT, json.dumps([{"ev": "status", "status": status, "message": ""}]).encode())
