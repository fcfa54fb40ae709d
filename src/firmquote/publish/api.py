"""The HTTP API. All names are contracts (DESIGN section 7)."""

import hmac
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from litestar import Litestar, MediaType, Response, Router, get, post
from litestar.config.allowed_hosts import AllowedHostsConfig
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers.base import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.static_files import create_static_files_router
from msgspec import Meta, Struct

from firmquote.model import Secret
from firmquote.model.status import EventView, HealthReport, ProviderStatus, QuoteView
from firmquote.publish.exposition import CONTENT_TYPE, expose
from firmquote.publish.headers import SECURITY
from firmquote.publish.live import LiveStream
from firmquote.publish.page_routes import page_routes
from firmquote.publish.problems import HANDLERS
from firmquote.publish.safety_routes import safety_routes
from firmquote.publish.trading_routes import trading_routes
from firmquote.publish.view import GatewayView

PAGE = Path(__file__).parent / "page"
AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
AnyResponse: TypeAlias = Response[Any]
BODY_BYTES_MAX = 64 * 1024
HEALTH_CODES = {
    "healthy": HTTPStatus.OK,
    "degraded": HTTPStatus.PARTIAL_CONTENT,
    "failed": HTTPStatus.SERVICE_UNAVAILABLE,
}


class Activation(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a provider is activated; it goes into the event log."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


def build_app(view: GatewayView, live: LiveStream, *, token: Secret, hosts: list[str]) -> Litestar:
    """Return the application. `token` is what a change of state needs; `hosts` are the names it answers to."""

    def needs_token(connection: AnyConnection, _: BaseRouteHandler) -> None:
        origin = connection.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != connection.headers.get("host"):
            raise PermissionDeniedException(f"a page of {origin} may not change anything here")
        given = connection.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.reveal().encode()):
            raise NotAuthorizedException(
                "this needs the operator's token: send it as 'Authorization: Bearer TOKEN'; "
                "the gateway printed where it is when it started"
            )

    @get("/healthz", media_type=MediaType.JSON)
    async def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "alive"}

    @get("/readyz", media_type=MediaType.JSON)
    async def readyz() -> Response[dict[str, str]]:
        """Say whether quotes can be served, and what is missing."""
        missing = view.not_ready()
        if missing is None:
            return Response({"status": "ready"})
        return Response({"status": "not ready", "why": missing}, status_code=HTTPStatus.SERVICE_UNAVAILABLE)

    @get("/healthz/providers")
    async def health() -> Response[HealthReport]:
        """Report everything about providers: 200 healthy, 206 degraded, 503 failed."""
        report = view.health()
        return Response(report, status_code=HEALTH_CODES[report.status])

    @get("/metrics", media_type=MediaType.TEXT)
    async def metrics() -> Response[bytes]:
        """Return Prometheus's text."""
        return Response(expose(view.metrics()), media_type=CONTENT_TYPE)

    @get("/quotes")
    async def quotes() -> list[QuoteView]:
        """Return every served symbol with its grade and the reasons for it."""
        return list(view.quotes())

    @get("/quotes/{symbol:str}")
    async def quote(symbol: FromPath[str]) -> QuoteView:
        """Return one symbol."""
        return view.quote(symbol)

    @get("/providers")
    async def providers() -> list[ProviderStatus]:
        """Return every provider with its role."""
        return list(view.providers())

    @post("/providers/{name:str}/activate", guards=[needs_token], status_code=HTTPStatus.OK)
    async def activate(name: FromPath[str], data: JSONBody[Activation]) -> EventView:
        """Let a provider serve from now on."""
        return view.activate(name, data.reason)

    @get("/decisions")
    async def decisions() -> list[Struct]:
        """Return the newest decision of each symbol."""
        return list(view.decisions())

    @get("/decisions/{symbol:str}")
    async def decision(symbol: FromPath[str]) -> Struct:
        """Return the newest decision on one symbol."""
        return view.decision(symbol)

    @get("/events")
    async def events(after: FromQuery[int] = 0) -> list[EventView]:
        """Return what changed since event number `after`, oldest first."""
        return list(view.events(after))

    routes = [quotes, quote, providers, activate, decisions, decision, events]
    further = [*safety_routes(view.safety, needs_token), *trading_routes(view.trading, needs_token)]
    return Litestar(
        route_handlers=[
            healthz,
            readyz,
            health,
            metrics,
            Router("/v1", route_handlers=[*routes, *further]),
            *page_routes(live),
            create_static_files_router("/", [PAGE], html_mode=True, include_in_schema=False, name="page"),
        ],
        allowed_hosts=AllowedHostsConfig(allowed_hosts=hosts),
        after_request=_add_headers,
        exception_handlers=HANDLERS,
        openapi_config=OpenAPIConfig(
            title="Firmquote", version="1", path="/schema", render_plugins=[JsonRenderPlugin(path="/")]
        ),
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
    )


async def _add_headers(response: AnyResponse) -> AnyResponse:
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    return response
