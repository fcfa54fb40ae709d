"""All that routing is told by the configuration."""

from typing import Literal

from msgspec import Struct

from firmquote.routing.breaker import BreakerPolicy
from firmquote.routing.election import ElectionPolicy
from firmquote.routing.health import HealthPolicy
from firmquote.routing.routes import Route


class RoutingPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `routing`."""

    mode: Literal["roles", "fastest"] = "roles"
    """`roles`: a symbol is shown from the provider that serves it. `fastest`: from whichever usable one is newest."""
    connect_grace_ms: int = 10_000
    """How long a provider may take after the start before not being ready counts as failed."""
    line_recovery_ms: int = 5_000
    """How long a single line must be well again before it is preferred again; twice as long after each relapse."""
    routes: tuple[Route, ...] = ()
    """Symbols that do not follow the configured roles; the first that matches counts."""
    election: ElectionPolicy = ElectionPolicy()
    breaker: BreakerPolicy = BreakerPolicy()
    health: HealthPolicy = HealthPolicy()
