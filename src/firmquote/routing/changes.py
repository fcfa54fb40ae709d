"""What the manager tells: that something changed, and whose line of a symbol may be shown."""

from msgspec import Struct

from firmquote.routing.blame import Blame


class Change(Struct, frozen=True, kw_only=True):
    """Something changed. `kind` is `role`, `status`, `breaker`, `connection`, `line` or `seam`."""

    at_ns: int
    kind: str
    provider: str
    before: str | None
    after: str | None
    cause: str
    symbol: str | None = None
    """For a single line or a seam."""
    route: str | None = None
    """For a role of a route."""
    blame: Blame | None = None
    """Whose fault it is, where something went wrong."""


class Showing(Struct, frozen=True):
    """Whose line of a symbol may be on the board."""

    order: tuple[str, ...]
    """Best first; the first that has a price is shown."""
    barred: frozenset[str]
    """Whose quote must not stay there, even if that leaves none."""
