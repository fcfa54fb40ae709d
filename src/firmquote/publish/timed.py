"""A client that takes too long to say what it wants is cut off: slow headers, slow bodies, silent connections."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 10.0
"""From the first byte (or the connection) to the last byte of a request."""
_SAID = (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.ERROR)


class TimedProtocol(H11Protocol):
    """uvicorn's protocol with a deadline on each request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own arguments, handed through
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._last = False

    def say_goodbye(self) -> None:
        """Let the next answer be the last on this connection."""
        self._last = True
        self._let_go()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Begin to wait."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Wait on, unless all is said."""
        super().data_received(data)
        if self._last:
            self._let_go()
        if self.conn.their_state in _SAID:
            self._stop()
        elif self._deadline is None:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop()
        super().connection_lost(exc)

    def _let_go(self) -> None:
        if not getattr(self.cycle, "response_complete", True):  # there is no cycle before the first request
            self.cycle.keep_alive = False

    def _watch(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_S, self.transport.abort)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
