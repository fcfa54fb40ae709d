"""The HTTP API. All names are contracts (DESIGN section 7)."""

import os
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from litestar import Litestar, MediaType, Response, Router, get, post
from litestar.config.allowed_hosts import AllowedHostsConfig
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.static_files import create_static_files_router
from litestar.types import Guard
from msgspec import Meta, Struct

from firmquote import __version__
from firmquote.model.status import EventView, HealthReport, LineHealth, ProviderStatus, QuoteView
from firmquote.publish.access import Access, AnyRequest, Doorman, Guards
from firmquote.publish.alert_routes import alert_routes
from firmquote.publish.budget_routes import budget_routes
from firmquote.publish.exposition import CONTENT_TYPE, expose_in_parts
from firmquote.publish.headers import SECURITY
from firmquote.publish.live import LiveStream
from firmquote.publish.page_routes import page_routes
from firmquote.publish.problems import HANDLERS, documented
from firmquote.publish.quality_routes import quality_routes
from firmquote.publish.rollout_routes import rollout_routes
from firmquote.publish.safety_routes import caller_of, safety_routes
from firmquote.publish.trading_routes import trading_routes
from firmquote.publish.view import GatewayView

PAGE = Path(__file__).parent / "page"
AnyResponse: TypeAlias = Response[Any]
BODY_BYTES_MAX = 64 * 1024
HEALTH_CODES = {
    "healthy": HTTPStatus.OK,
    "degraded": HTTPStatus.PARTIAL_CONTENT,
    "failed": HTTPStatus.SERVICE_UNAVAILABLE,
}

LESS_HEALTHY = {
    HEALTH_CODES[status].value: ResponseSpec(HealthReport, generate_examples=False, description=status)
    for status in ("degraded", "failed")
}
NOT_READY = {
    HTTPStatus.SERVICE_UNAVAILABLE.value: ResponseSpec(
        dict[str, str], generate_examples=False, description="not ready; `why` says what is missing"
    )
}


class Activation(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a provider is activated; it goes into the event log."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


def build_app(
    view: GatewayView,
    live: LiveStream,
    *,
    access: Access,
    hosts: list[str],
    read_needs_token: bool = False,
    orders_need_key: bool = False,
) -> Litestar:
    """Return the application. `access` knows the tokens; `hosts` are the names it answers to."""
    guards = Guards(access, orders_need_key=orders_need_key)
    reads: list[Guard] = [guards.read] if read_needs_token else []

    @get("/healthz", media_type=MediaType.JSON)
    async def healthz() -> dict[str, str | int]:
        """Say that the process answers, and which it is, of which version."""
        return {"status": "alive", "pid": os.getpid(), "version": __version__}

    @get("/readyz", media_type=MediaType.JSON, responses=NOT_READY)
    async def readyz() -> Response[dict[str, str]]:
        """Say whether quotes can be served, and what is missing."""
        missing = view.not_ready(await view.all_quotes())
        if missing is None:
            return Response({"status": "ready"})
        return Response({"status": "not ready", "why": missing}, status_code=HTTPStatus.SERVICE_UNAVAILABLE)

    @get("/healthz/providers", guards=reads, responses=LESS_HEALTHY)
    async def health() -> Response[HealthReport]:
        """Report everything about providers: 200 healthy, 206 degraded, 503 failed."""
        report = await view.all_health(await view.all_quotes())
        return Response(report, status_code=HEALTH_CODES[report.status])

    @get("/metrics", media_type=MediaType.TEXT, guards=reads)
    async def metrics() -> Response[bytes]:
        """Return Prometheus's text."""
        page = await view.in_parts(expose_in_parts(await view.all_metrics()))
        return Response(b"".join(page), media_type=CONTENT_TYPE)

    @get("/quotes")
    async def quotes() -> list[QuoteView]:
        """Return every served symbol with its grade and the reasons for it."""
        return list(await view.all_quotes())

    @get("/quotes/{symbol:str}")
    async def quote(symbol: FromPath[str]) -> QuoteView:
        """Return one symbol."""
        return view.quote(symbol)

    @get("/providers")
    async def providers() -> list[ProviderStatus]:
        """Return every provider with its role."""
        return list(view.providers())

    @get("/providers/{name:str}/lines")
    async def lines(name: FromPath[str]) -> list[LineHealth]:
        """Return every symbol of a provider: whether it serves it, how old it is, and why it may not."""
        return list(view.lines(name))

    @post("/providers/{name:str}/activate", guards=[guards.operate], status_code=HTTPStatus.OK)
    async def activate(name: FromPath[str], data: JSONBody[Activation], request: AnyRequest) -> EventView:
        """Let a provider serve from now on."""
        return view.activate(name, data.reason, caller_of(request))

    @get("/decisions")
    async def decisions() -> list[Struct]:
        """Return the newest decision of each symbol."""
        return list(await view.all_decisions())

    @get("/decisions/{symbol:str}")
    async def decision(symbol: FromPath[str]) -> Struct:
        """Return the newest decision on one symbol."""
        return view.decision(symbol)

    @get("/events")
    async def events(after: FromQuery[int] = 0) -> list[EventView]:
        """Return what changed since event number `after`, oldest first."""
        return list(view.events(after))

    routes = [quotes, quote, providers, lines, activate, decisions, decision, events]
    further = [
        *safety_routes(view.safety, guards),
        *rollout_routes(view.safety.promotion, guards),
        *trading_routes(view.trading, guards.operate),
    ]
    further += [*budget_routes(view, guards.operate), *quality_routes(view.data, guards)]
    return Litestar(
        route_handlers=[
            *documented([healthz, readyz, health, metrics]),
            Router("/v1", guards=reads, route_handlers=documented([*routes, *further])),
            *documented(alert_routes(view, reads, guards.operate)),
            *documented(page_routes(live, reads)),
            create_static_files_router("/", [PAGE], html_mode=True, include_in_schema=False, name="page"),
        ],
        middleware=[Doorman(access)],
        allowed_hosts=AllowedHostsConfig(allowed_hosts=hosts),
        after_request=_add_headers,
        exception_handlers=HANDLERS,
        openapi_config=OpenAPIConfig(
            title="Firmquote",
            version="1",
            path="/schema",
            render_plugins=[JsonRenderPlugin(path="/")],
            use_handler_docstrings=True,
        ),
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
    )


async def _add_headers(response: AnyResponse) -> AnyResponse:
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    return response
