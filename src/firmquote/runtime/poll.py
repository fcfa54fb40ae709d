"""Asks a polled provider for each symbol in turn, at the pace of its plan, as long as its breaker allows."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from firmquote.board import Board, Feed
from firmquote.errors import LineError
from firmquote.model import (
    NS_PER_MS,
    NS_PER_S,
    Clock,
    Event,
    LineState,
    LineStatus,
    PollProtocol,
    Request,
    Unparsed,
)
from firmquote.routing import Outcome, ProviderManager
from firmquote.runtime.stream import REFUSALS, LineOwner
from firmquote.wire import HttpClient, HttpLimits

_log = structlog.get_logger("firmquote")
BREAKER_LOOK_NS = 250 * NS_PER_MS
"""How often an open breaker is asked again."""
FAILURES = frozenset({LineState.LIMITED, LineState.SERVER_ERROR, LineState.REFUSED_KEY, LineState.NOT_ENTITLED})


class PollOwner(LineOwner, Protocol):
    """Is told of each request besides."""

    def on_answer(self, provider: str, outcome: Outcome) -> None: ...

    def on_unreached(self, provider: str, outcome: Outcome) -> None: ...


class Poll:
    """One request at a time; `run` ends when the provider refuses us for good."""

    def __init__(
        self,
        feed: Feed,
        protocol: PollProtocol,
        board: Board,
        manager: ProviderManager,
        owner: PollOwner,
        *,
        symbols: Sequence[str],
        clock: Clock,
        limits: HttpLimits | None = None,
    ) -> None:
        self._feed = feed
        self._protocol = protocol
        self._board = board
        self._manager = manager
        self._owner = owner
        self._requests = list(protocol.plan(symbols))
        self._clock = clock
        self._limits = limits or HttpLimits()
        self._pause_until_ns = 0
        board.begin(feed, symbols, clock.now_ns())

    async def run(self) -> None:
        """Ask round after round."""
        provider = self._feed.provider
        clock = self._clock
        async with HttpClient(provider, self._protocol.base_url, now_ns=clock.now_ns, limits=self._limits) as client:
            while True:
                for request in self._requests:
                    begun_ns = clock.monotonic_ns()
                    await self._wait_for_permission(provider)
                    if not await self._ask(client, request):
                        return
                    await clock.sleep_until(begun_ns + self._protocol.request_interval_ns)

    async def _wait_for_permission(self, provider: str) -> None:
        clock = self._clock
        while clock.monotonic_ns() < self._pause_until_ns or not self._manager.allows(provider, clock.now_ns()):
            await clock.sleep_until(clock.monotonic_ns() + BREAKER_LOOK_NS)

    async def _ask(self, client: HttpClient, request: Request) -> bool:
        provider = self._feed.provider
        sent_ns = self._clock.monotonic_ns()
        try:
            response = await client.get(request)
        except LineError as error:
            self._manager.on_error(provider, "line_error", str(error))
            self._owner.on_unreached(provider, self._outcome(ok=False, sent_ns=sent_ns))
            return True
        events = self._protocol.on_response(request, response)
        self._board.apply(self._feed, events, response.received_ns)
        refusal = _first_failure(events)
        if refusal is None:
            self._finish(ok=True, sent_ns=sent_ns)
            self._owner.on_ready(provider)
            return True
        self._finish(ok=False, sent_ns=sent_ns, kind=refusal[0], words=refusal[1])
        self._pause_until_ns = self._clock.monotonic_ns() + int((refusal[2] or 0) * NS_PER_S)
        if refusal[0] in REFUSALS.values():
            self._owner.on_refused(provider, refusal[0], refusal[1])
            return False
        return True

    def _finish(self, *, ok: bool, sent_ns: int, kind: str = "", words: str = "") -> None:
        if not ok:
            self._manager.on_error(self._feed.provider, kind, words)
        self._owner.on_answer(self._feed.provider, self._outcome(ok=ok, sent_ns=sent_ns))

    def _outcome(self, *, ok: bool, sent_ns: int) -> Outcome:
        return Outcome(at_ns=self._clock.now_ns(), ok=ok, latency_ns=self._clock.monotonic_ns() - sent_ns)


async def backfill(feed: Feed, protocol: PollProtocol, board: Board, *, symbols: Sequence[str], clock: Clock) -> None:
    """Ask once for the present quote of every symbol of a stream that has just begun; a failure costs nothing."""
    try:
        async with HttpClient(feed.provider, protocol.base_url, now_ns=clock.now_ns, limits=HttpLimits()) as client:
            for request in protocol.plan(symbols):
                response = await client.get(request)
                board.apply(feed, protocol.on_response(request, response), response.received_ns)
    except LineError as error:
        _log.warning("backfill", provider=feed.provider, cause=str(error))


def _first_failure(events: Sequence[Event]) -> tuple[str, str, float | None] | None:
    for event in events:
        if isinstance(event, LineStatus) and event.state in FAILURES:
            return event.state.value, event.detail, event.retry_after_s
        if isinstance(event, Unparsed):
            return "unparsed", "an answer that fits no known shape", None
    return None
