"""What is shown of one symbol at one moment, graded."""

from msgspec import Struct

from firmquote.board.barring import lower, visible_line
from firmquote.board.line import Entry
from firmquote.model import FeedClass, Graded, LastPrice, Quote
from firmquote.quality import GradePolicy, Standing, age_ns, grade
from firmquote.safety import Restrictions

_NOTHING = Standing(price=None, feed_class=FeedClass.CONSOLIDATED)


class BoardView(Struct, frozen=True, kw_only=True):
    """One symbol as it stands at `now_ns`."""

    symbol: str
    provider: str | None
    price: Quote | LastPrice | None
    graded: Graded
    halted: bool
    age_ns: int | None
    now_ns: int


def look_at(entry: Entry, restrictions: Restrictions, grading: GradePolicy, now_ns: int) -> BoardView:
    """Return what may be shown of `entry`, graded at `now_ns`."""
    line, barred = visible_line(entry, restrictions)
    standing = _NOTHING if line is None else line.standing()
    return BoardView(
        symbol=entry.symbol,
        provider=None if line is None else line.provider,
        price=standing.price,
        graded=lower(grade(standing, grading, now_ns=now_ns), barred),
        halted=entry.halted,
        age_ns=None if standing.price is None else age_ns(standing.price, now_ns),
        now_ns=now_ns,
    )
