"""Traces: nothing by default, and spans of requests, polls, hand-overs and orders at a real collector."""

import ast
import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.scenarios.gateway import play, scenario

import firmquote
from firmquote.errors import ConfigError
from firmquote.lab import LAB_KEY
from firmquote.model.tracing import TRACING
from firmquote.model.trading import Order, Side
from firmquote.runtime import tracing
from firmquote.runtime.config import TraceSection
from firmquote.runtime.effects import tell_of_orders

SOURCES = Path(firmquote.__file__).parent
ON = TraceSection(enabled=True)
PARENT = "4bf92f3577b34da6a3ce929d0e0e4736"


@contextmanager
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Span]]:
    """A receiver of OTLP over HTTP, as a collector is; yields what came."""
    came: list[Span] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    came.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        try:
            yield came
        finally:
            server.shutdown()
            thread.join()


def named(spans: Sequence[Span], name: str) -> list[dict[str, object]]:
    return [
        {a.key.removeprefix("firmquote."): getattr(a.value, a.value.WhichOneof("value") or "") for a in span.attributes}
        for span in spans
        if span.name == name
    ]


@pytest.mark.scenario
def test_a_collector_gets_requests_polls_and_hand_overs_and_no_span_a_quote(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with scenario() as running:
            await running.until(lambda: running.gateway.report.not_ready() is None)
            running.gateway.conductor.activate("polygon", f"because of apikey={LAB_KEY}")
            async with running.gateway.serve() as url, httpx.AsyncClient(base_url=url) as client:
                await client.get("/v1/quotes", headers={"traceparent": f"00-{PARENT}-00f067aa0ba902b7-01"})

    with collector(monkeypatch) as spans, tracing(ON):
        play(body)
        quotes = TRACING.tracer
    assert quotes is not TRACING.tracer
    request = next(span for span in spans if span.name == "request")
    assert request.trace_id.hex() == PARENT
    assert named(spans, "request")[0].items() >= {"path": "/v1/quotes", "method": "GET", "status": 200}.items()
    assert {poll["provider"] for poll in named(spans, "poll")} == {"alphavantage"}
    hand_over = named(spans, "hand_over")[-1]
    assert (hand_over["before"], hand_over["after"]) == ("alphavantage", "polygon")
    assert len(spans) < 100, "quotes come by hundreds a second"
    assert LAB_KEY not in str(spans)


def test_an_order_is_traced_from_its_decision_to_the_outbox_and_a_failure_by_its_type_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = Order(
        key="IBM-7-20261124", symbol="IBM", decision=7, day="2026-11-24", side=Side.BUY, quantity_shares=5,
        limit_price=None, intent="BUY_1X", cause="test", created_ns=1_000, expires_ns=9_000,
    )  # fmt: skip
    with collector(monkeypatch) as spans, tracing(ON):
        tell_of_orders([order], broker="paper", now_ns=3_000)
        with pytest.raises(ValueError, match="secret"), TRACING.span("poll", provider="x"):
            raise ValueError("secret-in-an-exception")
    effect = next(span for span in spans if span.name == "decision_effect")
    assert (effect.start_time_unix_nano, effect.end_time_unix_nano) == (1_000, 3_000)
    assert named(spans, "decision_effect")[0]["decision"] == 7
    failed = next(span for span in spans if span.name == "poll")
    assert (failed.status.message, len(failed.events)) == ("ValueError", 0)
    assert "secret-in-an-exception" not in str(spans)


def test_nothing_is_imported_or_traced_unless_the_configuration_asks_for_it() -> None:
    at_import = [
        node
        for path in SOURCES.rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom) and "opentelemetry" in ast.unparse(node)
    ]
    assert at_import == []
    before = TRACING.tracer
    with tracing(TraceSection()):
        assert TRACING.tracer is before


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match=r"Install firmquote\[otel\]"), tracing(ON):
        pass


@pytest.mark.scenario
def test_a_collector_that_is_not_there_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")

    async def body() -> None:
        loop = asyncio.get_running_loop()
        took_s = []
        for _ in range(3):
            begun_s = loop.time()
            for _ in range(1_000):
                with TRACING.span("request", path="/"):
                    pass
            took_s.append(loop.time() - begun_s)
        assert min(took_s) < 1, "a machine may be late, but not each time"

    with tracing(ON):
        asyncio.run(body())
