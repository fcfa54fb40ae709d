"""Errors as RFC 9457 problem details: what, why, and what to do."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias, cast

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from firmquote.errors import BudgetError, ConfigError, FirmquoteError, RefusedError, StoreError, UnknownSymbolError
from firmquote.publish.headers import SECURITY

AnyRequest: TypeAlias = Request[Any, Any, Any]
MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger("firmquote")
_STATUS: dict[type[object], HTTPStatus] = {
    UnknownSymbolError: HTTPStatus.NOT_FOUND,
    ConfigError: HTTPStatus.CONFLICT,
    BudgetError: HTTPStatus.TOO_MANY_REQUESTS,
    RefusedError: HTTPStatus.CONFLICT,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
}


REFUSED = "Refused: `detail` says why, and what to do."


class Problem(Struct, frozen=True, kw_only=True):
    """A problem detail: https://www.rfc-editor.org/rfc/rfc9457."""

    title: str
    status: int
    detail: str
    instance: str
    type: str = "about:blank"


def problem(request: AnyRequest, status: HTTPStatus, detail: str) -> Response[Problem]:
    """Return the answer for a request that cannot be served."""
    body = Problem(title=status.phrase, status=status.value, detail=detail, instance=request.url.path)
    return Response(body, status_code=status.value, media_type=MEDIA_TYPE, headers=dict(SECURITY))


def documented(handlers: Sequence[HTTPRouteHandler]) -> Sequence[HTTPRouteHandler]:
    """Let the schema of each route say that whatever is refused, for whatever reason, is answered with a problem.

    The framework names 400 by itself, with a shape of its own that nobody is ever answered with.
    """
    refused = ResponseSpec(Problem, generate_examples=False, description=REFUSED, media_type=MEDIA_TYPE)
    for handler in handlers:
        own = cast("dict[int | str, ResponseSpec]", handler.responses or {})
        handler.responses = cast(
            "dict[int, ResponseSpec]", {HTTPStatus.BAD_REQUEST.value: refused, "default": refused} | own
        )
    return handlers


def status_of(kind: type[FirmquoteError]) -> HTTPStatus:
    """Return the status of answers to requests that end with this error."""
    return next((_STATUS[base] for base in kind.__mro__ if base in _STATUS), HTTPStatus.BAD_REQUEST)


def on_firmquote_error(request: AnyRequest, error: FirmquoteError) -> Response[Problem]:
    """Answer with the error's own sentence."""
    return problem(request, status_of(type(error)), str(error))


def on_http_exception(request: AnyRequest, error: HTTPException) -> Response[Problem]:
    """Answer for what the framework refused: no such path, wrong method, a body that does not fit."""
    detail = error.detail
    if isinstance(error.extra, list) and error.extra:
        detail += " " + "; ".join(str(item.get("message", item)) for item in error.extra if isinstance(item, dict))
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"{request.url.path} is no page here. /schema lists what there is."
    answer = problem(request, HTTPStatus(error.status_code), detail)
    answer.headers.update(error.headers or {})
    return answer


def on_defect(request: AnyRequest, error: Exception) -> Response[Problem]:
    """Answer for a defect of ours without showing its insides; the server's log has them."""
    _log.error("defect", path=request.url.path, exc_info=error)
    return problem(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "A defect in Firmquote; its log has it under this answer's X-Request-Id.",
    )


HANDLERS: dict[type[Exception] | int, Callable[..., Response[Problem]]] = {
    FirmquoteError: on_firmquote_error,
    HTTPException: on_http_exception,
    Exception: on_defect,
}
