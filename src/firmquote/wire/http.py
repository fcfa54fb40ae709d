"""HTTP transport on aiohttp (why: docs/adr/0002-http-client.md), which is imported when the first client opens."""

import ssl
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from firmquote.errors import LineError
from firmquote.model import Call, Request, Response
from firmquote.model.hotpath import check_live_call
from firmquote.wire.urls import check_url

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

CHUNK_BYTES = 65_536


class HttpLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request may take."""

    timeout_s: float = 5.0
    connections: int = 8
    body_bytes_max: int = 8 * 1024 * 1024


class HttpClient:
    """One pooled client for one provider. Redirects are not followed: a key must not travel to another host."""

    def __init__(
        self,
        provider: str,
        base_url: str,
        *,
        now_ns: Callable[[], int],
        limits: HttpLimits,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        check_url(base_url, schemes=("http", "https"))
        self._provider = provider
        self._base_url = base_url.rstrip("/")
        self._now_ns = now_ns
        self._limits = limits
        self._tls = tls
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the pool."""
        from aiohttp import ClientSession, ClientTimeout, TCPConnector  # noqa: PLC0415 - 300 ms that a start can do without

        self._session = ClientSession(
            connector=TCPConnector(limit=self._limits.connections, ssl=self._tls or True),
            timeout=ClientTimeout(total=self._limits.timeout_s),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def get(self, request: Request, *, timeout_s: float | None = None) -> Response:
        """Send `request` and return the answer, whatever its status; `timeout_s` is less than the limits allow.

        Raises:
            LineError: no answer in time, the connection broke, or the answer is too long. Its text holds the path
                and never the query, since keys travel there.
        """
        query = (*request.query, *request.secret_query)
        call = Call(method="GET", path=request.path, query=query, headers=request.headers)
        return await self.call(call, timeout_s=timeout_s)

    async def call(self, call: Call, *, timeout_s: float | None = None) -> Response:
        """Send `call` and return the answer, whatever its status; raises as `get` does."""
        from aiohttp import ClientError, ClientTimeout  # noqa: PLC0415 - loaded by now

        assert self._session is not None
        patience_s = min(timeout_s or self._limits.timeout_s, self._limits.timeout_s)
        where = f"{self._provider}: {call.method} {self._base_url}{call.path}"
        check_live_call(where)
        headers = list(call.headers)
        if call.body is not None:
            headers.append(("Content-Type", "application/json"))
        try:
            async with self._session.request(
                call.method,
                self._base_url + call.path,
                params=list(call.query),
                headers=headers,
                data=call.body,
                allow_redirects=False,
                timeout=ClientTimeout(total=patience_s),
            ) as answer:
                return await self._read(answer, where)
        except TimeoutError:
            raise LineError(f"{where}: no answer within {patience_s:.2g} s.", provider=self._provider) from None
        except (ClientError, OSError) as error:
            raise LineError(f"{where}: {type(error).__name__}.", provider=self._provider) from None

    async def _read(self, answer: "ClientResponse", where: str) -> Response:
        body = bytearray()
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            body += chunk
            if len(body) > self._limits.body_bytes_max:
                raise LineError(f"{where}: answer above {self._limits.body_bytes_max} bytes.", provider=self._provider)
        headers = tuple((name.lower(), value) for name, value in answer.headers.items())
        return Response(status=answer.status, body=bytes(body), received_ns=self._now_ns(), headers=headers)
