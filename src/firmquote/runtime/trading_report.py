"""What trading says of itself: implements `publish.TradingView` from the live objects."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from firmquote.decision import Portfolio, Position, Receipt, Rules, receipt_view, stop_price, what_if
from firmquote.errors import UnknownSymbolError
from firmquote.model import Clock
from firmquote.model.metric import Metric, by, counter, gauge
from firmquote.model.safety import Caller
from firmquote.model.trading import (
    MICROS_PER_USD,
    AccountView,
    AdviceInput,
    Decision,
    NewsInput,
    OrderView,
    PositionView,
    ReceiptView,
    WhatIfView,
)
from firmquote.routing import percentiles
from firmquote.runtime.ledgers import find_receipt
from firmquote.runtime.safety import Safety
from firmquote.runtime.trading import Trading
from firmquote.runtime.turns import portions
from firmquote.store import has_order

DECISIONS_AT_ONCE = 3
"""Decisions that are written out before others may go first."""


class TradingReport:
    """In memory, but for receipts that are older than the last thousand."""

    def __init__(self, trading: Trading, resolve: Callable[[str], str], clock: Clock, safety: Safety) -> None:
        self._trading = trading
        self._safety = safety
        self._resolve = resolve
        self._clock = clock

    def decisions_in_parts(self) -> Iterator[list[Decision]]:
        """Yield the decision on each symbol as it stands, in alphabetical order, some at a time."""
        for some in portions(sorted(self._trading.symbols), DECISIONS_AT_ONCE):
            found = [self._trading.engine.current(symbol) for symbol in some]
            yield [decision for decision in found if decision is not None]

    def decision(self, symbol: str) -> Decision:
        """Return the decision on one symbol, however it is typed. Raises UnknownSymbolError."""
        symbol = self._served(symbol)
        found = self._trading.engine.current(symbol)
        if found is None:
            raise UnknownSymbolError(f"{symbol}: nothing was decided yet. Ask again in a second.")
        return found

    def account(self) -> AccountView:
        """Return the account and what it holds."""
        trading, portfolio = self._trading, self._trading.desk.book.portfolio
        day_pct, week_pct = portfolio.drawdown_pct()
        positions = sorted(portfolio.positions.values(), key=lambda position: position.symbol)
        return AccountView(
            broker=trading.broker.name,
            nav_usd=portfolio.nav_micros / MICROS_PER_USD,
            cash_usd=portfolio.account.cash_micros / MICROS_PER_USD,
            gross_usd=portfolio.gross_micros / MICROS_PER_USD,
            net_usd=portfolio.net_micros / MICROS_PER_USD,
            realised_usd=sum(position.realised_micros for position in positions) / MICROS_PER_USD,
            drawdown_day_pct=day_pct,
            drawdown_week_pct=week_pct,
            orders_today=portfolio.account.orders_today,
            paused=tuple(trading.engine.pauses.values()),
            positions=tuple(self._position(portfolio, position) for position in positions),
        )

    def orders(self, symbol: str | None) -> Sequence[OrderView]:
        """Return the newest orders, newest first. Raises UnknownSymbolError."""
        wanted = None if symbol is None else self._served(symbol)
        newest_first = reversed(self._trading.orders.values())
        return [view for view in newest_first if wanted is None or view.order.symbol == wanted]

    def receipts(self, symbol: str | None, limit: int) -> Sequence[Decision]:
        """Return the newest decisions that were recorded, newest first. Raises UnknownSymbolError."""
        wanted = None if symbol is None else self._served(symbol)
        decisions = (receipt.decision for receipt in reversed(self._trading.receipts))
        return [each for each in decisions if wanted is None or each.symbol == wanted][:limit]

    async def receipt(self, number: int) -> ReceiptView:
        """Return one, decided again. Raises FirmquoteError."""
        receipt, rules = await self._find(number)
        return replace(receipt_view(receipt, rules.config), unmade=await self._is_unmade(receipt))

    async def what_if(self, number: int, active: str) -> WhatIfView:
        """Return what would have been decided on another provider's quote. Raises FirmquoteError."""
        receipt, rules = await self._find(number)
        return what_if(receipt, rules.config, active=active)

    def advise(self, advice: AdviceInput) -> None:
        """Take advice on a symbol, however it is typed. Raises FirmquoteError."""
        resolved = replace(advice, symbol=self._served(advice.symbol))
        self._trading.advise(resolved, self._clock.now_ns())

    def flag(self, news: NewsInput) -> None:
        """Flag news of a symbol, however it is typed. Raises FirmquoteError."""
        resolved = replace(news, symbol=self._served(news.symbol))
        self._trading.engine.news.put(resolved, self._clock.now_ns())

    def resume(self, reason: str, caller: Caller) -> Sequence[str]:
        """Lift latched pauses; returns what was lifted."""
        lifted = self._trading.desk.resume()
        self._safety.note("decisions resumed", "decisions", caller, reason, before="; ".join(lifted) or None)
        return lifted

    def metrics(self) -> list[Metric]:
        """Return what Prometheus may want."""
        trading, portfolio = self._trading, self._trading.desk.book.portfolio
        latency = percentiles(trading.latencies_ns())
        quantiles_ms = {"0.5": latency.p50_ms, "0.95": latency.p95_ms, "0.99": latency.p99_ms}
        engine, orders = trading.engine, self._trading.desk.book.orders
        return [
            counter("decisions_total", "Looks at a symbol.", engine.decided),
            counter("receipts_total", "Decisions recorded.", trading.desk.next_number - 1),
            counter("decisions_unrecorded_total", "Changes of mind too soon to record.", engine.unrecorded),
            counter(
                "strategy_faults_total",
                "Opinions dropped: it raised, or they were none.",
                (by("strategy", engine.panel.faults)),
            ),
            gauge("decisions_paused", "1 while no risk may be opened.", bool(engine.pauses)),
            gauge("orders_working", "Orders on their way.", len(orders.by_key)),
            gauge("nav_dollars", "Cash and positions.", portfolio.nav_micros / MICROS_PER_USD),
            gauge("gross_dollars", "Positions without sign.", portfolio.gross_micros / MICROS_PER_USD),
            gauge(
                "decision_seconds",
                "From a frame's arrival to the decision on its quote.",
                by("quantile", {q: None if ms is None else ms / 1_000 for q, ms in quantiles_ms.items()}),
            ),
        ]

    def _served(self, typed: str) -> str:
        symbol = self._resolve(typed)
        self._trading.board.view(symbol, self._clock.now_ns())  # raises for what is not served
        return symbol

    async def _find(self, number: int) -> tuple[Receipt, Rules]:
        trading = self._trading
        for receipt in reversed(trading.receipts):
            if receipt.decision.id == number and receipt.config_version == trading.desk.rules.version:
                return receipt, trading.desk.rules
        return await asyncio.to_thread(find_receipt, trading.directory, number)

    async def _is_unmade(self, receipt: Receipt) -> bool:
        ledgers = self._trading.ledgers
        if receipt.order is None or ledgers is None or receipt.decision.id >= ledgers.restored.next_number:
            return False  # what was decided since the start is stored, or about to be
        return not await asyncio.to_thread(has_order, ledgers.outbox.path, receipt.order)

    def _position(self, portfolio: Portfolio, position: Position) -> PositionView:
        symbol = position.symbol
        value = portfolio.value_micros(symbol)
        held = self._trading.desk.book.held(symbol)
        return PositionView(
            symbol=symbol,
            shares=position.shares,
            average_cost=position.average_cost,
            mark=portfolio.marks.get(symbol) if position.shares else None,
            value_usd=value / MICROS_PER_USD,
            unrealised_usd=(value - position.cost_micros) / MICROS_PER_USD if position.shares else None,
            realised_usd=position.realised_micros / MICROS_PER_USD,
            stop=stop_price(held, self._trading.engine.config.stops),
        )
