"""What was spent on what: reports over the ledger, and its daily compaction."""

from datetime import UTC, datetime

from msgspec import Struct

from firmquote.budget import Purpose
from firmquote.model import NS_PER_S
from firmquote.store.database import Database
from firmquote.store.entries import BACKUP_SUFFIX, KEPT_NS, TOTALS_KEPT_NS, State, whole

_ADD_TO_DAY = """
INSERT INTO day VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
requests_milli=requests_milli+excluded.requests_milli,
usd_micros=usd_micros+excluded.usd_micros, quotes=quotes+excluded.quotes
"""


class SymbolSpend(Struct, frozen=True, kw_only=True):
    """What one symbol cost since some moment. A request of n symbols counts 1/n for each."""

    provider: str
    symbol: str
    purpose: Purpose
    requests: float
    usd_micros: int
    quotes: int


def spent_by_symbol(database: Database, since_ns: int) -> list[SymbolSpend]:
    """Return what each symbol cost since `since_ns`; days that were compacted count whole."""
    sums: dict[tuple[str, str, int], list[float]] = {}

    def add(key: tuple[str, str, int], *amounts: float) -> None:
        entry = sums.setdefault(key, [0.0, 0.0, 0.0])
        for place, amount in enumerate(amounts):
            entry[place] += amount

    sql = (
        "SELECT provider, symbols, purpose, sum(requests), sum(usd_micros), sum(quotes) FROM spend "
        "WHERE reserved_ns>=? GROUP BY 1, 2, 3"
    )
    for provider, symbols, purpose, *amounts in database.rows(sql, (since_ns,)):
        names = str(symbols).split(",")
        for name in names:
            add((str(provider), name, whole(purpose)), *(whole(amount) / len(names) for amount in amounts))
    sql = "SELECT provider, symbol, purpose, requests_milli, usd_micros, quotes FROM day WHERE day>=?"
    for provider, symbol, purpose, milli, usd_micros, quotes in database.rows(sql, (_day(since_ns),)):
        add((str(provider), str(symbol), whole(purpose)), whole(milli) / 1_000, whole(usd_micros), whole(quotes))
    return [
        SymbolSpend(
            provider=provider,
            symbol=symbol,
            purpose=Purpose(purpose),
            requests=requests,
            usd_micros=round(usd_micros),
            quotes=round(quotes),
        )
        for (provider, symbol, purpose), (requests, usd_micros, quotes) in sorted(sums.items())
    ]


def spent_since(database: Database, provider: str, since_ns: int) -> int:
    """Return how many requests were reserved since `since_ns`, at most two days back."""
    sql = "SELECT coalesce(sum(requests), 0) FROM spend WHERE provider=? AND reserved_ns>=?"
    return whole(database.rows(sql, (provider, since_ns))[0][0])


def compact(database: Database, now_ns: int) -> int:
    """Add up single requests older than two days and keep a copy of the file; return how many were added up.

    The limits need none of them: days and months have sums of their own, and sliding windows are a minute long.
    """
    old = (now_ns - KEPT_NS, State.SETTLED)
    with database.transaction():
        rows = database.rows(
            "SELECT provider, date(reserved_ns/1000000000, 'unixepoch'), purpose, symbols, "
            "sum(requests)*1000, sum(usd_micros), sum(quotes), count(*) FROM spend "
            "WHERE reserved_ns<? AND state>=? GROUP BY 1, 2, 3, 4",
            old,
        )
        for provider, day, purpose, symbols, *sums, _ in rows:
            names = str(symbols).split(",")
            for name in names:
                amounts = (whole(amount) // len(names) for amount in sums)
                database.execute(_ADD_TO_DAY, (provider, day, purpose, name, *amounts))
        database.execute("DELETE FROM spend WHERE reserved_ns<? AND state>=?", old)
        database.execute("DELETE FROM total WHERE start_ns<?", (now_ns - TOTALS_KEPT_NS,))
    database.back_up(database.path.with_name(database.path.name + BACKUP_SUFFIX))
    return sum(whole(row[-1]) for row in rows)


def _day(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).date().isoformat()
