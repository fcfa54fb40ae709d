"""What the HTTP API needs from whoever runs the gateway. The runtime implements it; tests give a plain class."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from firmquote.model.alerts import AlertReport, AlertView
from firmquote.model.metric import Metric
from firmquote.model.safety import Caller
from firmquote.model.status import EventView, HealthReport, LineHealth, ProviderStatus, QuoteView
from firmquote.publish.budget_view import SpendingView
from firmquote.publish.quality_view import QualityPort
from firmquote.publish.safety_view import SafetyView
from firmquote.publish.trading_view import TradingView

T = TypeVar("T")


class GatewayView(SpendingView, Protocol):
    """In memory. What grows with the number of symbols lets others go between its parts; nothing else waits."""

    @property
    def safety(self) -> SafetyView:
        """Who owns the switches and the audit trail."""
        ...

    @property
    def trading(self) -> TradingView:
        """Who decides and trades."""
        ...

    @property
    def data(self) -> QualityPort:
        """Who judges providers and keeps corporate actions."""
        ...

    async def all_quotes(self) -> Sequence[QuoteView]:
        """Return every served symbol, in alphabetical order; what comes meanwhile goes first."""
        ...

    def quote(self, symbol: str) -> QuoteView:
        """Return one symbol. Raises UnknownSymbolError."""
        ...

    async def all_health(self, quotes: Sequence[QuoteView]) -> HealthReport:
        """Return the whole report, given the quotes of now; what comes meanwhile goes first."""
        ...

    def providers(self) -> Sequence[ProviderStatus]: ...

    def lines(self, provider: str) -> Sequence[LineHealth]:
        """Return every line of a provider, in alphabetical order. Raises ConfigError where there is none such."""
        ...

    def not_ready(self, quotes: Sequence[QuoteView]) -> str | None:
        """Return what is still missing before quotes can be served, or `None`."""
        ...

    async def all_decisions(self) -> Sequence[Struct]:
        """Return the newest decision of each symbol; what comes meanwhile goes first."""
        ...

    def decision(self, symbol: str) -> Struct:
        """Return the newest decision on one symbol. Raises UnknownSymbolError."""
        ...

    def activate(self, name: str, reason: str, caller: Caller) -> EventView:
        """Let provider `name` serve. Raises ConfigError where it cannot."""
        ...

    def events(self, after: int) -> Sequence[EventView]:
        """Return what changed since event number `after`, oldest first."""
        ...

    def alerts(self) -> AlertReport: ...

    def acknowledge(self, number: int, who: str, reason: str) -> AlertView:
        """Note that somebody is on an alert. Raises ConfigError where it does not fire."""
        ...

    def test_alerts(self, reason: str) -> None:
        """Fire an alert that means nothing."""
        ...

    async def all_metrics(self) -> Sequence[Metric]:
        """Return everything that Prometheus may want; what comes meanwhile goes first."""
        ...

    async def in_parts(self, parts: Iterator[Sequence[T]]) -> Sequence[T]:
        """Return what `parts` bring together; what comes meanwhile goes first."""
        ...
