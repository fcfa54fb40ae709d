"""What a sans-I/O protocol wants done. `runtime` does it on sockets; a simulation does it differently."""

from typing import TypeAlias

from msgspec import Struct


class Send(Struct, frozen=True, kw_only=True):
    """Send one text frame on the line. `payload` may hold a secret: it is never logged, and its repr hides it."""

    payload: bytes

    def __repr__(self) -> str:
        return f"Send(<{len(self.payload)} bytes>)"


class CloseLine(Struct, frozen=True, kw_only=True):
    """Close the connection; `retry` says whether connecting again can help."""

    cause: str
    retry: bool = True


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP GET. `secret_query` and `headers` may hold the key: both are hidden from repr and logs."""

    path: str
    """Path below the provider's base URL, beginning with `/`."""
    symbols: tuple[str, ...]
    """Canonical symbols that the answer is expected to speak of."""
    query: tuple[tuple[str, str], ...] = ()
    secret_query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    cost_requests: int = 1

    def __repr__(self) -> str:
        return f"Request(path={self.path!r}, symbols={self.symbols!r}, query={self.query!r})"


class Call(Struct, frozen=True, kw_only=True):
    """One HTTP request to a broker. `headers` hold the key: they are hidden from repr and logs."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    """JSON."""

    def __repr__(self) -> str:
        return f"Call({self.method} {self.path})"


class Response(Struct, frozen=True, kw_only=True):
    """The answer to a `Request` or a `Call`, whatever its status."""

    status: int
    body: bytes
    received_ns: int
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case."""


Effect: TypeAlias = Send | CloseLine
