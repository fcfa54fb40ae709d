"""What the kill switches leave of a symbol. Asked at each look, so that nothing between can forget it."""

from firmquote.board.line import Entry, Line
from firmquote.model import FeedClass, Grade, Graded, Reason
from firmquote.safety import Restrictions


def visible_line(entry: Entry, restrictions: Restrictions) -> tuple[Line | None, Reason | None]:
    """Return the line of `entry` that may be shown, and why it is not the elected one or not trusted as usual."""
    if restrictions.all_off or entry.symbol in restrictions.symbols_off:
        return None, Reason.SWITCHED_OFF
    line = entry.elected
    if restrictions.live_off:
        mocks = (line for line in entry.lines.values() if line.feed.feed_class is FeedClass.SYNTHETIC)
        line = next((mock for mock in mocks if mock.provider not in restrictions.providers_off), None)
        return line, Reason.SWITCHED_OFF
    if line is not None and line.provider in restrictions.providers_off:
        return None, Reason.SWITCHED_OFF
    return line, Reason.HALTS_OFF if restrictions.halts_off else None


def lower(graded: Graded, reason: Reason | None) -> Graded:
    """Return `graded` with `reason` on top of its own; with one, nothing is firm."""
    if reason is None:
        return graded
    return Graded(min(graded.grade, Grade.INDICATIVE), (reason, *graded.reasons))
