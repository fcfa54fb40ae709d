"""What Prometheus is told, as plain numbers."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

Labels = tuple[tuple[str, str], ...]
"""(name, value) each; none where a family has one number."""
Samples = tuple[tuple[Labels, float], ...]


class Metric(Struct, frozen=True, kw_only=True):
    """One family of samples."""

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    samples: Samples


def gauge(name: str, words: str, value: float | Iterable[tuple[Labels, float]]) -> Metric:
    """Return a number that goes up and down, or one for each of its labels; `name` without `firmquote_`."""
    return Metric(name=f"firmquote_{name}", help=words, kind="gauge", samples=_samples(value))


def counter(name: str, words: str, value: float | Iterable[tuple[Labels, float]]) -> Metric:
    """Return a number that only grows, or one for each of its labels; `name` without `firmquote_`."""
    return Metric(name=f"firmquote_{name}", help=words, kind="counter", samples=_samples(value))


def by(label: str, values: Mapping[str, float | None]) -> Iterable[tuple[Labels, float]]:
    """Yield a sample for each value of `label`; what is not known has none."""
    return ((((label, name),), value) for name, value in values.items() if value is not None)


def _samples(value: float | Iterable[tuple[Labels, float]]) -> Samples:
    if isinstance(value, Iterable):
        return tuple((labels, float(number)) for labels, number in value)
    return (((), float(value)),)
