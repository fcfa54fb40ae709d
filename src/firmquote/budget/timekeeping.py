"""What time it may be, when the wall clock can be stepped and budgets hang on midnight.

Time is believed to lie between two bounds. Both run with the monotonic clock, which all processes of a boot share; a
step of the wall clock, forward or back, moves one of them and not the other, so that the truth stays between. A request
counts in every window that it may fall into by either. A provider's own `Date` header, whose clock is the one that its
windows go by, narrows the bounds again. After a reboot only the wall clock is left to ask, and whether it went back.
"""

from msgspec import Struct

from firmquote.model import NS_PER_S

TRAVEL_NS = 7 * NS_PER_S
"""A `Date` header tells whole seconds, and is this old at most when it is read."""


class Moment(Struct, frozen=True):
    """Both clocks at one moment. The monotonic one is shared by all processes of one boot."""

    wall_ns: int
    monotonic_ns: int
    boot: str


class Bounds(Struct, frozen=True):
    """The earliest and the latest time that it may be."""

    earliest_ns: int
    latest_ns: int

    @property
    def doubt_ns(self) -> int:
        """How far they are apart."""
        return self.latest_ns - self.earliest_ns


class Anchor(Struct, frozen=True):
    """Bounds that were believed at a moment."""

    bounds: Bounds
    monotonic_ns: int
    boot: str


def believe(anchor: Anchor | None, seen: Moment) -> Bounds:
    """Return between which times `seen` lies."""
    wall_ns = seen.wall_ns
    if anchor is None:
        return Bounds(wall_ns, wall_ns)
    before = anchor.bounds
    if anchor.boot != seen.boot:  # time passed, nobody knows how much, but it did not go back
        return Bounds(wall_ns, max(wall_ns, before.earliest_ns))
    passed_ns = max(0, seen.monotonic_ns - anchor.monotonic_ns)
    return Bounds(min(wall_ns, before.earliest_ns + passed_ns), max(wall_ns, before.latest_ns + passed_ns))


def confirm(bounds: Bounds, provider_ns: int) -> Bounds:
    """Return the bounds once a provider has told its time: narrower where it lies between them, else wider."""
    earliest_ns, latest_ns = provider_ns, provider_ns + TRAVEL_NS
    if earliest_ns > bounds.latest_ns or latest_ns < bounds.earliest_ns:
        return Bounds(min(bounds.earliest_ns, earliest_ns), max(bounds.latest_ns, latest_ns))
    return Bounds(max(bounds.earliest_ns, earliest_ns), min(bounds.latest_ns, latest_ns))
