"""Keeps one streamed connection: connects, carries out what the protocol wants, and comes back after each loss."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from random import Random
from typing import Protocol

from firmquote.board import Board, Feed
from firmquote.errors import ProviderError
from firmquote.model import Clock, CloseLine, LineState, LineStatus, Output, Send, StreamProtocol
from firmquote.wire import Backoff, BackoffPolicy, Effect, Event, Session, Socket, SocketLimits, connect

REFUSALS = {LineState.REFUSED_KEY: "refused_key", LineState.NOT_ENTITLED: "not_entitled"}


class LineOwner(Protocol):
    """Is told what happens to lines. Each method runs in the socket's callback: quick, and never raising."""

    def on_ready(self, provider: str) -> None: ...

    def on_lost(self, provider: str, words: str) -> None: ...

    def on_refused(self, provider: str, kind: str, words: str) -> None: ...

    def on_status(self, provider: str, status: LineStatus) -> None: ...


class Stream:
    """Drives the session table of one provider's stream until it is stopped or refused for good."""

    def __init__(
        self,
        feed: Feed,
        protocol: StreamProtocol,
        board: Board,
        owner: LineOwner,
        *,
        symbols: Sequence[str],
        clock: Clock,
        random: Random,
        backoff: BackoffPolicy | None = None,
        limits: SocketLimits | None = None,
    ) -> None:
        self._feed = feed
        self._protocol = protocol
        self._board = board
        self._owner = owner
        self._provider = feed.provider
        self._symbols = symbols
        self._clock = clock
        self._limits = limits or SocketLimits()
        self._backoff = Backoff(backoff or BackoffPolicy(), random)
        self._session = Session()
        self._socket: Socket | None = None
        self._opened_ns = 0
        self._words = ""
        self._retry = True
        self._retry_after_s: float | None = None
        self.needs_backfill = False
        """Set when the line became ready: quiet symbols have no quote until somebody asks for it."""
        feed.control = self._control
        protocol.subscribe(symbols)

    @property
    def provider(self) -> str:
        """Whose stream this is."""
        return self._provider

    @property
    def attempts(self) -> int:
        """How many attempts the backoff remembers; 0 once data was stable."""
        return self._backoff.attempts

    @property
    def state(self) -> str:
        """Where the connection stands."""
        return self._session.state.value

    async def run(self) -> None:
        """Connect and stay connected; returns when the provider refuses us for good. May be run again."""
        self._session = Session()
        effects = self._session.on(Event.START)
        while Effect.CONNECT in effects:
            effects = await self._connection()
            if Effect.ANNOUNCE_REFUSED in effects:
                self._owner.on_refused(self._provider, "refused", self._words)
                return
            self._owner.on_lost(self._provider, self._words)
            delay_ns = self._backoff.next_delay_ns(retry_after_s=self._retry_after_s)
            await self._clock.sleep_until(self._clock.monotonic_ns() + delay_ns)
            effects = self._session.on(Event.RETRY_DUE)

    @property
    def heard_ns(self) -> int:
        """When the last quote, or answer to a ping, came on the present connection; 0 while there is none."""
        if self._socket is None:
            return 0
        return max(self._socket.heard_ns, self._feed.last_accepted_ns, self._opened_ns)

    def resubscribe(self, symbol: str) -> None:
        """Have the provider send `symbol` anew: it may have dropped it from a live subscription."""
        self._carry_out(self._protocol.unsubscribe([symbol]))
        self._carry_out(self._protocol.subscribe([symbol]))

    def on_timer(self, now_ns: int) -> None:
        """Let the protocol say what time alone makes necessary, and let the backoff see that data is coming."""
        self._carry_out(self._protocol.on_timer(now_ns))
        if self._socket is not None and self._feed.last_accepted_ns > self._opened_ns:
            self._backoff.on_data(self._feed.last_accepted_ns)

    async def _connection(self) -> tuple[Effect, ...]:
        self._words, self._retry, self._retry_after_s = "", True, None
        try:
            socket = await connect(
                self._protocol.url,
                provider=self._provider,
                on_open=self._on_open,
                on_frame=partial(self._board.receive, self._feed, self._protocol),
                now_ns=self._clock.now_ns,
                limits=self._limits,
            )
        except ProviderError as error:
            self._socket = None
            self._words = str(error)
            return self._session.on(Event.LOST if error.retryable else Event.REFUSED)
        try:
            closed = await socket.wait_closed()
        except asyncio.CancelledError:
            self._session.on(Event.STOP)
            socket.close()
            raise
        finally:
            self._socket = None
        self._words = self._words or closed.words
        return self._session.on(Event.LOST if self._retry else Event.REFUSED)

    def _on_open(self, socket: Socket) -> None:
        self._socket = socket
        self._opened_ns = self._clock.now_ns()
        self._session.on(Event.OPENED)
        self._carry_out(self._protocol.on_connected(self._clock.now_ns()))

    def _control(self, event: LineStatus | Send | CloseLine) -> None:
        if isinstance(event, LineStatus):
            self._on_status(event)
        else:
            self._carry_out([event])

    def _on_status(self, status: LineStatus) -> None:
        self._owner.on_status(self._provider, status)
        if status.state is LineState.READY:
            self._session.on(Event.ACCEPTED)
            self._board.begin(self._feed, self._symbols, status.received_ns)
            self.needs_backfill = True
            self._owner.on_ready(self._provider)
        elif status.state in REFUSALS:
            self._words = status.detail
            self._retry = False
            self._owner.on_refused(self._provider, REFUSALS[status.state], status.detail)
            if self._socket is not None:
                self._socket.close()
        elif status.state is LineState.LIMITED:
            self._retry_after_s = status.retry_after_s

    def _carry_out(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if isinstance(output, Send):
                if self._socket is not None:
                    self._socket.send(output.payload)
            elif isinstance(output, CloseLine):
                self._words = output.cause
                self._retry = output.retry
                if self._socket is not None:
                    self._socket.close()
