"""Serve the API inside the gateway's own event loop. The framework is imported here, when a server is made."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from firmquote.errors import PortInUseError
from firmquote.publish.access_log import AccessLog, Logged
from firmquote.publish.live import LiveStream
from firmquote.publish.view import GatewayView

if TYPE_CHECKING:
    from firmquote.publish.access import Access

LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"]
"""Names that a browser may have asked for; any other is DNS rebinding."""
SHUTDOWN_S = 1
DRAIN_S = 0.25
"""How long a request that is on its way is waited for when another process goes on."""
CONNECTIONS_MAX = 512
"""Connections at once; one more is answered with 503. A silent one is cut off after ten seconds."""


class Tls(Struct, frozen=True):
    """Paths of a certificate (with its chain) and of its key, in PEM."""

    certificate: str
    key: str


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        PortInUseError: somebody else listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortInUseError(
            f"port {port} on {host} is taken. Stop what listens there (another gateway?), or choose another port: "
            "--port, or serve.port in the configuration."
        ) from error
    return listening


def preload() -> None:
    """Import what serving takes, so that its beginning takes no time."""
    import uvicorn  # noqa: F401, PLC0415 - see `serving`

    import firmquote.publish.api  # noqa: PLC0415 - likewise
    import firmquote.publish.timed  # noqa: F401, PLC0415 - likewise


async def _drain(connections: set[Any]) -> None:
    for connection in list(connections):
        connection.say_goodbye()
    with contextlib.suppress(TimeoutError):  # a request may be on its way on a connection that is in already
        async with asyncio.timeout(DRAIN_S):
            await asyncio.Event().wait()


@asynccontextmanager
async def serving(
    view: GatewayView,
    listening: socket.socket,
    *,
    access: "Access",
    hosts: list[str],
    tls: Tls | None = None,
    read_needs_token: bool = False,
    access_log: Logged = "changes",
    orders_need_key: bool = False,
    drains: Callable[[], bool] = lambda: False,
) -> AsyncIterator[None]:
    """Serve while the block runs; where `drains` says so at its end, who is connected already is answered first."""
    import uvicorn  # noqa: PLC0415 - half a second that a start can do without until the quotes flow

    from firmquote.publish.api import build_app  # noqa: PLC0415 - imports the framework
    from firmquote.publish.timed import TimedProtocol  # noqa: PLC0415 - likewise

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Leave signals to the gateway."""
            yield

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Let nobody in any more, answer who is in, and end."""
            if drains():
                for listener in self.servers:
                    listener.close()
                await _drain(self.server_state.connections)
            await super().shutdown(sockets)

    live = LiveStream(view)
    port = listening.getsockname()[1]
    names = [*hosts, *(f"{host}:{port}" for host in hosts)]
    config = uvicorn.Config(
        AccessLog(
            build_app(
                view,
                live,
                access=access,
                hosts=names,
                read_needs_token=read_needs_token,
                orders_need_key=orders_need_key,
            ),
            logged=access_log,
        ),
        http=TimedProtocol,
        limit_concurrency=CONNECTIONS_MAX,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=SHUTDOWN_S,
        ws="none",
    )
    server = Server(config)
    listening.listen()  # who asks from now on waits until the framework is up, and is not refused
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        live.close()
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
        listening.close()
