"""Clients that ask a gateway all the time, and what they saw."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp

from firmquote.lab.drills.post import Items, Post
from firmquote.model import NS_PER_MS
from firmquote.runtime import SystemClock

EVERY_NS = 20 * NS_PER_MS
USABLE = ("firm", "indicative")


class Answers:
    """What one client saw."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.longest_ns = 0
        self.count = 0

    def note(self, took_ns: int) -> None:
        """Count an answer."""
        self.count += 1
        self.longest_ns = max(self.longest_ns, took_ns)


class Board:
    """What the quotes that were answered say, symbol by symbol."""

    def __init__(self) -> None:
        self.without_ns = 0
        """The longest time that a symbol was without a usable quote."""
        self.backward = 0
        self._usable_ns: dict[str, int] = {}
        self._event_ns: dict[str, int] = {}

    def note(self, quotes: Items) -> None:
        """Take an answer."""
        for quote in quotes:
            symbol, at_ns, event_ns = quote["symbol"], quote["as_of_ns"], quote["event_ns"]
            if quote["grade"] not in USABLE:
                self.without_ns = max(self.without_ns, at_ns - self._usable_ns.get(symbol, at_ns - 1))
            else:
                self._usable_ns[symbol] = at_ns
            if event_ns is not None:
                self.backward += event_ns < self._event_ns.get(symbol, 0)
                self._event_ns[symbol] = event_ns


class Crowd:
    """Clients that ask and give orders all the time."""

    def __init__(self, url: str, token: str) -> None:
        self.board = Board()
        self.clients = {"new connections": Answers(), "kept connections": Answers(), "orders": Answers()}
        self._url = url
        self._token = token

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Ask while the block runs."""
        async with (
            aiohttp.ClientSession(self._url, connector=aiohttp.TCPConnector(force_close=True)) as fresh,
            aiohttp.ClientSession(self._url) as kept,
        ):
            asks = (
                (EVERY_NS, lambda: _quotes(fresh, self.board)),
                (EVERY_NS, lambda: _quotes(kept, None)),
                (10 * EVERY_NS, lambda: Post(fresh, self._token).give("/v1/lease", {})),
            )
            answers = self.clients.values()
            tasks = [asyncio.create_task(_ask(a, *ask)) for a, ask in zip(answers, asks, strict=True)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task

    @property
    def longest_ms(self) -> float:
        """The longest that anybody waited for an answer."""
        return max(answers.longest_ns for answers in self.clients.values()) / NS_PER_MS


async def _ask(answers: Answers, every_ns: int, ask: Callable[[], Awaitable[object]]) -> None:
    clock = SystemClock()
    while True:
        begun_ns = clock.monotonic_ns()
        try:
            await ask()
        except (aiohttp.ClientError, AssertionError, TimeoutError) as error:
            answers.failures.append(repr(error))
        else:
            answers.note(clock.monotonic_ns() - begun_ns)
        await clock.sleep_until(begun_ns + every_ns)


async def _quotes(session: aiohttp.ClientSession, board: Board | None) -> None:
    async with session.get("/v1/quotes") as answer:
        quotes: Items = await answer.json()
        assert answer.status == 200, quotes
    if board is not None:
        board.note(quotes)
