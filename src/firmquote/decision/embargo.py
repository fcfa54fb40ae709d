"""What is known of the days ahead and of the hour: announcements of earnings, and news that somebody flagged."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from firmquote.decision.config import EarningsPolicy
from firmquote.errors import UnknownSymbolError
from firmquote.model import NS_PER_S
from firmquote.model.trading import NewsInput

_ZONE = ZoneInfo("America/New_York")
# Companies announce before the open or after the close; without better knowledge those moments are taken.
_MOMENTS = {"before": time(9, 30), "during": time(12, 0), "after": time(16, 0)}


class Announcement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A company tells its earnings: before, during or after the regular session of `day` (New York)."""

    symbol: str
    day: date
    when: Literal["before", "during", "after"] = "after"


class _Embargo(Struct, frozen=True):
    from_ns: int
    until_ns: int
    words: str


class Embargoes:
    """Answers for one symbol and moment; both ends of an embargo belong to it."""

    def __init__(self, announcements: Iterable[Announcement] = (), policy: EarningsPolicy | None = None) -> None:
        policy = policy or EarningsPolicy()
        self._by_symbol: dict[str, list[_Embargo]] = {}
        for each in announcements:
            at_ns = int(datetime.combine(each.day, _MOMENTS[each.when], _ZONE).timestamp()) * NS_PER_S
            self._by_symbol.setdefault(each.symbol, []).append(
                _Embargo(
                    at_ns - int(policy.before_h * 3_600 * NS_PER_S),
                    at_ns + int(policy.after_h * 3_600 * NS_PER_S),
                    f"earnings {each.when} the session of {each.day}",
                )
            )

    def on(self, symbol: str, now_ns: int) -> str | None:
        """Return the announcement whose embargo it is, in words."""
        embargoes = self._by_symbol.get(symbol)
        if embargoes is None:
            return None
        return next((each.words for each in embargoes if each.from_ns <= now_ns <= each.until_ns), None)


class NewsFlag(Struct, frozen=True):
    """News of a symbol, and until when they count."""

    text: str
    until_ns: int


class NewsFlags:
    """The newest flag of each symbol, until its time is over."""

    def __init__(self, symbols: frozenset[str]) -> None:
        self._symbols = symbols
        self._flags: dict[str, NewsFlag] = {}

    def put(self, news: NewsInput, now_ns: int) -> None:
        """Flag a symbol. Raises UnknownSymbolError for one that is not served."""
        if news.symbol not in self._symbols:
            raise UnknownSymbolError(f"news on {news.symbol}: not served here. Add it to live_symbols_allowlist.")
        self._flags[news.symbol] = NewsFlag(news.text, now_ns + int(news.ttl_s * NS_PER_S))

    def everything(self) -> dict[str, NewsFlag]:
        """Return all that is kept."""
        return dict(self._flags)

    def take_up(self, flags: Mapping[str, NewsFlag]) -> None:
        """Keep what another process left, of symbols that are served."""
        self._flags.update({symbol: flag for symbol, flag in flags.items() if symbol in self._symbols})

    def on(self, symbol: str, now_ns: int) -> str | None:
        """Return what was flagged, while it lasts."""
        flag = self._flags.get(symbol)
        if flag is None:
            return None
        if now_ns >= flag.until_ns:
            del self._flags[symbol]
            return None
        return flag.text
