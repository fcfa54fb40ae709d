"""What Prometheus is told of the gateway, from the live objects."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from firmquote.model import Grade
from firmquote.model.metric import Labels, Metric, by, counter, gauge
from firmquote.model.status import ProviderStatus, QuoteView
from firmquote.routing import BreakerState, Status
from firmquote.runtime.operations import operations_metrics
from firmquote.runtime.safety_report import safety_metrics
from firmquote.runtime.turns import portions

if TYPE_CHECKING:
    from firmquote.runtime.gateway import Gateway

_USABLE = (Status.HEALTHY.value, Status.DEGRADED.value)
_BREAKER_STATES = {BreakerState.CLOSED.value: 0, BreakerState.HALF_OPEN.value: 1, BreakerState.OPEN.value: 2}
QUOTES_AT_ONCE = 100
"""Symbols whose grades are told before others may go first."""


def metrics_in_parts(
    gateway: "Gateway", quotes: Sequence[QuoteView], providers: Sequence[ProviderStatus]
) -> Iterator[Sequence[Metric]]:
    """Yield all families, some at a time; `quotes` and `providers` are those of now."""
    grades: list[tuple[Labels, float]] = []
    for some in portions(quotes, QUOTES_AT_ONCE):
        grades += [((("symbol", view.symbol),), Grade[view.grade.upper()].value) for view in some]
        yield ()
    yield [gauge("quote_grade", "0 none, 1 mock, 2 stale, 3 indicative, 4 firm.", grades)]
    yield _provider_metrics(providers)
    unfit = {name: feed.unfit_lines() for name, feed in gateway.feeds.items()}
    yield [
        gauge("lines_unfit", "Symbols for which a provider is unfit now.", by("provider", unfit)),
        counter("own_clock_steps_total", "Times our own wall clock stepped.", gateway.quality.clock_steps),
        counter("own_stalls_total", "Times this process stood still.", gateway.conductor.watch.stalls),
    ]
    yield gateway.report.routing.metrics()
    yield gateway.report.trading.metrics()
    yield gateway.budget.metrics()
    yield safety_metrics(gateway.safety)
    yield operations_metrics(gateway.alerting, providers)


def _provider_metrics(providers: Sequence[ProviderStatus]) -> Sequence[Metric]:
    def each(number: Callable[[ProviderStatus], float | None]) -> Iterable[tuple[Labels, float]]:
        return by("provider", {provider.name: number(provider) for provider in providers})

    return [
        counter("accepted_total", "Prices that reached a line.", each(lambda p: p.accepted)),
        counter("rejected_total", "Prices refused before the board, by reason.", (
            ((("provider", p.name), ("reason", reason)), count)
            for p in providers for reason, count in p.rejected_by_reason.items()
        )),
        counter("unparsed_total", "Messages of no known shape.", each(lambda p: p.unparsed)),
        counter("reconnects_total", "Connections lost.", each(lambda p: p.reconnects)),
        gauge("provider_usable", "1 while the provider could serve.", each(lambda p: p.status in _USABLE)),
        gauge("provider_active", "1 for the provider that serves.", each(lambda p: p.role == "active")),
        gauge("latency_p50_seconds", "Median of delay or round trip.", each(lambda p: _s(p.p50_latency_ms))),
        gauge("latency_p95_seconds", "95th percentile of delay or round trip.", each(lambda p: _s(p.p95_latency_ms))),
        gauge("latency_p99_seconds", "99th percentile of delay or round trip.", each(lambda p: _s(p.p99_latency_ms))),
        counter("provider_errors_total", "Errors, by class.", (
            ((("provider", p.name), ("class", kind)), count)
            for p in providers for kind, count in p.errors_by_class.items()
        )),
        gauge("provider_consecutive_errors", "Failures in a row.", each(lambda p: p.consecutive_errors)),
        gauge("breaker_state", "0 closed, 1 half open, 2 open.", each(lambda p: _BREAKER_STATES[p.breaker])),
        gauge("silence_suspicion", "How unusual a stream's present gap is (phi).", each(lambda p: p.silence_suspicion)),
        gauge("staleness_seconds", "Since the last accepted price.", each(lambda p: _s(p.staleness_ms))),
    ]  # fmt: skip


def _s(ms: float | None) -> float | None:
    return None if ms is None else ms / 1_000
