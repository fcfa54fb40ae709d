"""The mock's settings."""

from msgspec import Struct


class MockConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A seed makes the same quotes at the same moments, everywhere."""

    seed: int = 1
    spread_bps: float = 5.0
