"""The pages of the API, the metrics and the errors, from the code that answers, measures and raises."""

import inspect
from collections.abc import Iterator
from random import Random
from typing import Any

from firmquote import errors
from firmquote.publish.api import build_app
from firmquote.publish.live import LiveStream
from firmquote.publish.problems import status_of
from firmquote.runtime import DEMO_PROVIDERS, KEY_NAME, Gateway, SystemClock, demo_config

NOTE = "<!-- made by docs/generate.py; edit the code it is made from -->"
METHODS = ("get", "post")
REFUSED = ("400", "default")
"""Answered with a problem detail, as the head of the page says."""


class _Nobody:
    """Stands where the gateway would: the routes are made, and nothing is asked."""

    def __getattr__(self, name: str) -> "_Nobody":
        return self

    def __call__(self, *_: object, **__: object) -> "_Nobody":
        return self


def api() -> str:
    """Return every route with its parameters, and every shape that is sent or answered."""
    nobody: Any = _Nobody()
    app = build_app(nobody, LiveStream(nobody), access=nobody, hosts=[])
    schema: dict[str, Any] = app.openapi_schema.to_schema()
    lines = [
        NOTE, "# Every route and shape", "",
        "[HTTP API](http.md) is the overview; this list is from `/schema/openapi.json`.",
        "Whatever is refused is answered with a [Problem](#problem) (RFC 9457) as `application/problem+json`.",
    ]  # fmt: skip
    for path, operations in sorted(schema["paths"].items()):
        for method in METHODS:
            if method in operations:
                lines += ["", f"## {method.upper()} {path}", "", *_operation(operations[method])]
    lines += ["", "## Shapes"]
    for name, shape in sorted(schema["components"]["schemas"].items()):
        lines += ["", f"### {name}", "", *_fields(shape)]
    return "\n".join(lines) + "\n"


def _operation(operation: dict[str, Any]) -> Iterator[str]:
    yield " ".join(operation.get("description", "").split())
    yield ""
    for parameter in operation.get("parameters", ()):
        needed = ", needed" if parameter["required"] else ""
        yield f"- `{parameter['name']}` in the {parameter['in']}: {_type(parameter['schema'])}{needed}"
    body = operation.get("requestBody")
    if body is not None:
        yield f"- body: {_type(next(iter(body['content'].values()))['schema'])}"
    for status, answer in operation["responses"].items():
        if status not in REFUSED:
            kind, content = next(iter(answer.get("content", {"nothing": {}}).items()))
            yield f"- {status}: {_type(content.get('schema', {}))} as `{kind}`"


def _fields(shape: dict[str, Any]) -> Iterator[str]:
    if "enum" in shape:
        yield "One of " + ", ".join(f"`{value}`" for value in shape["enum"]) + "."
        return
    needed = set(shape.get("required", ()))
    yield "| field | type | |"
    yield "| --- | --- | --- |"
    for name, kind in shape.get("properties", {}).items():
        default = f"`{kind['default']}` unless given" if "default" in kind else ""
        yield f"| `{name}` | {_type(kind)} | {'needed' if name in needed else default} |"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " or ".join(_type(one) for one in schema[key])
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and "additionalProperties" in schema:
        return f"object of {_type(schema['additionalProperties'] or {})}"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    return f"{kind} ({', '.join(bounds)})" if bounds else str(kind)


_BOUNDS = {
    "minimum": "from",
    "maximum": "to",
    "exclusiveMinimum": "above",
    "minLength": "length from",
    "maxLength": "length to",
}


def metrics() -> str:
    """Return every metric with its help text and labels."""
    settings: dict[str, dict[str, str]] = {name: {} for name in DEMO_PROVIDERS}
    gateway = Gateway(demo_config(settings), {KEY_NAME: "none"}, SystemClock(), Random(0))  # noqa: S311 - draws nothing
    lines = [
        NOTE, "# Metrics", "",
        "At `/metrics`, in Prometheus's text format.",
        "Rules and a Grafana dashboard that use them are in `deploy/`.",
        "", "| metric | kind | meaning |", "| --- | --- | --- |",
    ]  # fmt: skip
    found = sorted(gateway.report.metrics(), key=lambda metric: metric.name)
    lines += [f"| `{metric.name}` | {metric.kind} | {metric.help} |" for metric in found]
    return "\n".join(lines) + "\n"


def error_page() -> str:
    """Return every error with its meaning, exit code and HTTP status, below the one that it is a kind of."""
    lines = [
        NOTE, "# Errors", "",
        "All are in `firmquote.errors`; whoever catches one catches those that are indented below it.",
        "The command line prints the message as one line and ends with the exit code; the API answers with the status.",
        "", "| error | meaning | exit code | HTTP status |", "| --- | --- | --- | --- |",
        *_errors(errors.FirmquoteError, 0),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _errors(kind: type[errors.FirmquoteError], depth: int) -> Iterator[str]:
    meaning = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
    indent = "&nbsp;&nbsp;&nbsp;&nbsp;" * depth
    yield f"| {indent}`{kind.__name__}` | {meaning} | {kind.exit_code} | {status_of(kind).value} |"
    for below in sorted(kind.__subclasses__(), key=lambda one: one.__name__):
        if below.__module__ == errors.__name__:
            yield from _errors(below, depth + 1)
