"""Replay a recorded day: the same board, engine and paper broker as live, driven by the rows' own time.

Nothing here reads a clock or draws at random, so a day replays to the same receipts, byte for byte; `digest` is the
SHA-256 over all of them, over orders and over fills.
"""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from firmquote.board import Board, Feed
from firmquote.decision import (
    Account,
    Announcement,
    Batch,
    Book,
    DecisionConfig,
    DecisionEngine,
    Desk,
    Embargoes,
    MarketView,
    PaperBroker,
    Portfolio,
    WorkingOrders,
    view_entry,
    view_others,
)
from firmquote.history import TAPE_PROVIDER, QuoteRow, read_day
from firmquote.model import NS_PER_MS, NS_PER_S, FeedClass, LastPrice, Quote, Session
from firmquote.model.trading import MICROS_PER_USD, Decision, Fill, Order
from firmquote.rollout import Stage, StageMap
from firmquote.runtime.announcements import of_served
from firmquote.runtime.config import Config
from firmquote.runtime.loading import build_normalizer, configured_provider
from firmquote.runtime.owners_files import OwnersFile
from firmquote.runtime.permits import GatewayPermits
from firmquote.runtime.plugins import open_strategies
from firmquote.safety import NO_RESTRICTIONS
from firmquote.symbols import TradingCalendar, xnys_calendar

TIMER_NS = 50 * NS_PER_MS
_EVERYWHERE = StageMap(stage=Stage.FULL)


class ReplayReport(Struct, frozen=True, kw_only=True):
    """What a day came to under one configuration."""

    day: str
    config_version: str
    quotes: int
    refused: int
    decisions: int
    """Looks at a symbol."""
    receipts: tuple[Decision, ...]
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    realised_usd: float
    unrealised_usd: float
    nav_usd: float
    digest: str
    faults: tuple[str, ...] = ()
    """Of strategies: the first that each made; what they said then counts for nothing."""

    @property
    def profit_usd(self) -> float:
        """Realised and not."""
        return self.realised_usd + self.unrealised_usd


class Difference(Struct, frozen=True, kw_only=True):
    """Two configurations on the same day; `other` less `base`."""

    orders: int
    fills: int
    profit_usd: float
    only_base: tuple[str, ...]
    """`SYMBOL INTENT at HH:MM:SS` of orders that only the base made."""
    only_other: tuple[str, ...]


