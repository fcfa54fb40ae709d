"""Asks a polled provider for what its governor says is due, as long as the ledger and the breaker allow it."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from firmquote.board import Board, Feed
from firmquote.budget import Governor, Purpose
from firmquote.errors import LineError
from firmquote.model import (
    MS_PER_S,
    NS_PER_MS,
    NS_PER_S,
    Clock,
    Event,
    LineState,
    LineStatus,
    PollProtocol,
    Request,
    Response,
    Unparsed,
)
from firmquote.model.tracing import TRACING
from firmquote.routing import Outcome, ProviderManager
from firmquote.runtime.spending import Spending
from firmquote.runtime.stream import REFUSALS, LineOwner
from firmquote.store import Grant
from firmquote.wire import HttpClient, HttpLimits

_log = structlog.get_logger("firmquote")
LOOK_NS = 250 * NS_PER_MS
"""How often it is looked for something to ask, and for whether an open breaker lets it through."""
PATIENCE_FACTOR = 5.0
"""An answer that takes so many times the usual (the 99th percentile) will not come …"""
PATIENCE_S_MIN = 1.5
"""… and no answer is given up before."""
OVERDUE_S_MIN = 0.25
"""No answer is overdue before; above it, one that takes longer than 95 of 100 is."""
REFRESH_S = 4.0
"""How long an operator waits for a price: less than the command line's own patience."""
FAILURES = frozenset({LineState.LIMITED, LineState.SERVER_ERROR, LineState.REFUSED_KEY, LineState.NOT_ENTITLED})


class PollOwner(LineOwner, Protocol):
    """Is told of each request besides."""

    def on_answer(self, provider: str, outcome: Outcome) -> None: ...

    def on_unreached(self, provider: str, outcome: Outcome) -> None: ...

    def on_overdue(self, provider: str, symbols: Sequence[str]) -> None: ...

    def on_settled(self, provider: str, symbols: Sequence[str], *, answered: bool) -> None: ...


