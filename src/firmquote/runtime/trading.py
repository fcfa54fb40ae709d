"""Trading: the desk wired to the board, to its files and to a broker.

Decisions are made in the event loop, in memory, and wait for nothing. What must last is written by one thread, one
batch at a time; an order reaches its broker once its batch is on the disk.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain
from pathlib import Path

import structlog
from msgspec.structs import replace

from firmquote.board import Board, Entry
from firmquote.decision import (
    STORE,
    Account,
    Advice,
    Announcement,
    Batch,
    Book,
    Broker,
    DecisionConfig,
    DecisionEngine,
    Desk,
    Embargoes,
    MarketView,
    Portfolio,
    Receipt,
    WorkingOrders,
    to_advice,
    view_entries,
    view_others,
)
from firmquote.errors import FirmquoteError, StoreError
from firmquote.model import NS_PER_S, USABLE, Clock, Session
from firmquote.model.trading import MICROS_PER_USD, AdviceInput, OrderView
from firmquote.runtime.alpaca_broker import AlpacaBroker
from firmquote.runtime.announcements import of_served
from firmquote.runtime.brokerage import differences, open_broker
from firmquote.runtime.config import Config
from firmquote.runtime.effects import tell_of_orders
from firmquote.runtime.guarding import Guarding
from firmquote.runtime.ledgers import Ledgers, Restored
from firmquote.runtime.new_actions import NewActions
from firmquote.runtime.owners_files import OwnersFile
from firmquote.runtime.permits import GatewayPermits
from firmquote.runtime.plugins import open_strategies
from firmquote.runtime.turns import Work, gathered, portions
from firmquote.store import Sealed, order_view
from firmquote.symbols import CorporateAction, TradingCalendar, xnys_calendar

RECEIPTS_KEPT = 1_000
"""Receipts that the API can look back on without reading the disk."""
ORDERS_KEPT = 1_000
"""Orders that the API shows."""
LATENCIES_KEPT = 4_096
"""Decisions over which the latency percentiles are taken."""
RETRY_NS = NS_PER_S
"""How long a batch that could not be stored waits for the next attempt."""
_BROKER = "broker"
TURNS = 20
"""All symbols are looked at once in so many timer ticks, a part at each, so that no tick is long …"""
UNSEEN_NS = NS_PER_S // 2
"""… but for those that a quote had looked at so lately: time has changed nothing there."""
TURNS_STORED = 4
"""Receipts of decisions that lead to no order are stored together, once in so many ticks; all else is at once."""
ENTRIES_AT_ONCE = 10
"""Symbols that the timer looks at before others may go first."""
_log = structlog.get_logger("firmquote")


class Trading:
    """Owns the desk. All methods run in the event loop's thread; only `run` waits."""

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        config: DecisionConfig,
        board: Board,
        broker: Broker,
        permits: GatewayPermits,
        calendar: TradingCalendar | None,
        directory: Path,
        clock: Clock,
        guarding: Guarding,
        resolve: Callable[[str], str],
    ) -> None:
        """`resolve` reads a symbol however it is typed. Raises UnknownSymbolError."""
        self.symbols = symbols
        self.permits = permits
        self.board = board
        self._calendar = calendar
        self._resolve = resolve
        self.directory = directory
        self._clock = clock
        self._config = config
        day = self.day_at(clock.now_ns())
        cash = round(config.paper.cash_usd * MICROS_PER_USD)
        book = Book(Portfolio(Account(cash_micros=cash, day=day)), WorkingOrders(), config.sectors)
        self.engine = DecisionEngine(
            symbols, config, book=book, strategies=open_strategies(config.strategies), permits=permits
        )
        self.desk = Desk(self.engine, broker, next_number=1, witness=self._witness, day=day)
        self.broker = broker
        self._advice_file = OwnersFile(config.advice_file, AdviceInput)
        self._earnings_file = OwnersFile(config.earnings.file, Announcement)
        self.receipts: deque[Receipt] = deque(maxlen=RECEIPTS_KEPT)
        self.orders: dict[str, OrderView] = {}
        """The newest orders by key, oldest first."""
        self.guarding = guarding
        if isinstance(broker, AlpacaBroker):
            broker.on_positions = self._compare
            broker.on_trouble = self._doubt
            self.engine.pauses[_BROKER] = (
                f"what {broker.name} holds is not compared with our books yet; that is done once it answers"
            )
        self.ledgers: Ledgers | None = None
        self._unstored: Batch | None = None
        """Was taken from the desk, and is not on the disk yet."""
        self._changed = asyncio.Event()
        self._latencies_ns: deque[int] = deque(maxlen=LATENCIES_KEPT)
        self._turn = 0
        self._new_actions = NewActions(day)

    # -- the hot path

    def on_moved(self, entries: Sequence[Entry]) -> None:
        """Decide on symbols that a decision is due on, and measure how long that took since their frames came."""
        self._look_at(entries, self._clock.now_ns())
        decided_ns = self._clock.now_ns()
        self._latencies_ns.extend([decided_ns - entry.came_ns for entry in entries if entry.came_ns])

    def on_timer(self, now_ns: int) -> Work:
        """Let time do its work: fills, ends of orders, ages of quotes."""
        self.desk.on_timer(now_ns)
        if self.desk.has_books or (self.desk.unstored and self._turn % TURNS_STORED == 0):
            self._changed.set()
        yield
        engine, mine = self.engine, self.symbols[self._turn :: TURNS]
        self._turn = (self._turn + 1) % TURNS
        unseen = [symbol for symbol in mine if abs(now_ns - engine.seen_ns(symbol)) >= UNSEEN_NS]
        for some in portions(unseen, ENTRIES_AT_ONCE):
            self._look_at([self.board.entries[symbol] for symbol in some], self._clock.now_ns())
            yield

    def latencies_ns(self) -> list[int]:
        """Return how long the last decisions took from their frame's arrival, sorted."""
        return sorted(self._latencies_ns)

    # -- time

    def second(self, now_ns: int, session: Session) -> None:
        """Follow the exchange's day, and read what changed in the files that owners write."""
        self.engine.session = session
        day = self.day_at(now_ns)
        if day != self.desk.book.portfolio.account.day:
            self.desk.begin_day(day)
        self._read_files(now_ns)
        for name, words in self.engine.panel.take_untold():
            _log.error("a strategy's opinion was dropped; more of the kind are only counted", strategy=name, why=words)

    def carry(self, actions: Sequence[CorporateAction]) -> None:
        """Apply the corporate actions that are due to what is held and learnt: once, as often as this is called."""
        for symbol in self._new_actions.take(actions, self.desk.book.portfolio.account.day):
            self.engine.forget_prices(symbol)
        changed = self.desk.carry(actions)
        if changed:
            _log.info("positions carried over corporate actions", symbols=changed)
            self._changed.set()

    def day_at(self, now_ns: int) -> date:
        """Return the trading day of a moment."""
        day = None
        if self._calendar is not None and self._calendar.covers(now_ns):
            day = self._calendar.trading_day_at(now_ns)
        return day or datetime.fromtimestamp(now_ns / NS_PER_S, UTC).date()

    # -- owners' files

    def _read_files(self, now_ns: int) -> None:
        for given in self._advice_file.news() or ():
            try:
                self.advise(replace(given, symbol=self._resolve(given.symbol)), now_ns)
            except FirmquoteError as error:
                _log.warning("advice refused", file=self._config.advice_file, error=str(error))
        announcements = self._earnings_file.news()
        if announcements is not None:
            known = of_served(announcements, self._resolve, self.board.entries.keys())
            self.engine.embargoes = Embargoes(known, self._config.earnings)

    def advise(self, given: AdviceInput, now_ns: int) -> Advice:
        """Take advice. Raises FirmquoteError where it cannot be taken."""
        advice = to_advice(given, now_ns=now_ns, ttl_s=self._config.advice_ttl_s)
        self.engine.advise(advice)
        self.board.entries[advice.symbol].settle(0)
        return advice

    def think_again(self) -> None:
        """What is permitted has changed: the next quote of each symbol is decided on, whatever it changes."""
        self.engine.think_again()
        for entry in self.board.entries.values():
            entry.settle(0)

    # -- what must last

    def wait_for(self, words: str) -> None:
        """Give no order before `open`."""
        self.engine.pauses[STORE] = words

    async def open(self) -> None:
        """Open the files and go on where they end; without them nothing may be traded. `close` lets go of them."""
        now_ns = self._clock.now_ns()
        opening = asyncio.get_running_loop().run_in_executor(
            None, partial(Ledgers, self.directory, self.desk.rules, now_ns=now_ns)
        )
        try:
            ledgers = await asyncio.shield(opening)
        except StoreError as error:
            self._pause(error)
            return
        except asyncio.CancelledError:
            with suppress(StoreError):  # the thread goes on, and nobody else would let go of what it opens
                (await opening).close()
            raise
        self.ledgers = ledgers
        self._restore(ledgers.restored, now_ns)
        self.engine.pauses.pop(STORE, None)

    async def run(self) -> None:
        """Store what the desk produces until cancelled; `close` stores what is left."""
        remote = asyncio.create_task(self.broker.run()) if isinstance(self.broker, AlpacaBroker) else None
        with ThreadPoolExecutor(1, thread_name_prefix="ledgers") as writer:
            try:
                while True:
                    await self._changed.wait()
                    self._changed.clear()
                    if self.ledgers is None:
                        await self._open_again()
                    else:
                        await self._store(writer, self.ledgers)
            finally:
                if remote is not None:
                    remote.cancel()
                writer.shutdown(wait=True)

    async def _open_again(self) -> None:
        self.desk.take_batch()  # nobody can keep it, and nothing in it is an order: all is paused
        await self._clock.sleep_until(self._clock.monotonic_ns() + RETRY_NS)
        await self.open()

    async def _store(self, writer: ThreadPoolExecutor, ledgers: Ledgers) -> None:
        while batch := self._unstored or self.desk.take_batch():
            self._unstored = batch
            sealed = await gathered(ledgers.seal(batch, self._clock.now_ns()), self._clock)
            write = partial(self._write, ledgers, batch, sealed)
            try:
                # Shielded: a batch that waits for the thread when we are cancelled is still written there.
                await asyncio.shield(asyncio.get_running_loop().run_in_executor(writer, write))
            except StoreError as error:
                self._pause(error)
                await self._clock.sleep_until(self._clock.monotonic_ns() + RETRY_NS)
                continue
            self.engine.pauses.pop(STORE, None)
            self._remember(batch)
            tell_of_orders(batch.orders, broker=self.broker.name, now_ns=self._clock.now_ns())
            self.desk.on_stored(batch, self._clock.now_ns())

    def _write(self, ledgers: Ledgers, batch: Batch, sealed: Sequence[Sealed]) -> None:
        ledgers.write(batch, sealed)
        self._unstored = None

    def close(self) -> None:
        """Store what is left, and let another process have the files; `run` has ended, or never began."""
        ledgers, self.ledgers = self.ledgers, None
        if ledgers is None:
            return
        try:
            for batch in (self._unstored, self.desk.take_last()):
                if batch:
                    sealed = chain.from_iterable(ledgers.seal(batch, self._clock.now_ns()))
                    self._write(ledgers, batch, list(sealed))
        except StoreError as error:
            _log.error("the last decisions could not be stored", error=str(error))
        ledgers.close()

    def _restore(self, restored: Restored, now_ns: int) -> None:
        account = restored.account or self.desk.book.portfolio.account
        book = Book(Portfolio(account, restored.positions), WorkingOrders(restored.orders), self._config.sectors)
        self.desk.restore(book, next_number=restored.next_number, day=self.day_at(now_ns))
        for symbol, rests in restored.rests.items():
            self.engine.remember(
                symbol, opened_ns=rests.opened_ns, stopped_ns=rests.stopped_ns, reduced_ns=rests.reduced_ns
            )
        if restored.unmade:
            _log.warning("orders were decided and never made: the last process ended first", orders=restored.unmade)
        self.orders = {view.order.key: view for view in reversed(restored.newest)}
        place = self.broker.recover if isinstance(self.broker, AlpacaBroker) else self.broker.place
        for order in restored.orders:
            place(order, now_ns)
        _log.info(
            "books open", positions=len(restored.positions), open_orders=len(restored.orders), next=restored.next_number
        )

    def _remember(self, batch: Batch) -> None:
        self.receipts.extend(batch.receipts)
        for order in batch.orders:
            known = self.orders.get(order.key)
            fills = () if known is None else known.fills
            new = tuple(fill for fill in batch.fills if fill.key == order.key)
            self.orders[order.key] = order_view(order, (*fills, *new))
        while len(self.orders) > ORDERS_KEPT:
            del self.orders[next(iter(self.orders))]

    def _pause(self, error: StoreError) -> None:
        if self.engine.pauses.get(STORE) != str(error):
            _log.error("decisions are paused", cause=str(error))
        self.engine.pauses[STORE] = str(error)

    def _compare(self, held: Mapping[str, int], unsettled: AbstractSet[str]) -> bool:
        """See that the broker holds what our books say; while it does not, nothing is opened.

        What a working order may change this moment is left out. Returns whether everything was compared.
        """
        if self.ledgers is None:  # our books are not read yet
            return False
        wrong = differences(held, self.desk.book.portfolio.positions.values(), unsettled)
        if wrong:
            self.engine.pauses[_BROKER] = f"{self.broker.name} and our books disagree ({'; '.join(wrong)})"
            _log.error("positions disagree", broker=self.broker.name, wrong=wrong)
        elif not unsettled:
            self.engine.pauses.pop(_BROKER, None)
        return not unsettled

    def _doubt(self, trouble: str) -> None:
        """Open nothing until the broker carries orders out again, and holds what our books say."""
        self.engine.pauses[_BROKER] = (
            f"{self.broker.name} does not carry orders out ({trouble}); "
            "this ends by itself once it does and holds what our books say"
        )

    # -- how

    def _look_at(self, entries: Sequence[Entry], now_ns: int) -> None:
        """Decide on each entry."""
        views = view_entries(self.board, entries, now_ns)
        self.guarding.run_each(views, self.desk.on_view, now_ns)
        if self.desk.has_books:
            self._changed.set()
        working, paces_ns = self.desk.book.orders.by_symbol, self.engine.paces_ns
        for entry, view in zip(entries, views, strict=True):
            # Sizes matter to an order that waits to be filled, and any quote where there was none to act on.
            settled = view.graded.grade >= USABLE and entry.symbol not in working
            entry.settle(now_ns + paces_ns[entry.symbol] if settled else 0)

    def _witness(self, symbol: str, now_ns: int) -> tuple[tuple[MarketView, ...], dict[str, int]]:
        entry = self.board.entries[symbol]
        line = entry.elected
        refused = {} if line is None else {reason.value: count for reason, count in line.feed.refused.items()}
        return view_others(self.board, entry, now_ns), refused


def build_trading(
    config: Config,
    board: Board,
    clock: Clock,
    environ: Mapping[str, str],
    *,
    permits: GatewayPermits,
    directory: Path,
    guarding: Guarding,
    resolve: Callable[[str], str],
) -> Trading:
    """Return the trading part of a gateway that keeps its state in `directory`. Raises ConfigError."""
    return Trading(
        symbols=config.feeds.quotes.live_symbols_allowlist,
        config=config.decision,
        board=board,
        broker=open_broker(config, environ, clock),
        permits=permits,
        calendar=xnys_calendar() if config.quality.calendar == "XNYS" else None,
        directory=directory / config.decision.directory,
        clock=clock,
        guarding=guarding,
        resolve=resolve,
    )
