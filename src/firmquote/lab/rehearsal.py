"""A gateway's judgement without its sockets, on a clock of its own: the board, the roles and the judge, fed by hand.

What the shell does on its timer is done here between two ticks of virtual time, so that hours of market pass in seconds
and the same seed gives the same result. Connections are not lost here: that needs sockets, and has a drill of its own.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from firmquote.board import Board, BoardView, Feed
from firmquote.lab.faults import SimQuote
from firmquote.model import (
    NS_PER_MS,
    FeedClass,
    LastPrice,
    Output,
    Price,
    Quote,
    Session,
    Tick,
    UnknownSymbol,
)
from firmquote.routing import ProviderManager, RoutingPolicy
from firmquote.runtime.conductor import Conductor
from firmquote.runtime.config import QualitySection
from firmquote.runtime.quality import QualityDesk
from firmquote.runtime.steady import SteadyClock
from firmquote.runtime.turns import at_once

TIMER_NS = 50 * NS_PER_MS


class VirtualClock:
    """Implements `Clock`; moves when told, and nobody sleeps on it."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._elapsed_ns = 0

    def now_ns(self) -> int:
        """Return the wall time."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Return the time since the beginning."""
        return self._elapsed_ns

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Nobody may wait here."""
        raise AssertionError(f"slept until {monotonic_ns} in a rehearsal")

    def move_to(self, now_ns: int) -> None:
        """Let time pass."""
        self._elapsed_ns += now_ns - self._now_ns
        self._now_ns = now_ns


class TapeTick(Struct, frozen=True, gc=False):
    """Implements `model.Tick`: shares and nanoseconds."""

    symbol: str
    bid: Price
    ask: Price
    bid_size: int
    ask_size: int
    time: int
    sequence: int


class TapeStream:
    """A streamed provider whose next frame is what was put there; implements `model.StreamProtocol`."""

    url = ""
    tick_type: type = TapeTick
    tick_ns = 1
    lot_shares = 1

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._next: list[TapeTick] = []

    def put(self, quotes: Iterable[SimQuote]) -> None:
        """Make these the next frame."""
        self._next = [
            TapeTick(q.symbol, q.bid, q.ask, q.bid_size_shares, q.ask_size_shares, q.event_ns, q.sequence)
            for q in quotes
        ]

    def make_quote(self, tick: Tick, received_ns: int) -> Quote | UnknownSymbol:
        """Return what a tick says; every symbol of the tape is known."""
        sides = tick.bid or None, tick.ask or None
        sizes = tick.bid_size, tick.ask_size
        return Quote(tick.symbol, self._provider, *sides, *sizes, tick.time, received_ns, tick.sequence)

    def on_frame(self, frame: bytes | memoryview, received_ns: int) -> Sequence[Output]:
        """Return the next frame's ticks."""
        del frame, received_ns
        return self._next

    def on_connected(self, now_ns: int) -> Sequence[Output]:
        """Say nothing."""
        del now_ns
        return ()

    def subscribe(self, symbols: Sequence[str]) -> Sequence[Output]:
        """Everything is sent anyway."""
        del symbols
        return ()

    unsubscribe = subscribe
    on_timer = on_connected


class SameSpelling:
    """Implements `model.SymbolCodec`."""

    def to_provider(self, canonical: str) -> str:
        """Return the canonical symbol."""
        return canonical

    def from_provider(self, spelling: str) -> str:
        """Return the canonical symbol."""
        return spelling


class OpenLine:
    """A connection that never breaks; implements `runtime.conductor.OpenStream`."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.resubscribed: list[str] = []

    @property
    def heard_ns(self) -> int:
        """Its pings are always answered."""
        return self._clock.now_ns()

    def resubscribe(self, symbol: str) -> None:
        """Note the wish."""
        self.resubscribed.append(symbol)


class Rehearsal:
    """Streams and last-price providers by name, most wanted first; `mock` is not among them."""

    def __init__(
        self,
        symbols: Sequence[str],
        streams: Sequence[str],
        last: Sequence[str],
        *,
        now_ns: int,
        policy: QualitySection,
        routing: RoutingPolicy | None = None,
    ) -> None:
        self.clock = VirtualClock(now_ns)
        steady = SteadyClock(self.clock)
        self.board = Board(symbols, grading=policy.grading.regular, plausibility=policy.plausibility)
        names = [*streams, *last]
        routing = routing or RoutingPolicy()
        self.manager = ProviderManager(names, routing, chance=lambda: 0.5, now_ns=now_ns, symbols=symbols)
        self.feeds: dict[str, Feed] = {}
        self._protocols: dict[str, TapeStream] = {}
        for name in names:
            kind = FeedClass.CONSOLIDATED if name in streams else FeedClass.LAST_PRICE
            self.feeds[name] = self.board.add_feed(name, kind)
        for name in streams:
            self._protocols[name] = TapeStream(name)
            self.feeds[name].expect_ticks(self._protocols[name], SameSpelling())
        self.conductor = Conductor(self.manager, self.board, steady, self.feeds, policy.silence)
        self._lines = policy.silence.lines
        self.opened = {name: OpenLine(self.clock) for name in streams}
        for name, line in self.opened.items():
            self.conductor.watch_stream(self.feeds[name], line)
        for name in names:
            self.conductor.on_ready(name)
        self.desk = QualityDesk(self.board, self.feeds, streams, policy, steady, self.conductor, _no_day)
        self._timer_ns = now_ns + TIMER_NS
        self.session = Session.REGULAR

    def send(self, provider: str, quotes: Iterable[SimQuote]) -> None:
        """Let a stream send these quotes now, as one frame."""
        protocol = self._protocols[provider]
        protocol.put(quotes)
        self.board.receive(self.feeds[provider], protocol, b"", self.clock.now_ns())

    def answer(self, provider: str, symbol: str, price: Price) -> None:
        """Let a last-price provider answer now."""
        now_ns = self.clock.now_ns()
        last = LastPrice(symbol=symbol, provider=provider, price=price, received_ns=now_ns)
        self.board.apply(self.feeds[provider], [last], now_ns)

    def move_to(self, now_ns: int) -> bool:
        """Let time pass; says whether the timer ran."""
        self.clock.move_to(now_ns)
        if now_ns < self._timer_ns:
            return False
        self._timer_ns += TIMER_NS
        at_once(self.conductor.look(TIMER_NS))
        at_once(self.desk.look(self.session))
        self.conductor.advance()
        self.board.flush()
        return True

    def begin(self, session: Session) -> None:
        """Let another part of the day begin."""
        self.conductor.begin_session(self.session, session)
        self.session = session

    def line_scores(self) -> list[float]:
        """Return how near each line of a stream is to counting as frozen; 1 is enough."""
        frozen, policy, now_ns = self.conductor.frozen, self._lines, self.clock.monotonic_ns()
        meters = [frozen.meter(name, symbol) for name in self.opened for symbol in self.board.entries]
        return [meter.score(now_ns, policy) for meter in meters if meter is not None]

    def view(self, symbol: str) -> BoardView:
        """Return what readers see of a symbol now."""
        return self.board.view(symbol, self.clock.now_ns())


def _no_day(now_ns: int) -> date | None:
    del now_ns
    return None
