"""What the gateway says of itself: implements `publish.GatewayView` from the live objects."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from firmquote.board import BoardView, Feed
from firmquote.decision import view_entries
from firmquote.errors import BudgetError
from firmquote.model import NS_PER_MS, Clock, Grade, LastPrice, Quote, Reason, mid, spread_bps
from firmquote.model.alerts import AlertReport, AlertView
from firmquote.model.budget import BudgetView
from firmquote.model.metric import Metric
from firmquote.model.safety import Caller
from firmquote.model.status import EventView, HealthReport, LineHealth, ProviderStatus, QuoteView
from firmquote.rollout import Stage
from firmquote.runtime.metrics import metrics_in_parts
from firmquote.runtime.overall import overall
from firmquote.runtime.quality_report import QualityReport
from firmquote.runtime.routing_report import RoutingReport
from firmquote.runtime.trading_report import TradingReport
from firmquote.runtime.turns import gathered, portions

if TYPE_CHECKING:
    from firmquote.runtime.gateway import Gateway
    from firmquote.runtime.safety import Safety

T = TypeVar("T")
_FIRM = Grade.FIRM.label
SYMBOLS_AT_ONCE = 5
"""Symbols that are told of before others may go first …"""
MANY_AT_ONCE = 10
"""… where the firm ones are only counted."""
RATE_WINDOW_S = 10
"""Seconds over which quotes per second are averaged."""


class Report:
    """Synchronous and in memory: each answer is made when it is asked for."""

    def __init__(self, gateway: "Gateway", titles: dict[str, str], clock: Clock) -> None:
        self._gateway = gateway
        self._titles = titles
        self._clock = clock
        self.trading = TradingReport(gateway.trading, self.resolve, clock, gateway.safety)
        self.routing = RoutingReport(gateway.conductor, gateway.feeds, clock)
        self.data = QualityReport(gateway, self.resolve, clock)
        self._accepted: dict[str, list[int]] = {name: [] for name in titles}

    def second(self) -> None:
        """Remember how much each feed has accepted; called once a second."""
        for name, feed in self._gateway.feeds.items():
            history = self._accepted[name]
            history.append(feed.accepted)
            del history[: -RATE_WINDOW_S - 1]

    # -- GatewayView

    @property
    def safety(self) -> "Safety":
        """Who owns the switches and the audit trail."""
        return self._gateway.safety

    def quotes(self) -> Sequence[QuoteView]:
        """Return every served symbol, in alphabetical order."""
        return list(chain.from_iterable(self.quotes_in_parts()))

    def quotes_in_parts(self) -> Iterator[Sequence[QuoteView]]:
        """Yield every served symbol, in alphabetical order, some at a time."""
        for some in portions(sorted(self._gateway.symbols), SYMBOLS_AT_ONCE):
            now_ns = self._clock.now_ns()
            yield [_quote_view(self._gateway.board.view(symbol, now_ns)) for symbol in some]

    def not_firm_in_parts(self) -> Iterator[Sequence[QuoteView]]:
        """Yield every served symbol whose quote is not firm, some at a time; the usual case is passed over quickly."""
        board = self._gateway.board
        for some in portions(sorted(self._gateway.symbols), MANY_AT_ONCE):
            now_ns = self._clock.now_ns()
            seen = view_entries(board, [board.entries[symbol] for symbol in some], now_ns)
            told = [
                _quote_view(board.view(view.symbol, now_ns))
                for view in seen
                if board.restricted or view.grade is not Grade.FIRM
            ]
            yield [view for view in told if view.grade != _FIRM]

    def quote(self, symbol: str) -> QuoteView:
        """Return one symbol, however it is typed. Raises UnknownSymbolError."""
        return _quote_view(self._gateway.board.view(self.resolve(symbol), self._clock.now_ns()))

    def decisions(self) -> Sequence[Struct]:
        """Return the decision on each symbol as it stands."""
        return list(chain.from_iterable(self.trading.decisions_in_parts()))

    async def all_quotes(self) -> Sequence[QuoteView]:
        """Return what `quotes` does; frames that come meanwhile are decided on first."""
        return await self.in_parts(self.quotes_in_parts())

    async def all_decisions(self) -> Sequence[Struct]:
        """Return what `decisions` does; frames that come meanwhile are decided on first."""
        return await self.in_parts(self.trading.decisions_in_parts())

    def decision(self, symbol: str) -> Struct:
        """Return the decision on one symbol, however it is typed. Raises UnknownSymbolError."""
        return self.trading.decision(symbol)

    def activate(self, name: str, reason: str, caller: Caller) -> EventView:
        """Let provider `name` serve. Raises ConfigError where it cannot."""
        change = self._gateway.conductor.activate(name, reason)
        self.safety.note("provider activated", name, caller, reason, before=change.before)
        return change

    def alerts(self) -> AlertReport:
        """Return what fires and what has resolved."""
        return self._gateway.alerting.report()

    def acknowledge(self, number: int, who: str, reason: str) -> AlertView:
        """Note that `who` is on an alert. Raises ConfigError where it does not fire."""
        return self._gateway.alerting.acknowledge(number, who, reason)

    def test_alerts(self, reason: str) -> None:
        """Fire an alert that means nothing."""
        self._gateway.alerting.test(reason)

    def events(self, after: int) -> Sequence[EventView]:
        """Return what changed since event number `after`, oldest first."""
        return [event for event in self._gateway.conductor.events if event.sequence > after]

    def budget(self) -> BudgetView:
        """Return what was spent and what is left."""
        return self._gateway.budget.view()

    async def refresh(self, symbol: str) -> QuoteView:
        """Ask for a symbol now. Raises UnknownSymbolError, and BudgetError where nothing may be asked."""
        symbol = self.resolve(symbol)
        why_not = await self._gateway.refresh(symbol)
        if why_not is not None:
            raise BudgetError(f"{symbol}: not asked for. {why_not}. The quote that there is: GET /v1/quotes/{symbol}.")
        return self.quote(symbol)

    def not_ready(self, quotes: Sequence[QuoteView] | None = None) -> str | None:
        """Return what is still missing before quotes can be served, or `None`; `quotes` as for `health`."""
        views = self.quotes() if quotes is None else quotes
        without = [view.symbol for view in views if Reason.NO_QUOTE.value in view.reasons]
        return f"no quote yet of {', '.join(without)}" if without else None

    def providers(self) -> Sequence[ProviderStatus]:
        """Return every provider, the most wanted first."""
        return list(self.providers_in_parts())

    def providers_in_parts(self) -> Iterator[ProviderStatus]:
        """Yield every provider, the most wanted first."""
        for name, feed in self._gateway.feeds.items():
            yield self._provider(name, feed, self._clock.now_ns())

    def lines(self, provider: str) -> Sequence[LineHealth]:
        """Return every line of a provider, in alphabetical order. Raises ConfigError where there is none such."""
        return self.routing.lines(provider)

    def health(self, *, not_firm: int | None = None, providers: Sequence[ProviderStatus] | None = None) -> HealthReport:
        """Return the whole report; how many symbols are `not_firm`, and `providers`, are those of now, where known."""
        providers = tuple(self.providers() if providers is None else providers)
        not_firm = sum(map(len, self.not_firm_in_parts())) if not_firm is None else not_firm
        symbols = len(self._gateway.symbols)
        accepted = sum(p.accepted for p in providers)
        rejected = sum(p.rejected for p in providers)
        total = accepted + rejected
        promotion, wanted = self._gateway.safety.promotion, self._gateway.config.feeds.quotes
        gates = promotion.gates()
        status, reasons = overall(
            providers,
            live=wanted.live_enabled,
            wanted=frozenset({wanted.provider_active, wanted.provider_warm}),
            restrictions=self._gateway.safety.restrictions,
            acting=promotion.rollout.stage >= Stage.CANARY,
            gates=gates,
        )
        return HealthReport(
            status=status,
            session=self._gateway.session.value,
            expansion_state=self._gateway.safety.stages.stage.label,
            can_promote_to_live=promotion.rollout.all_pass(),
            active_provider=self._gateway.manager.serving,
            last_role_change=self._gateway.conductor.last_role_change,
            providers=providers,
            promotion_gates=gates,
            quality_metrics={
                "symbols": float(symbols),
                "symbols_firm": float(symbols - not_firm),
                "accepted": float(accepted),
                "rejected": float(rejected),
                "reject_rate": rejected / total if total else None,
                "shadow_mismatch_rate": self._mismatch_rate(),
                "lines_unfit": float(sum(feed.unfit_lines() for feed in self._gateway.feeds.values())),
            },
            cost_summary=self._gateway.budget.cost_summary(),
            as_of_ns=self._clock.now_ns(),
            reasons=reasons,
        )

    def _mismatch_rate(self) -> float | None:
        totals = [shadow.total() for shadow in self._gateway.quality.judge.shadows.values()]
        compared = sum(total.compared for total in totals)
        return sum(total.mismatched for total in totals) / compared if compared else None

    async def all_health(self, quotes: Sequence[QuoteView]) -> HealthReport:
        """Return what `health` does; frames that come meanwhile are decided on first."""
        not_firm = sum(view.grade != _FIRM for view in quotes)
        return self.health(not_firm=not_firm, providers=await self._all_providers())

    def metrics(self) -> Sequence[Metric]:
        """Return everything that Prometheus may want."""
        return list(chain.from_iterable(metrics_in_parts(self._gateway, self.quotes(), self.providers())))

    async def all_metrics(self) -> Sequence[Metric]:
        """Return what `metrics` does; frames that come meanwhile are decided on first."""
        quotes, providers = await self.all_quotes(), await self._all_providers()
        return await self.in_parts(metrics_in_parts(self._gateway, quotes, providers))

    async def in_parts(self, parts: Iterator[Sequence[T]]) -> Sequence[T]:
        """Return what `parts` bring together; frames that come meanwhile are decided on first."""
        return await gathered(parts, self._clock)

    async def _all_providers(self) -> Sequence[ProviderStatus]:
        return await self.in_parts([one] for one in self.providers_in_parts())

    # -- how

    def resolve(self, typed: str) -> str:
        """Return the canonical symbol that is meant. Raises UnknownSymbolError for what is none, or not served."""
        board = self._gateway.board
        if typed in board.entries:
            return typed
        symbol = self._gateway.normalizer.resolve(typed, served=board.entries.keys())
        return board.view(symbol, self._clock.now_ns()).symbol

    def _provider(self, name: str, feed: Feed, now_ns: int) -> ProviderStatus:
        manager = self._gateway.manager
        member = manager.members[name]
        counts = feed.counts()
        latency = self._gateway.conductor.latency(name, now_ns)
        suspicion = self._gateway.conductor.watch.suspicion(name)
        last_ns = counts.last_accepted_ns
        return ProviderStatus(
            name=name,
            title=self._titles[name],
            role=manager.role(name),
            status=member.status.value,
            why=member.why,
            success_rate=1.0 if member.synthetic else member.health.success_rate(now_ns),
            p50_latency_ms=latency.p50_ms,
            p95_latency_ms=latency.p95_ms,
            p99_latency_ms=latency.p99_ms,
            staleness_ms=None if last_ns is None else max(0, now_ns - last_ns) / NS_PER_MS,
            silence_suspicion=None if suspicion is None else suspicion.evidence.phi,
            usual_gap_ms=None if suspicion is None else suspicion.evidence.usual_gap_ms,
            silence_score=None if suspicion is None else suspicion.score.total,
            silence_evidence={} if suspicion is None else suspicion.parts(),
            symbols_serving=sum(line.entry.elected is line for line in feed.lines.values()),
            symbols_unfit=manager.lines.symbols_against(name),
            blame=None if member.blame is None else member.blame.value,
            breaker=member.breaker.state.value,
            connected=member.ready,
            reconnects=member.reconnects,
            quotes_per_s=self._rate(name),
            accepted=counts.accepted,
            rejected=sum(counts.refused.values()),
            rejected_by_reason=counts.refused,
            unparsed=counts.unparsed,
            unknown_symbols=counts.unknown_symbols,
            requests=member.health.requests,
            errors_by_class=dict(member.health.errors),
            consecutive_errors=member.breaker.consecutive_failures,
            last_error=member.health.last_error,
            symbols=len(feed.lines),
            budget_left_pct=self._gateway.budget.left_pct(name),
        )

    def _rate(self, name: str) -> float | None:
        history = self._accepted[name]
        return (history[-1] - history[0]) / (len(history) - 1) if len(history) > 1 else None


def _quote_view(view: BoardView) -> QuoteView:
    price = view.price
    quote = price if isinstance(price, Quote) else None
    two_sided = quote is not None and quote.bid is not None and quote.ask is not None
    bid, ask = (None, None) if quote is None else (quote.bid, quote.ask)
    return QuoteView(
        symbol=view.symbol,
        grade=view.graded.grade.label,
        reasons=tuple(reason.value for reason in view.graded.reasons),
        provider=view.provider,
        bid=bid,
        ask=ask,
        mid=mid(bid, ask) if two_sided and bid is not None and ask is not None else None,
        spread_bps=spread_bps(bid, ask) if two_sided and bid is not None and ask is not None else None,
        bid_size_shares=None if quote is None else quote.bid_size_shares,
        ask_size_shares=None if quote is None else quote.ask_size_shares,
        last=price.price if isinstance(price, LastPrice) else None,
        event_ns=None if price is None else price.event_ns,
        received_ns=None if price is None else price.received_ns,
        age_ms=None if view.age_ns is None else view.age_ns / NS_PER_MS,
        sequence=None if quote is None else quote.sequence,
        halted=view.halted,
        as_of_ns=view.now_ns,
    )
