"""Ticker history: which instrument a name meant on a day, and what that instrument is called on another.

A name says nothing without a day: `TWX` was the old Time Warner until 2001 and AOL's new name from 2003. Sources are
map files in the form of QuantConnect's Lean, and the name changes of a provider's reference API.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from msgspec import Struct

from firmquote.errors import ConfigError, UnknownSymbolError
from firmquote.symbols.canonical import parse_symbol

_STILL_LISTED = date(2050, 12, 31)
"""Map files write this day where there is no last one."""


class NameSpan(Struct, frozen=True):
    """A canonical name and the days on which it was used, both included; `last_day` is `None` while it is in use."""

    name: str
    first_day: date
    last_day: date | None = None

    def covers(self, day: date) -> bool:
        """Say whether the name was in use on `day`."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


class Listing(Struct, frozen=True):
    """One instrument through all its names, oldest first. `key` tells apart instruments that shared a name."""

    key: str
    spans: tuple[NameSpan, ...]

    def name_on(self, day: date) -> str | None:
        """Return its name on `day`; `None` before its first day and after its last."""
        return next((span.name for span in self.spans if span.covers(day)), None)

    @property
    def last(self) -> NameSpan:
        """The newest name; with a `last_day` where it is not listed any more."""
        return self.spans[-1]


class TickerChange(Struct, frozen=True):
    """From `effective` on, the instrument is called `name` (canonical): an event of a provider's reference API."""

    name: str
    effective: date


def decode_map_file(key: str, data: bytes) -> Listing:
    """Read a map file: lines of `YYYYMMDD,ticker[,exchange]`.

    The first line is the first day of the listing, each other line the last day of its ticker.

    Raises:
        ConfigError: a line that is not like that, or days out of order.
    """
    lines = [line for line in data.decode("ascii", "replace").splitlines() if line.strip()]
    if len(lines) < 2:
        raise ConfigError(f"map file {key}: it needs a line for the first day and one for each name. Add them.")
    first, *rest = [_map_line(key, line) for line in lines]
    spans: list[NameSpan] = []
    start = first[0]
    for last_day, name in rest:
        if last_day < start:
            raise ConfigError(f"map file {key}: {last_day} is out of order. Sort the lines by day.")
        spans.append(NameSpan(name, start, None if last_day >= _STILL_LISTED else last_day))
        start = last_day + timedelta(days=1)
    return Listing(key, tuple(spans))


def listing_of_changes(key: str, changes: Iterable[TickerChange], last_day: date | None = None) -> Listing:
    """Build a listing from its name changes in any order; `last_day` where it is not listed any more.

    Raises:
        ConfigError: no changes, two names from one day on, or a change after `last_day`.
    """
    ordered = sorted(changes, key=lambda change: change.effective)
    days = [change.effective for change in ordered]
    if not ordered or len(set(days)) != len(days) or (last_day is not None and days[-1] > last_day):
        raise ConfigError(f"ticker changes of {key}: {days} do not give one name a day. Correct the days.")
    ends = [day - timedelta(days=1) for day in days[1:]]
    spans = [
        NameSpan(change.name, change.effective, end) for change, end in zip(ordered, [*ends, last_day], strict=True)
    ]
    return Listing(key, tuple(spans))


class TickerHistory:
    """All known listings, asked by name and day. What it does not know it says nothing about."""

    def __init__(self, listings: Sequence[Listing] = ()) -> None:
        """Index `listings`.

        Raises:
            ConfigError: two listings had one name on one day.
        """
        self._carriers: dict[str, list[tuple[NameSpan, Listing]]] = {}
        for listing in listings:
            for span in listing.spans:
                self._carriers.setdefault(span.name, []).append((span, listing))
        for name, carriers in self._carriers.items():
            carriers.sort(key=lambda carrier: carrier[0].first_day)
            for (earlier, one), (later, other) in pairwise(carriers):
                if earlier.covers(later.first_day):
                    raise ConfigError(
                        f"ticker history: {one.key} and {other.key} were both called {name} on {later.first_day}. "
                        "Correct the days of one of them."
                    )

    def listing(self, name: str, day: date) -> Listing | None:
        """Return what was called `name` on `day`, if it is known."""
        return next((listing for span, listing in self.carriers(name) if span.covers(day)), None)

    def carriers(self, name: str) -> Sequence[tuple[NameSpan, Listing]]:
        """Return everything that was ever called `name`, oldest first."""
        return tuple(self._carriers.get(name, ()))

    def rename(self, name: str, *, then: date, now: date) -> str | None:
        """Return what the instrument that was called `name` on `then` is called on `now`.

        `None` where nothing is known to have had that name on `then`, or it was not listed on `now`.
        """
        listing = self.listing(name, then)
        return None if listing is None else listing.name_on(now)


def _map_line(key: str, line: str) -> tuple[date, str]:
    day, _, rest = line.strip().partition(",")
    try:
        return (
            datetime.strptime(day, "%Y%m%d").date(),  # noqa: DTZ007 - a calendar day, without a time to place
            parse_symbol(rest.partition(",")[0].upper()).text,
        )
    except (ValueError, UnknownSymbolError) as error:
        raise ConfigError(f"map file {key}: {line!r} is not YYYYMMDD,ticker[,exchange]. Correct the line.") from error
