"""OpenTelemetry traces: the extra `firmquote[otel]`, imported only where the configuration asks for it.

Where spans go is said by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT` and its like).
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from firmquote.errors import ConfigError
from firmquote.model.redaction import REDACTOR
from firmquote.model.tracing import TRACING, Span, Value
from firmquote.runtime.config import TraceSection

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan

FLUSH_MS = 2_000
"""How long an end waits until the last spans are sent."""
PREFIX = "firmquote."


@contextmanager
def tracing(policy: TraceSection) -> Iterator[None]:
    """Trace while the block runs, if the configuration asks for it.

    Raises:
        ConfigError: the extra is not installed.
    """
    if not policy.enabled:
        yield
        return
    provider = _open_provider(policy)
    TRACING.tracer = OtelTracer(provider)
    try:
        yield
    finally:
        TRACING.stop()
        provider.force_flush(FLUSH_MS)
        provider.shutdown()


class OtelTracer:
    """Hands spans to OpenTelemetry. What an exception says is not exported: only its type is."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import trace  # noqa: PLC0415 - only where traces are on
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - likewise

        self._tracer = provider.get_tracer("firmquote")
        self._extract = TraceContextTextMapPropagator().extract
        self._kinds = trace.SpanKind

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Value], caller: Mapping[str, str]) -> Iterator[Span]:
        """Trace the block, as a part of what `caller` traces."""
        context = self._extract(caller) if "traceparent" in caller else None
        kind = self._kinds.SERVER if caller else self._kinds.INTERNAL
        started = self._tracer.start_as_current_span(
            name, context, kind, _named(attributes), record_exception=False, set_status_on_exception=False
        )
        with ExitStack() as stack:
            span = _OtelSpan(stack.enter_context(started))
            stack.push(span.fail_on_exit)
            yield span

    def record(self, name: str, attributes: Mapping[str, Value], *, start_ns: int, end_ns: int) -> None:
        """Trace what is over."""
        self._tracer.start_span(name, attributes=_named(attributes), start_time=start_ns).end(max(start_ns, end_ns))


class _OtelSpan:
    def __init__(self, span: "OtelSpan") -> None:
        self._span = span

    def note(self, name: str, value: Value) -> None:
        """Set an attribute."""
        self._span.set_attribute(f"{PREFIX}{name}", _clean(name, value))

    def fail_on_exit(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell the type of what ended the block, if anything did."""
        del error, trace
        if kind is not None:
            self.fail(kind.__name__)

    def fail(self, words: str) -> None:
        """Set the status."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - loaded by now

        self._span.set_status(StatusCode.ERROR, REDACTOR.text(words))


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {f"{PREFIX}{name}": _clean(name, value) for name, value in attributes.items()}


def _clean(name: str, value: Value) -> Value:
    return str(REDACTOR.value(value, name)) if isinstance(value, str) else value


def _open_provider(policy: TraceSection) -> "TracerProvider":
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - the extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - likewise
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - likewise
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - likewise
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise ConfigError(
            f"traces.enabled: {error.name} is not installed. Install firmquote[otel], or set traces.enabled: false."
        ) from error
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(policy.share),
        resource=Resource.create({"service.name": "firmquote"}),
        shutdown_on_exit=False,
    )
    # Bounded by its own queue (2,048): what does not fit is dropped, and a collector that is away holds nothing up.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
