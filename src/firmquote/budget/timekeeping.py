"""What time it may be believed to be, when the wall clock can be stepped and budgets hang on midnight.

A step forward would open a new day too early, so after one, time is believed only as fast as the monotonic clock runs,
across all processes. A provider's own `Date` header ends the doubt: its clock is the one that its windows go by. A step
back is believed at once, since it opens nothing: what was spent "later" still counts (`Book` adds up every window from
the present one on). After a reboot only the wall clock is left to ask.
"""

from msgspec import Struct

from firmquote.model import NS_PER_MS

STEP_NS = 500 * NS_PER_MS
"""How far the clocks may disagree before it counts as a step."""
DRIFT_SHARE = 1_000
"""And by one part in so many of the time that has passed, since clocks drift."""


class Moment(Struct, frozen=True):
    """Both clocks at one moment. The monotonic one is shared by all processes of one boot."""

    wall_ns: int
    monotonic_ns: int
    boot: str


class Anchor(Struct, frozen=True):
    """A moment that was believed."""

    believed_ns: int
    monotonic_ns: int
    boot: str


def believe(anchor: Anchor | None, seen: Moment) -> int:
    """Return the time that may be believed at `seen`."""
    if anchor is None or anchor.boot != seen.boot:
        return seen.wall_ns
    passed_ns = max(0, seen.monotonic_ns - anchor.monotonic_ns)
    expected_ns = anchor.believed_ns + passed_ns
    stepped = seen.wall_ns > expected_ns + STEP_NS + passed_ns // DRIFT_SHARE
    return expected_ns if stepped else seen.wall_ns


def confirm(believed_ns: int, provider_ns: int, seen: Moment) -> int:
    """Return the time that may be believed once a provider has told its own."""
    return max(believed_ns, min(seen.wall_ns, provider_ns))