class Replay:
    """One pass over a day."""

    def __init__(self, config: Config, symbols: Iterable[str], day: date) -> None:
        self._config = config
        decision: DecisionConfig = config.decision
        self._calendar: TradingCalendar | None = xnys_calendar() if config.quality.calendar == "XNYS" else None
        self._grading = config.quality.grading
        self._session = Session.REGULAR
        self._board = Board(symbols, grading=self._grading.regular, plausibility=config.quality.plausibility)
        self._feeds: dict[str, Feed] = {}
        cash = round(decision.paper.cash_usd * MICROS_PER_USD)
        book = Book(Portfolio(Account(cash_micros=cash, day=day)), WorkingOrders(), decision.sectors)
        engine = DecisionEngine(
            list(self._board.entries),
            decision,
            book=book,
            strategies=open_strategies(decision.strategies),
            permits=GatewayPermits(
                self._board,
                stages=lambda: _EVERYWHERE,
                restrictions=lambda: NO_RESTRICTIONS,
                budget_left_pct=lambda _: None,
            ),
            embargoes=self._embargoes(),
        )
        self._desk = Desk(engine, PaperBroker(decision.paper), next_number=1, witness=self._witness, day=day)
        self._digest = sha256()
        self._receipts: list[Decision] = []
        self._orders: dict[str, Order] = {}
        self._fills: list[Fill] = []
        self._quotes = 0
        self._day = day

    def run(self, rows: Iterable[QuoteRow]) -> ReplayReport:
        """Play the rows, then let an hour pass, so that what was ordered ends."""
        due_ns = 0
        now_ns = 0
        for moment_ns, group in itertools.groupby(rows, key=lambda row: row.ts_ns):
            while due_ns and due_ns <= moment_ns:
                self._timer(due_ns)
                due_ns += TIMER_NS
                if moment_ns - due_ns > NS_PER_S * 60:  # nothing happens in a long silence
                    due_ns = moment_ns - NS_PER_S * 60
            due_ns = due_ns or moment_ns + TIMER_NS
            now_ns = moment_ns
            self._follow(now_ns)
            for row in group:
                self._quotes += 1
                self._apply(row)
            self._flush(now_ns)
        self._timer(now_ns + 3_600 * NS_PER_S)
        self._timer(now_ns + 3_600 * NS_PER_S)
        return self._report()

    def _apply(self, row: QuoteRow) -> None:
        feed = self._feeds.get(row.provider)
        if feed is None:
            feed = self._feeds[row.provider] = self._board.add_feed(row.provider, self._class_of(row.provider))
        event_ns = row.ts_ns if row.event_ns is None else row.event_ns
        event: Quote | LastPrice
        if row.last is None:
            event = Quote(
                row.symbol, row.provider, row.bid, row.ask, row.bid_size_shares, row.ask_size_shares,
                event_ns, row.ts_ns, row.sequence,
            )  # fmt: skip
        else:
            event = LastPrice(
                symbol=row.symbol, provider=row.provider, price=row.last, received_ns=row.ts_ns, event_ns=row.event_ns
            )
        self._board.apply(feed, [event], row.ts_ns)
        entry = self._board.entries.get(row.symbol)
        if entry is not None and (entry.elected is None or entry.elected.provider != row.provider):
            self._board.elect(row.symbol, row.provider)  # it was what the board showed then

    def _embargoes(self) -> Embargoes:
        config, policy = self._config, self._config.decision.earnings
        served = {*config.feeds.quotes.live_symbols_allowlist, *self._board.entries}
        resolve = partial(build_normalizer(config.provider_order(), config.symbols).resolve, served=served)
        return Embargoes(of_served(OwnersFile(policy.file, Announcement).rows(), resolve, served), policy)

    def _class_of(self, name: str) -> FeedClass:
        if name == TAPE_PROVIDER:
            return FeedClass.CONSOLIDATED
        provider, own = configured_provider(name, self._config)
        return provider.feed_class(own)

    def _flush(self, now_ns: int) -> None:
        for entry in self._board.flush():
            self._desk.on_view(view_entry(self._board, entry, now_ns), now_ns)
        self._store(now_ns)

    def _timer(self, now_ns: int) -> None:
        self._follow(now_ns)
        self._desk.on_timer(now_ns)
        if now_ns % NS_PER_S < TIMER_NS:
            for entry in self._board.entries.values():
                self._desk.on_view(view_entry(self._board, entry, now_ns), now_ns)
        self._store(now_ns)

    def _follow(self, now_ns: int) -> None:
        if self._calendar is None:
            return
        session = self._calendar.session_at(now_ns)
        if session is not self._session:
            self._session = self._desk.engine.session = session
            self._board.grading = self._grading.at(session)

    def _store(self, now_ns: int) -> None:
        batch = self._desk.take_batch()
        if not batch:
            return
        self._note(batch)
        self._desk.on_stored(batch, now_ns)

    def _note(self, batch: Batch) -> None:
        for each in (*batch.receipts, *batch.orders, *batch.fills):
            self._digest.update(msgspec.json.encode(each))
        self._receipts.extend(receipt.decision for receipt in batch.receipts)
        self._orders.update({order.key: order for order in batch.orders})
        self._fills.extend(batch.fills)

    def _witness(self, symbol: str, now_ns: int) -> tuple[tuple[MarketView, ...], dict[str, int]]:
        entry = self._board.entries[symbol]
        line = entry.elected
        refused = {} if line is None else {reason.value: count for reason, count in line.feed.refused.items()}
        return view_others(self._board, entry, now_ns), refused

    def _report(self) -> ReplayReport:
        portfolio = self._desk.book.portfolio
        positions = portfolio.positions.values()
        realised = sum(position.realised_micros for position in positions)
        cost = sum(position.cost_micros for position in positions)
        return ReplayReport(
            day=self._day.isoformat(),
            config_version=self._desk.rules.version,
            quotes=self._quotes,
            refused=sum(sum(feed.refused.values()) for feed in self._feeds.values()),
            decisions=self._desk.engine.decided,
            receipts=tuple(self._receipts),
            orders=tuple(self._orders.values()),
            fills=tuple(self._fills),
            realised_usd=realised / MICROS_PER_USD,
            unrealised_usd=(portfolio.net_micros - cost) / MICROS_PER_USD,
            nav_usd=portfolio.nav_micros / MICROS_PER_USD,
            digest=self._digest.hexdigest(),
            faults=tuple(f"{name}: {words}" for name, words in self._desk.engine.panel.take_untold()),
        )


def compare(base: ReplayReport, other: ReplayReport) -> Difference:
    """Return what another configuration would have done differently on the same day."""
    mine, theirs = _named(base), _named(other)
    return Difference(
        orders=len(other.orders) - len(base.orders),
        fills=len(other.fills) - len(base.fills),
        profit_usd=other.profit_usd - base.profit_usd,
        only_base=tuple(name for name in mine if name not in theirs),
        only_other=tuple(name for name in theirs if name not in mine),
    )


def time_of_day(ns: int) -> str:
    """Return `HH:MM:SS` UTC."""
    return f"{datetime.fromtimestamp(ns / NS_PER_S, UTC):%H:%M:%S}"


def _named(report: ReplayReport) -> dict[str, Order]:
    return {f"{order.symbol} {order.intent} at {time_of_day(order.created_ns)}": order for order in report.orders}


def replay_day(config: Config, folder: Path, day: date, symbols: Sequence[str]) -> ReplayReport:
    """Replay what `folder` holds of a day.

    Raises:
        ConfigError: nothing is there, a recorded provider is not installed, or the earnings file cannot be read.
    """
    wanted = frozenset(symbols)
    rows = (row for row in read_day(folder, day.isoformat()) if row.symbol in wanted)
    return Replay(config, symbols, day).run(rows)
