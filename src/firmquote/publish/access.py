"""Who is let in, from where, and how often: guards of routes, and what holds for every request."""

from collections.abc import Callable
from http import HTTPStatus
from math import ceil
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Headers
from litestar.exceptions import HTTPException, NotAuthorizedException, PermissionDeniedException
from litestar.handlers.base import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as AsgiScope

from firmquote.model.access import Identity, Scope

AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
AnyRequest: TypeAlias = Request[Any, Any, Any]
ORDER_KEY = "idempotency-key"
ORDER_KEY_MAX = 100
SWITCHES = "/v1/switches/"
"""Orders to switches are asked for their key by their route: to engage one is never refused for it."""
ALWAYS_ANSWERED = (SWITCHES, "/v1/lease")
"""Orders that no rate limit stands in the way of; a wrong token is refused before anything is done."""


class Access(Protocol):
    """Who knows the tokens."""

    async def identify(self, token: str, client: str) -> Identity | None:
        """Return whose token it is, or `None`."""
        ...

    def wait_s(self, client: str) -> float:
        """Return how long `client` must wait before its next request; 0 when it may ask now."""
        ...

    def is_new_order(self, key: str) -> bool:
        """Say whether no order with this key was carried out; from now on there was one.

        Raises:
            FirmquoteError: the key does not say when it was made.
            RefusedError: that was too long ago to know.
        """
        ...


class Guards:
    """A guard for each scope: litestar calls it before a handler."""

    def __init__(self, access: Access, *, orders_need_key: bool = False) -> None:
        self._access = access
        self._orders_need_key = orders_need_key
        self.read = self._guard(Scope.READ)
        self.operate = self._guard(Scope.OPERATE)
        self.admin = self._guard(Scope.ADMIN)

    def _guard(self, needed: Scope) -> Callable[[AnyConnection, BaseRouteHandler], Any]:
        async def check(connection: AnyConnection, _: BaseRouteHandler) -> None:
            given = connection.headers.get("authorization", "")
            token = given.removeprefix("Bearer ") if given.startswith("Bearer ") else ""
            identity = await self._access.identify(token, client_of(connection)) if token else None
            if identity is None:
                raise NotAuthorizedException(
                    "this needs a token: send it as 'Authorization: Bearer TOKEN'; the gateway printed where the "
                    "operator's is when it started, and `firmquote token` makes others",
                    headers={"www-authenticate": "Bearer"},
                )
            if identity.scope < needed:
                raise PermissionDeniedException(
                    f"this needs a token with the scope {needed.label}; {identity.name} has {identity.scope.label}"
                )
            connection.state.identity = identity
            changes = needed >= Scope.OPERATE and connection.scope.get("method") != "GET"
            if changes and not connection.scope["path"].startswith(SWITCHES):
                self.refuse_repetition(connection)

        return check

    def refuse_repetition(self, connection: AnyConnection) -> None:
        """Let an order through once: whoever recorded it cannot give it again."""
        key = connection.headers.get(ORDER_KEY)
        if key is None and self._orders_need_key:
            raise HTTPException(
                f"others can reach this gateway, so an order needs a header {ORDER_KEY}: SECONDS-RANDOM, the time at "
                "which it was made and something new, e.g. $(date +%s.%N)-$RANDOM",
                status_code=HTTPStatus.BAD_REQUEST,
            )
        if key is None:
            return
        if len(key) > ORDER_KEY_MAX:
            raise HTTPException(f"{ORDER_KEY} is longer than {ORDER_KEY_MAX}", status_code=HTTPStatus.BAD_REQUEST)
        if not self._access.is_new_order(key):
            raise HTTPException("an order with this key was carried out already", status_code=HTTPStatus.CONFLICT)


def client_of(connection: AnyConnection) -> str:
    """Return the address that asks."""
    return connection.client.host if connection.client is not None else "unknown"


class Doorman(ASGIMiddleware):
    """Before any route: no page from elsewhere, no path that no file system knows, no flood."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def handle(self, scope: AsgiScope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Refuse what comes from a page of another origin, or too often."""
        headers = Headers.from_scope(scope)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            raise PermissionDeniedException(f"a page of {origin[:100]} may not ask anything here")
        if "\x00" in scope["path"]:
            raise HTTPException("a path has no zero byte", status_code=HTTPStatus.BAD_REQUEST)
        client = scope.get("client")
        if not scope["path"].startswith(ALWAYS_ANSWERED):
            wait_s = self._access.wait_s(client[0] if client else "unknown")
            if wait_s > 0:
                raise HTTPException(
                    f"too many requests; ask again in {wait_s:.1f} s",
                    status_code=HTTPStatus.TOO_MANY_REQUESTS,
                    headers={"retry-after": str(ceil(wait_s))},
                )
        await next_app(scope, receive, send)
