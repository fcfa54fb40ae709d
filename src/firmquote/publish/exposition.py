"""Prometheus's text, written by its own library from plain numbers read at scrape time."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from firmquote.model.status import Metric

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


class _Collected:
    """Hands ready-made families to the library."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield one family a metric (prometheus_client)."""
        for metric in self._metrics:
            family = _FAMILIES[metric.kind](metric.name, metric.help)
            for labels, value in metric.samples:
                family.add_sample(metric.name, dict(labels), value)
            yield family


def expose(metrics: Iterable[Metric]) -> bytes:
    """Return the page that a scrape gets."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(list(metrics)))
    return generate_latest(registry)
