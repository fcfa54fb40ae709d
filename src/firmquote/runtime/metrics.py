"""What Prometheus is told of the gateway, from the live objects."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from firmquote.model import Grade
from firmquote.model.status import Metric, ProviderStatus, QuoteView
from firmquote.routing import Status
from firmquote.runtime.operations import operations_metrics
from firmquote.runtime.safety_report import safety_metrics
from firmquote.runtime.turns import portions

if TYPE_CHECKING:
    from firmquote.runtime.gateway import Gateway

QUOTES_AT_ONCE = 100
"""Symbols whose grades are told before others may go first."""


def metrics_in_parts(
    gateway: "Gateway", quotes: Sequence[QuoteView], providers: Sequence[ProviderStatus]
) -> Iterator[Sequence[Metric]]:
    """Yield all families, some at a time; `quotes` and `providers` are those of now."""
    grades: list[tuple[tuple[tuple[str, str], ...], float]] = []
    for some in portions(quotes, QUOTES_AT_ONCE):
        grades += [((("symbol", view.symbol),), Grade[view.grade.upper()].value) for view in some]
        yield ()
    yield [_metric("quote_grade", "0 none, 1 mock, 2 stale, 3 indicative, 4 firm.", "gauge", grades)]
    yield _provider_metrics(providers)
    yield [
        _metric("lines_unfit", "Symbols for which a provider is unfit now.", "gauge", [
            ((("provider", name),), float(feed.unfit_lines())) for name, feed in gateway.feeds.items()
        ]),
        _metric("own_clock_steps_total", "Times our own wall clock stepped.", "counter", [
            ((), gateway.quality.clock_steps)
        ]),
        _metric("own_stalls_total", "Times this process stood still.", "counter", [
            ((), gateway.conductor.watch.stalls)
        ]),
    ]  # fmt: skip
    yield gateway.report.routing.metrics()
    yield gateway.report.trading.metrics()
    yield gateway.budget.metrics()
    yield safety_metrics(gateway.safety)
    yield operations_metrics(gateway.alerting, providers)


def _provider_metrics(providers: Sequence[ProviderStatus]) -> Sequence[Metric]:
    pairs = [((("provider", p.name),), p) for p in providers]
    return [
        _metric("accepted_total", "Prices that reached a line.", "counter", [(k, p.accepted) for k, p in pairs]),
        _metric("rejected_total", "Prices refused before the board, by reason.", "counter", [
            ((*k, ("reason", reason)), count) for k, p in pairs for reason, count in p.rejected_by_reason.items()
        ]),
        _metric("unparsed_total", "Messages of no known shape.", "counter", [(k, p.unparsed) for k, p in pairs]),
        _metric("reconnects_total", "Connections lost.", "counter", [(k, p.reconnects) for k, p in pairs]),
        _metric("provider_usable", "1 while the provider could serve.", "gauge", [
            (k, p.status in (Status.HEALTHY.value, Status.DEGRADED.value)) for k, p in pairs
        ]),
        _metric("provider_active", "1 for the provider that serves.", "gauge", [
            (k, p.role == "active") for k, p in pairs
        ]),
        _metric("latency_p95_seconds", "95th percentile of delay or round trip.", "gauge", [
            (k, p.p95_latency_ms / 1_000) for k, p in pairs if p.p95_latency_ms is not None
        ]),
        _metric("silence_suspicion", "How unusual a stream's present gap is (phi).", "gauge", [
            (k, p.silence_suspicion) for k, p in pairs if p.silence_suspicion is not None
        ]),
        _metric("staleness_seconds", "Since the last accepted price.", "gauge", [
            (k, p.staleness_ms / 1_000) for k, p in pairs if p.staleness_ms is not None
        ]),
    ]  # fmt: skip


def _metric(name: str, words: str, kind: str, samples: Sequence[tuple[tuple[tuple[str, str], ...], float]]) -> Metric:
    values = tuple((labels, float(value)) for labels, value in samples)
    return Metric(name=f"firmquote_{name}", help=words, kind=kind, samples=values)
