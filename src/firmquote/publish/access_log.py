"""Around every request: its id, its span, and a line in the log."""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from secrets import token_hex
from typing import Any, Literal, TypeAlias

import structlog

from firmquote.model import MS_PER_S
from firmquote.model.tracing import TRACING

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
"""Each framework has types of its own for the same three things."""
Logged: TypeAlias = Literal["all", "changes", "off"]
HEADER = "x-request-id"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSED_FROM = 400
DEFECT_FROM = 500
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = structlog.get_logger("firmquote")


class AccessLog:
    """The outermost ASGI application: even what the framework refuses has an id, which the answer carries."""

    def __init__(self, app: App, *, logged: Logged) -> None:
        self._app = app
        self._logged = logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get(HEADER, "")
        request_id = given if _GIVEN.fullmatch(given) else token_hex(8)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER.encode(), request_id.encode())]
            await send(message)

        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        method, path = scope["method"], scope["path"]
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            TRACING.span("request", caller=headers, method=method, path=path, request_id=request_id) as span,
        ):
            try:
                await self._app(scope, receive, answer)
            finally:
                span.note("status", status)
                if status >= DEFECT_FROM:
                    span.fail(str(status))
                if self._is_logged(method, status):
                    _write(scope, status, took_ms=(loop.time() - begun_s) * MS_PER_S)

    def _is_logged(self, method: str, status: int) -> bool:
        if self._logged == "changes":
            return method not in READS or status >= REFUSED_FROM
        return self._logged == "all"


def _write(scope: Scope, status: int, *, took_ms: float) -> None:
    identity = scope.get("state", {}).get("identity")
    client = scope.get("client")
    _log.info(
        "request",
        method=scope["method"],
        path=scope["path"],  # the query stays out: people put tokens there
        status=status,
        took_ms=round(took_ms, 1),
        client=client[0] if client else None,
        who=None if identity is None else identity.name,
    )
