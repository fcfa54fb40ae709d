"""Routes: which providers a symbol may come from, in which order. Pure.

A route's providers with a weight share its symbols by weighted rendezvous hashing (Thaler and Ravishankar, 1998): each
symbol has its own order of providers, so a lost provider moves only its own symbols and spreads them over the others.
Providers without a weight are spares: they follow in the order in which they are written.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from hashlib import blake2b
from math import log
from typing import Annotated

from msgspec import Meta, Struct

from firmquote.errors import ConfigError
from firmquote.symbols import Kind, parse_symbol

_HASH_BITS = 64


class RouteProvider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider of a route."""

    name: str
    weight: Annotated[float, Meta(ge=0)] = 0
    """Its share of the route's symbols beside the other weights; 0 makes it a spare."""


class Route(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Symbols and who serves them. A symbol belongs to the first route that any of its three conditions matches."""

    name: str
    symbols: tuple[str, ...] = ()
    glob: str | None = None
    """A shell pattern over canonical symbols, case-sensitive: `BRK.*`."""
    kind: Kind | None = None
    """An asset class: `common`, `crypto`, `index`, `preferred`, …"""
    providers: tuple[RouteProvider, ...]

    def __post_init__(self) -> None:
        """Refuse a route that can match nothing, or that names a provider twice or none."""
        if not self.symbols and self.glob is None and self.kind is None:
            raise ConfigError(f"routing.routes.{self.name}: matches nothing. Give it symbols, a glob or a kind.")
        names = [provider.name for provider in self.providers]
        if not names or len(set(names)) != len(names):
            raise ConfigError(f"routing.routes.{self.name}: name each provider once, and at least one.")

    def matches(self, symbol: str) -> bool:
        """Say whether `symbol` (canonical) belongs here."""
        if symbol in self.symbols or (self.glob is not None and fnmatchcase(symbol, self.glob)):
            return True
        return self.kind is not None and parse_symbol(symbol).kind is self.kind


class Routed(Struct, frozen=True):
    """Which route a symbol is on (`None`: the configured roles), and its providers from most to least wanted."""

    route: str | None
    order: tuple[str, ...]


def route_symbol(symbol: str, routes: Sequence[Route], roles: Routed, synthetic: frozenset[str]) -> Routed:
    """Return the providers of `symbol`: those of its route, else those of the configured `roles`.

    Synthetic ones always come last, on a route too.
    """
    for route in routes:
        if route.matches(symbol):
            names = [name for name in _ranked(symbol, route) if name not in synthetic]
            return Routed(route.name, (*names, *(name for name in roles.order if name in synthetic)))
    return roles


def check_routes(routes: Sequence[Route], known: Sequence[str]) -> None:
    """Raise ConfigError for a route whose provider is not configured or whose name stands twice."""
    names = [route.name for route in routes]
    if len(set(names)) != len(names):
        raise ConfigError("routing.routes: two routes have the same name. Give each its own.")
    for route in routes:
        for provider in route.providers:
            if provider.name not in known:
                raise ConfigError(
                    f"routing.routes.{route.name}: {provider.name} is not configured. "
                    f"Add it under providers, or name one of: {', '.join(known)}."
                )


def _ranked(symbol: str, route: Route) -> list[str]:
    sharing = [provider for provider in route.providers if provider.weight > 0]
    sharing.sort(key=lambda provider: _claim(symbol, provider), reverse=True)
    return [provider.name for provider in (*sharing, *(p for p in route.providers if p.weight == 0))]


def _claim(symbol: str, provider: RouteProvider) -> float:
    digest = blake2b(f"{symbol}\0{provider.name}".encode(), digest_size=_HASH_BITS // 8).digest()
    uniform = (int.from_bytes(digest) + 0.5) / 2**_HASH_BITS
    return -provider.weight / log(uniform)
