"""Whose fault is it? Every suspicion is classified before anything moves, and the class is shown with the evidence."""

from enum import Enum


class Blame(Enum):
    """The classes of DESIGN section 4. Of what is merely suspected, only a provider's fault moves a role.

    What is certain moves it whatever the class: a refused key or a spent quota leaves a provider that cannot serve
    (docs/adr/0006-blame.md).
    """

    PROVIDER = "provider"
    KEY_OR_QUOTA = "key_or_quota"
    NETWORK = "network"
    """Everybody at once is out of reach."""
    OWN_STALL = "own_stall"
    """Our own process stood still."""
    MARKET = "halt_or_closed"
    CLOCK = "clock"
    """Our own clock stepped or is wrong."""
    OPERATOR = "operator"
    """Somebody wanted it: a kill switch, an activation."""


KEY_OR_QUOTA_ERRORS = frozenset({"limited", "refused_key", "not_entitled", "refused"})
"""Classes of errors (`LineState` values, and a refused upgrade) that speak of the key or the plan."""
