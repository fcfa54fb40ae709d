"""What the rollout says of itself: the JSON of its endpoints."""

from msgspec import Struct

from firmquote.model.status import GateView


class StageChange(Struct, frozen=True, kw_only=True):
    """A step of the rollout."""

    at_ns: int
    kind: str
    """`started`, `promoted`, `rolled back`, `held`, `resumed`, `quarantined` or `readmitted`."""
    before: str
    after: str
    by: str
    reason: str
    gate: str | None = None
    """The gate that was breached, for a rollback by itself."""
    symbol: str | None = None


class RolloutView(Struct, frozen=True, kw_only=True):
    """The rollout as it stands."""

    stage: str
    """`off`, `shadow`, `canary`, `priority` or `full`."""
    since_ns: int
    approval: str
    """`auto` or `operator`."""
    held: str | None
    can_promote: bool
    obstacles: tuple[str, ...]
    """What stands in the way of the next stage."""
    cool_off_left_s: float
    quarantined: dict[str, str]
    """Symbols that stay in shadow whatever the stage, and why."""
    breaches: dict[str, int]
    """Failing evaluations in a row, by gate."""
    gates: dict[str, GateView]
    history: tuple[StageChange, ...]
    persisted: bool
    fallen: StageChange | None = None
    """The last step back that came by itself, until an operator gives an order or the stage is reached again."""