class Poll:
    """One request at a time; `run` ends when the provider refuses us for good.

    Nobody asks twice: a symbol that is wanted while its request is on its way gets that answer, and those that are
    wanted while another request is on its way leave together in the next one.
    """

    def __init__(
        self,
        feed: Feed,
        protocol: PollProtocol,
        board: Board,
        manager: ProviderManager,
        owner: PollOwner,
        spending: Spending,
        governor: Governor,
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
        self._spending = spending
        self._governor = governor
        self._clock = clock
        self._limits = limits or HttpLimits()
        self._may_ask = False
        """The breaker let a request through that was not made yet; it may be the probe that it waits for."""
        self._wanted: dict[str, asyncio.Future[str | None]] = {}
        """By symbol, so at most one each."""
        self._asking: dict[str, asyncio.Future[str | None]] = {}
        self._hedged: set[str] = set()
        """Symbols that another provider's answer is overdue of."""
        board.begin(feed, symbols, clock.now_ns())

    async def run(self) -> None:
        """Ask for whatever is due or wanted."""
        provider = self._feed.provider
        clock = self._clock
        async with HttpClient(provider, self._protocol.base_url, now_ns=clock.now_ns, limits=self._limits) as client:
            while True:
                begun_ns = clock.monotonic_ns()
                symbols, purpose = await self._next()
                hedging = purpose is not Purpose.OPERATOR and bool(self._hedged)
                for request in self._protocol.plan(symbols):
                    if hedging and self._hedged.isdisjoint(request.symbols):
                        continue
                    if not await self._ask(client, request, purpose, hedging=hedging):
                        return
                    await clock.sleep_until(begun_ns + self._protocol.request_interval_ns)

    async def refresh(self, symbol: str) -> str | None:
        """Have a fresh price of `symbol` on the board by an operator's word; returns why not, or `None`."""
        counts = self._spending.counts[self._feed.provider]
        future = self._asking.get(symbol) or self._wanted.get(symbol)
        if future is not None:
            counts.coalesced += 1
        elif self._governor.cadence.is_fresh(symbol, self._clock.monotonic_ns()):
            counts.cache_hits += 1
            return None
        else:
            future = self._wanted[symbol] = asyncio.get_running_loop().create_future()
        done, _ = await asyncio.wait({future}, timeout=REFRESH_S)
        if done:
            return future.result()
        self._wanted.pop(symbol, None)
        return f"{self._feed.provider} may not be asked now: {self._manager.members[self._feed.provider].why or 'busy'}"

    def hedge(self, symbol: str) -> None:
        """Ask for `symbol` soon, since another provider's answer is overdue; the reserve is not for that."""
        if symbol not in self._asking and not self._governor.cadence.is_fresh(symbol, self._clock.monotonic_ns()):
            self._hedged.add(symbol)

    def spare(self, symbol: str) -> None:
        """The answer that was overdue came, so ours is not needed, unless the request is on its way."""
        self._hedged.discard(symbol)

    async def _next(self) -> tuple[tuple[str, ...], Purpose]:
        clock = self._clock
        while True:
            turn = self._governor.turn(clock.monotonic_ns())
            symbols = tuple(self._wanted) or tuple(self._hedged) or turn.symbols
            if symbols and not self._may_ask:
                self._may_ask = self._manager.allows(self._feed.provider, clock.now_ns())
            if symbols and self._may_ask:
                return symbols, self._purpose()
            wait_ns = LOOK_NS if turn.symbols else min(turn.wait_ns, LOOK_NS)
            await clock.sleep_until(clock.monotonic_ns() + wait_ns)

    def _purpose(self) -> Purpose:
        if self._wanted:
            return Purpose.OPERATOR
        return Purpose.ORDINARY if self._hedged else self._governor.purpose

    async def _ask(self, client: HttpClient, request: Request, purpose: Purpose, *, hedging: bool) -> bool:
        waiting = [self._wanted.pop(symbol) for symbol in request.symbols if symbol in self._wanted]
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._asking.update(dict.fromkeys(request.symbols, answer))
        why_not: str | None = "the gateway is stopping"
        try:
            grant = await self._permit(request, purpose, hedging=hedging)
            if isinstance(grant, str):
                why_not = grant
                return True
            self._may_ask = False
            self._hedged.difference_update(request.symbols)
            provider, count = self._feed.provider, len(request.symbols)
            with TRACING.span("poll", provider=provider, symbols=count, purpose=purpose.value) as span:
                why_not, goes_on = await self._send(client, request, grant)
                if why_not is not None:
                    span.fail(why_not)
            return goes_on
        finally:
            for symbol in request.symbols:
                self._asking.pop(symbol, None)
            for future in (answer, *waiting):
                if not future.done():
                    future.set_result(why_not)

    async def _permit(self, request: Request, purpose: Purpose, *, hedging: bool) -> Grant | str:
        # An operator is told at once why not; our own turn waits, unless somebody else wants something meanwhile, and
        # what is asked for another provider's sake only as long as that one does not answer.
        while True:
            answer = await self._spending.permit(self._feed.provider, request, purpose)
            if isinstance(answer, Grant):
                return answer
            if purpose is Purpose.OPERATOR or self._wanted:
                return answer.words
            await self._clock.sleep_until(self._clock.monotonic_ns() + min(answer.wait_ns, NS_PER_S))
            if hedging and self._hedged.isdisjoint(request.symbols):
                return "another provider has answered meanwhile"
            purpose = self._governor.purpose

    async def _send(self, client: HttpClient, request: Request, grant: Grant) -> tuple[str | None, bool]:
        provider = self._feed.provider
        sent_ns = self._clock.monotonic_ns()
        self._spending.desk.note_sent(grant)
        try:
            response = await self._get(client, request)
        except LineError as error:
            self._spending.desk.lose(grant)
            self._manager.on_error(provider, "line_error", str(error))
            self._owner.on_unreached(provider, Outcome(at_ns=self._clock.now_ns(), ok=False, latency_ns=None))
            return str(error), True
        events = self._protocol.on_response(request, response)
        self._board.apply(self._feed, events, response.received_ns)
        self._spending.on_answer(grant, response, events)
        refusal = _first_failure(events)
        if refusal is None:
            self._finish(ok=True, sent_ns=sent_ns)
            self._owner.on_ready(provider)
            return None, True
        kind, words = refusal
        self._finish(ok=False, sent_ns=sent_ns, kind=kind, words=words)
        if kind in REFUSALS.values():
            self._owner.on_refused(provider, kind, words)
            return words, False
        return words, True

    async def _get(self, client: HttpClient, request: Request) -> Response:
        """Wait for the answer; say so when it takes longer than nearly all before it.

        A hang is soon told: nothing is waited for beyond several times what is usual.
        """
        usual = self._manager.members[self._feed.provider].health.latency(self._clock.now_ns())
        timeout_s = overdue_s = self._limits.timeout_s
        if usual.p95_ms is not None and usual.p99_ms is not None:
            timeout_s = min(timeout_s, max(PATIENCE_S_MIN, PATIENCE_FACTOR * usual.p99_ms / MS_PER_S))
            overdue_s = max(OVERDUE_S_MIN, usual.p95_ms / MS_PER_S)
        asked = asyncio.ensure_future(client.get(request, timeout_s=timeout_s))
        try:
            await asyncio.wait({asked}, timeout=overdue_s)
            if not asked.done():
                self._owner.on_overdue(self._feed.provider, request.symbols)
            return await asked
        finally:
            answered = asked.done() and not asked.cancelled() and asked.exception() is None
            asked.cancel()
            self._owner.on_settled(self._feed.provider, request.symbols, answered=answered)

    def _finish(self, *, ok: bool, sent_ns: int, kind: str = "", words: str = "") -> None:
        if not ok:
            self._manager.on_error(self._feed.provider, kind, words)
        took_ns = self._clock.monotonic_ns() - sent_ns
        self._owner.on_answer(self._feed.provider, Outcome(at_ns=self._clock.now_ns(), ok=ok, latency_ns=took_ns))


async def backfill(
    feed: Feed, protocol: PollProtocol, board: Board, spending: Spending, *, symbols: Sequence[str], clock: Clock
) -> None:
    """Ask once for the present quote of every symbol of a stream that has just begun; a failure costs nothing more."""
    try:
        async with HttpClient(feed.provider, protocol.base_url, now_ns=clock.now_ns, limits=HttpLimits()) as client:
            for request in protocol.plan(symbols):
                grant = await spending.permit(feed.provider, request, spending.purpose(feed.provider))
                if not isinstance(grant, Grant):
                    _log.warning("backfill", provider=feed.provider, cause=grant.words)
                    return
                spending.desk.note_sent(grant)
                response = await client.get(request)
                events = protocol.on_response(request, response)
                board.apply(feed, events, response.received_ns)
                spending.on_answer(grant, response, events)
    except LineError as error:
        _log.warning("backfill", provider=feed.provider, cause=str(error))


def _first_failure(events: Sequence[Event]) -> tuple[str, str] | None:
    for event in events:
        if isinstance(event, LineStatus) and event.state in FAILURES:
            return event.state.value, event.detail
        if isinstance(event, Unparsed):
            return "unparsed", "an answer that fits no known shape"
    return None
