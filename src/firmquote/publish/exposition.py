"""Prometheus text exposition 0.0.4, from plain numbers read at scrape time.

https://prometheus.io/docs/instrumenting/exposition_formats/, read 2026-11-24.
"""

from collections.abc import Iterable

from firmquote.model.status import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def expose(metrics: Iterable[Metric]) -> str:
    """Return the page that a scrape gets."""
    lines: list[str] = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} {metric.help}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        for labels, value in metric.samples:
            inside = ",".join(f'{name}="{_escape(text)}"' for name, text in labels)
            lines.append(f"{metric.name}{{{inside}}} {value}" if inside else f"{metric.name} {value}")
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
