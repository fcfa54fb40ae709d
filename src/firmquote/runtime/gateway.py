"""The gateway: everything wired together, and the tasks that drive it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from random import Random

import structlog

from firmquote.board import Board, lift_band
from firmquote.model import (
    NS_PER_MS,
    NS_PER_S,
    Clock,
    Opening,
    PollProtocol,
    Provider,
    Session,
    SyntheticSource,
)
from firmquote.routing import ProviderManager
from firmquote.runtime.alerting import Alerting
from firmquote.runtime.budget_report import BudgetReport
from firmquote.runtime.conductor import Conductor
from firmquote.runtime.config import Config
from firmquote.runtime.corporate import CorporateDesk
from firmquote.runtime.front import Place, front, state_dir
from firmquote.runtime.loading import build_normalizer, open_provider
from firmquote.runtime.permits import GatewayPermits
from firmquote.runtime.poll import Poll, backfill
from firmquote.runtime.quality import QualityDesk
from firmquote.runtime.recording import Recording
from firmquote.runtime.references import References, Source
from firmquote.runtime.report import Report
from firmquote.runtime.safety import Safety
from firmquote.runtime.slots import SlotGate
from firmquote.runtime.spending import build_spending
from firmquote.runtime.steady import SteadyClock
from firmquote.runtime.stream import Stream
from firmquote.runtime.trading import build_trading
from firmquote.runtime.turns import Turns, Work, portions, take_turns
from firmquote.symbols import xnys_calendar

TIMER_NS = 50 * NS_PER_MS
"""How often everything that depends on time passing is looked at."""
SYNTHETIC_AT_ONCE = 10
"""Symbols that a synthetic provider makes quotes of before frames that have come meanwhile are read."""
READY = "ready"
HELD = "held elsewhere"
"""Where a connection stands that another process has."""
SYNTHETIC_NS = 500 * NS_PER_MS
SYNTHETIC_PER_TURN = 100
"""Symbols whose quotes are made up anew at a time; on a larger board they take turns."""
"""How often a synthetic provider makes new quotes."""
_log = structlog.get_logger("firmquote")


class Gateway:
    """Owns the board, the roles, the engine and all connections of one process."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        clock: Clock,
        random: Random,
        *,
        corporate: CorporateDesk | None = None,
    ) -> None:
        self.config = config
        self.symbols = config.feeds.quotes.live_symbols_allowlist
        self._watched = (*config.feeds.quotes.priority_symbols, *config.feeds.quotes.canary_symbols)
        self.clock = clock = SteadyClock(clock)
        self._random = random
        self._loop: asyncio.AbstractEventLoop | None = None
        self.session = self.session_at(clock.now_ns())
        self.board = Board(
            self.symbols,
            grading=config.quality.grading.at(self.session),
            plausibility=config.quality.plausibility,
            wake=self._schedule_flush,
            fastest=config.routing.mode == "fastest",
        )
        order = config.provider_order()
        self.manager = ProviderManager(
            order, config.routing, chance=random.random, now_ns=clock.now_ns(), symbols=self.symbols
        )
        self.normalizer = build_normalizer(order, config.symbols)
        self._opened = {name: open_provider(name, config, environ, self.normalizer) for name in order}
        self._check_spellings()
        self.feeds = {
            name: self.board.add_feed(name, provider.feed_class(opening.config))
            for name, (provider, opening) in self._opened.items()
        }
        self.conductor = Conductor(self.manager, self.board, clock, self.feeds, config.quality.silence)
        self.spending = build_spending(config, self._opened, self.conductor, clock, state_dir(config))
        self.budget = BudgetReport(self.spending, clock)
        self.safety = Safety(config, self.board, self.conductor, clock, environ)
        permits = GatewayPermits(
            self.board,
            stages=lambda: self.safety.stages,
            restrictions=lambda: self.safety.restrictions,
            budget_left_pct=self.budget.left_pct,
        )
        self.trading = build_trading(
            config,
            self.board,
            clock,
            environ,
            permits=permits,
            directory=state_dir(config),
            guarding=self.safety.guarding,
            resolve=partial(self.normalizer.resolve, served=self.board.entries.keys()),
        )
        self.safety.rethink = self.trading.think_again
        self.safety.measure(config, self.feeds, self.trading.latencies_ns, self.budget.left_pct)
        self.spending.positions = self._positions
        self.recording = None
        if config.history.record:
            reader = self.board.add_reader("recording")
            self.recording = Recording(reader, config.history_dir(), clock, self.trading.day_at)
        self.streams: list[Stream] = []
        self._lines: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._acts = False
        """Whether decisions are made, orders given and providers asked; until then it only watches."""
        self._polls: dict[str, Poll] = {}
        self._gates: dict[str, SlotGate] = {}
        self._backfills: dict[str, PollProtocol] = {}
        self._sources: list[tuple[str, SyntheticSource]] = []
        for name, (provider, opening) in self._opened.items():
            self._open(name, provider, opening)
        self.quality = QualityDesk(
            self.board,
            self.feeds,
            [stream.provider for stream in self.streams],
            config.quality,
            clock,
            self.conductor,
            self._trading_day,
        )
        self.corporate = corporate or CorporateDesk(None, config, clock)
        self.corporate.attach(self.board, carry=self.trading.carry, publish=self.conductor.publish)
        sources = [
            Source(name, provider.open_reference(opening))
            for name, (provider, opening) in self._opened.items()
            if provider.open_reference is not None
        ]
        self.references = References(sources, self.corporate, self.spending, self.symbols, clock)
        self.report = Report(self, {name: provider.title for name, (provider, _) in self._opened.items()}, clock)
        self.alerting = Alerting(self, environ, clock)

    @property
    def provider_settings(self) -> dict[str, object]:
        """The effective settings of each provider; keys are not among them."""
        return {name: opening.config for name, (_, opening) in self._opened.items()}

    async def run(self, begin: asyncio.Event | None = None) -> None:
        """Keep every line open and every timer running, until cancelled.

        Before `begin` is set it only watches: it takes quotes on such connections as nobody else holds, and neither
        decides nor asks nor stores anything, since another process still does.
        """
        self._loop = asyncio.get_running_loop()
        try:
            if begin is None:
                await self._begin()
            else:
                self.trading.wait_for("another process still trades")
            await self._run(begin)
        finally:
            self.trading.close()

    async def _run(self, begin: asyncio.Event | None) -> None:
        self._flush()  # what changed before there was a loop woke nobody
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._timers(group))
            group.create_task(self.spending.desk.run())
            for stream in self.streams:
                self._open_line(stream, group)
            if begin is not None:
                await begin.wait()
                await self._begin()
            group.create_task(self.trading.run())
            if self.recording is not None:
                group.create_task(self.recording.run())
            group.create_task(self.alerting.run())
            group.create_task(self.references.run())
            for poll in self._polls.values():
                group.create_task(poll.run())

    async def _begin(self) -> None:
        await self.trading.open()
        assert self._loop is not None
        self.safety.start(self._loop)
        self._acts = True

    @asynccontextmanager
    async def serve(self, place: Place | None = None) -> AsyncIterator[str]:
        """Serve the API while the block runs; yields its base URL.

        Raises:
            PortInUseError: somebody else listens there.
            ConfigError: others could connect, and nothing keeps them out.
            StoreError: another gateway keeps its state there, or the disk refuses.
        """
        place = place or Place.take(self.config.serve)
        async with front(self.config.serve, self.safety, self.report, place) as url:
            self.alerting.serves_at(url)
            yield url

    # -- from one process to the next

    def idle_lines(self) -> list[str]:
        """Return the providers whose streams show nothing now: they can be given away before anything else."""
        shown = {entry.elected.provider for entry in self.board.entries.values() if entry.elected is not None}
        return [name for name in self._lines if name not in shown]

    def close_line(self, name: str) -> None:
        """Give a provider's connection away."""
        task = self._lines.pop(name, None)
        if task is not None:
            task.cancel()
            self.conductor.on_lost(name, "its connection is handed over to another process")

    def reopen_lines(self) -> None:
        """Open what was given away again: the other process has failed."""
        for stream in self.streams:
            if stream.provider not in self._lines and self._group is not None:
                self._open_line(stream, self._group)

    def line_state(self, name: str) -> str:
        """Return where a stream stands: `READY`, `HELD`, or a state of its session."""
        (stream,) = [stream for stream in self.streams if stream.provider == name]
        gate = self._gates.get(name)
        return HELD if gate is not None and gate.waits else stream.state

    def _open_line(self, stream: Stream, group: asyncio.TaskGroup) -> None:
        gate = self._gates.get(stream.provider)
        self._lines[stream.provider] = group.create_task(stream.run() if gate is None else gate.run(stream))

    def _positions(self) -> list[str]:
        positions = self.trading.desk.book.portfolio.positions
        return [symbol for symbol, position in positions.items() if position.shares]

    async def refresh(self, symbol: str) -> str | None:
        """Have a fresh price of `symbol` from the provider that serves it; returns why not, or `None`."""
        order = self.manager.showing(symbol).order
        poll = self._polls.get(order[0]) if order else None
        return None if poll is None else await poll.refresh(symbol)  # a stream needs nobody to ask

    def _open(self, name: str, provider: Provider, opening: Opening) -> None:
        feed = self.feeds[name]
        if provider.open_stream is not None:
            protocol = provider.open_stream(opening)
            feed.expect_ticks(protocol, opening.codec)
            stream = Stream(
                feed,
                protocol,
                self.board,
                self.conductor,
                symbols=self.spending.subscribable(name, self.symbols, self._watched),
                clock=self.clock,
                random=self._random,
            )
            self.streams.append(stream)
            slots = self.spending.limits[name].connections
            if slots is not None:
                directory = state_dir(self.config) / "slots"
                self._gates[name] = SlotGate(
                    name, protocol.url, opening.key, slots, directory, self.conductor, self.clock
                )
            self.conductor.watch_stream(feed, stream)
            if provider.open_poll is not None:
                self._backfills[name] = provider.open_poll(opening)
        elif provider.open_poll is not None:
            poll = provider.open_poll(opening)
            batch = max(len(request.symbols) for request in poll.plan(self.symbols))
            self._polls[name] = self.conductor.polls[name] = Poll(
                feed,
                poll,
                self.board,
                self.manager,
                self.conductor,
                self.spending,
                self.spending.govern(name, self.symbols, self._watched, batch=batch),
                symbols=self.symbols,
                clock=self.clock,
            )
        elif provider.open_source is not None:
            self._sources.append((name, provider.open_source(opening)))

    def _check_spellings(self) -> None:
        for _, opening in self._opened.values():
            for symbol in self.symbols:
                opening.codec.to_provider(symbol)

    async def _timers(self, group: asyncio.TaskGroup) -> None:
        clock = self.clock
        await take_turns(self._make_synthetic(self.symbols), clock)
        synthetic = Turns(self.symbols, SYNTHETIC_PER_TURN)
        next_synthetic_ns = next_second_ns = clock.monotonic_ns()
        while True:
            begun_ns, now_ns = clock.monotonic_ns(), clock.now_ns()
            for stream in self.streams:
                stream.on_timer(now_ns)
                if stream.needs_backfill:
                    stream.needs_backfill = False
                    self._start_backfill(stream.provider, group)
            if clock.monotonic_ns() >= next_synthetic_ns:
                next_synthetic_ns += SYNTHETIC_NS
                await take_turns(self._make_synthetic(synthetic.next()), clock)
            if clock.monotonic_ns() >= next_second_ns:
                next_second_ns += NS_PER_S
                await take_turns(self._second(now_ns), clock)
            await take_turns(self._tick(now_ns), clock)
            await clock.sleep_until(begun_ns + TIMER_NS)

    def _tick(self, now_ns: int) -> Work:
        if self._acts:
            yield from self.safety.advance(self.session, now_ns)
        yield from self.conductor.look(TIMER_NS)
        yield from self.quality.look(self.session)
        self.conductor.advance()
        yield
        if self._acts:
            yield from self.trading.on_timer(now_ns)

    def _second(self, now_ns: int) -> Work:
        self._follow_session(now_ns)
        self.conductor.second()
        self.report.second()
        yield
        if self._acts:
            self.spending.second()
            self.safety.second()
            yield
            self.trading.second(now_ns, self.session)
            yield
            self.corporate.second()
            yield

    def session_at(self, now_ns: int) -> Session:
        """Return the part of the exchange's day."""
        if self.config.quality.calendar == "always_regular":
            return Session.REGULAR
        return xnys_calendar().session_at(now_ns)

    def _trading_day(self, now_ns: int) -> date | None:
        always = self.config.quality.calendar == "always_regular"
        return None if always else xnys_calendar().trading_day_at(now_ns)

    def _follow_session(self, now_ns: int) -> None:
        session = self.session_at(now_ns)
        if session is self.session:
            return
        self.conductor.begin_session(self.session, session)
        self.session = session
        for entry in self.board.entries.values() if session is not Session.REGULAR else ():
            if lift_band(entry):
                self.board.touch(entry)
        self.board.grading = self.config.quality.grading.at(session)

    def _start_backfill(self, name: str, group: asyncio.TaskGroup) -> None:
        protocol = self._backfills.get(name)
        if protocol is not None:
            group.create_task(
                backfill(self.feeds[name], protocol, self.board, self.spending, symbols=self.symbols, clock=self.clock)
            )

    def _make_synthetic(self, symbols: Sequence[str]) -> Work:
        for name, source in self._sources:
            for some in portions(symbols, SYNTHETIC_AT_ONCE):
                now_ns = self.clock.now_ns()
                quotes = source.quotes(some, now_ns)
                self.board.apply(self.feeds[name], quotes, now_ns)
                yield

    def _schedule_flush(self) -> None:
        if self._loop is not None:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self.trading.on_moved(self.board.flush())
        if self.recording is not None:
            self.recording.note(keep=self._acts)
