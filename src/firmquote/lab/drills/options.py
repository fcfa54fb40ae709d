"""What a drill is told."""

from collections.abc import Callable

from msgspec import Struct


class DrillOptions(Struct, frozen=True, kw_only=True):
    """Options of all drills; each takes those that it knows."""

    faults: tuple[str, ...] = ()
    """Only these; none means all."""
    setups: tuple[str, ...] = ()
    """Only these arrangements of roles; none means the drill's usual ones."""
    quick: bool = False
    """A sample of each drill instead of the whole, where all are run."""
    say: Callable[[str], None] = lambda _: None
    """Told in a line what has just been done."""
