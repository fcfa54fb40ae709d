"""Prometheus's text, written by its own library from plain numbers read at scrape time."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from firmquote.model.metric import Metric, Samples

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


SAMPLES_AT_ONCE = 10
"""Samples that are written before others may go first."""


class _Collected:
    """Hands a ready-made family to the library."""

    def __init__(self, metric: Metric, samples: Samples) -> None:
        self._metric = metric
        self._samples = samples

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield the family (prometheus_client)."""
        metric = self._metric
        family = _FAMILIES[metric.kind](metric.name, metric.help)
        for labels, value in self._samples:
            family.add_sample(metric.name, dict(labels), value)
        yield family


def expose_in_parts(metrics: Iterable[Metric]) -> Iterator[Sequence[bytes]]:
    """Yield the page that a scrape gets, some lines at a time."""
    for metric in metrics:
        for first in range(0, max(1, len(metric.samples)), SAMPLES_AT_ONCE):
            text = generate_latest(_Collected(metric, metric.samples[first : first + SAMPLES_AT_ONCE]))
            yield [text.split(b"\n", 2)[2] if first else text]  # help and type are said once
