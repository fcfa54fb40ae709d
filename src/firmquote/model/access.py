"""Who may do what over the API."""

from enum import IntEnum

from msgspec import Struct


class Scope(IntEnum):
    """Ordered: a greater scope includes the lesser ones."""

    READ = 0
    OPERATE = 1
    """Pull and release switches, move roles and stages."""
    ADMIN = 2
    """Reload the configuration."""

    @property
    def label(self) -> str:
        """The lower-case word used in JSON and on the command line."""
        return self.name.lower()


class Identity(Struct, frozen=True):
    """Who a token belongs to."""

    name: str
    scope: Scope
