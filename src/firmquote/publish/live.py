"""Server-sent events: what the page shows, pushed. One snapshot is encoded once for however many readers.

Three kinds of message: `state` (quotes, health, decisions: the newest replaces all before), `change` (one event of
`/v1/events`, with its number as `id`, so that a browser that was away gets what it missed), and a comment as heartbeat.
A slow reader is never queued for: it gets the newest state when it can take one.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Protocol

from msgspec import Struct, json

from firmquote.model.status import EventView, HealthReport, QuoteView

STATE_EVERY_S = 0.5
LOOK_EVERY_S = 0.1
"""How often it is looked whether something changed; the most that a change waits."""
READERS_MAX = 32
_encode = json.Encoder().encode


class LiveView(Protocol):
    """What is pushed."""

    async def all_quotes(self) -> Sequence[QuoteView]: ...

    async def all_health(self, quotes: Sequence[QuoteView]) -> HealthReport: ...

    async def all_decisions(self) -> Sequence[Struct]: ...

    def events(self, after: int) -> Sequence[EventView]:
        """Return what changed since event number `after`, oldest first."""
        ...


class State(Struct, frozen=True, kw_only=True):
    """All that the page shows every half second."""

    quotes: Sequence[QuoteView]
    health: HealthReport
    decisions: Sequence[Struct]


class LiveStream:
    """The push side of the API. `close` ends all streams, so that a server can stop."""

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._readers = 0
        self._closed = asyncio.Event()
        self._making = asyncio.Lock()
        self._state = b""
        self._state_at_s = 0.0

    def close(self) -> None:
        """End every stream."""
        self._closed.set()

    @property
    def full(self) -> bool:
        """Whether there are as many readers as there may be."""
        return self._readers >= READERS_MAX

    async def messages(self, after: int) -> AsyncIterator[bytes]:
        """Yield the messages for one reader that knows the events until number `after`."""
        self._readers += 1
        try:
            yield b"retry: 500\n\n"
            sent_at_s = 0.0
            while not self._closed.is_set():
                changes = self._view.events(after)
                for change in changes:
                    yield message("change", _encode(change), number=change.sequence)
                    after = change.sequence
                if changes or self._now_s() - sent_at_s >= STATE_EVERY_S:
                    sent_at_s = self._now_s()
                    yield await self._newest(fresh=bool(changes))
                await self._pause()
        finally:
            self._readers -= 1

    async def _newest(self, *, fresh: bool) -> bytes:
        wanted_s = self._now_s()
        async with self._making:  # who comes meanwhile gets what is made now, unless it must be newer
            oldest_s = wanted_s if fresh else wanted_s - STATE_EVERY_S / 2
            if not self._state or self._state_at_s < oldest_s:
                begun_s, view = self._now_s(), self._view
                quotes = await view.all_quotes()
                health, decisions = await view.all_health(quotes), await view.all_decisions()
                state = State(quotes=quotes, health=health, decisions=decisions)
                self._state = message("state", _encode(state))
                self._state_at_s = begun_s
        return self._state

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._closed.wait()

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()


def message(kind: str, data: bytes, *, number: int | None = None) -> bytes:
    """Write one message as the HTML standard wants it; JSON has no line feeds, so one `data` line is enough."""
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"event: %s\ndata: %s\n\n" % (kind.encode(), data)
