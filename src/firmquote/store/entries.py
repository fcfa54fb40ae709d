"""The ledger's tables: what is written of a request, and how long it is kept."""

from enum import IntEnum

from firmquote.model import NS_PER_S
from firmquote.store.database import Schema

KEPT_NS = 2 * 86_400 * NS_PER_S
"""How long single requests are kept; older ones are added up by day and symbol."""
TOTALS_KEPT_NS = 400 * 86_400 * NS_PER_S
"""How long the sums of days and months are kept."""
BACKUP_SUFFIX = ".bak"

SCHEMA = Schema(
    name="ledger",
    application_id=0x46514C47,  # "FQLG"
    scripts=(
        """
        CREATE TABLE anchor(one INTEGER PRIMARY KEY CHECK (one = 1), believed_ns INTEGER NOT NULL,
          monotonic_ns INTEGER NOT NULL, boot TEXT NOT NULL) STRICT;
        CREATE TABLE spend(id INTEGER PRIMARY KEY, provider TEXT NOT NULL, purpose INTEGER NOT NULL,
          symbols TEXT NOT NULL, requests INTEGER NOT NULL, usd_micros INTEGER NOT NULL, state INTEGER NOT NULL,
          reserved_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL, boot TEXT NOT NULL, quotes INTEGER NOT NULL) STRICT;
        CREATE INDEX spend_recent ON spend(provider, ended_ns);
        CREATE INDEX spend_time ON spend(reserved_ns);
        CREATE TABLE total(provider TEXT NOT NULL, window TEXT NOT NULL, start_ns INTEGER NOT NULL,
          requests INTEGER NOT NULL, usd_micros INTEGER NOT NULL, PRIMARY KEY (provider, window, start_ns)) STRICT;
        CREATE TABLE pause(provider TEXT PRIMARY KEY, until_ns INTEGER NOT NULL, boot TEXT NOT NULL,
          words TEXT NOT NULL) STRICT;
        CREATE TABLE day(provider TEXT NOT NULL, day TEXT NOT NULL, purpose INTEGER NOT NULL, symbol TEXT NOT NULL,
          requests_milli INTEGER NOT NULL, usd_micros INTEGER NOT NULL, quotes INTEGER NOT NULL,
          PRIMARY KEY (provider, day, purpose, symbol)) STRICT
        """,
        # The time is believed to lie between two bounds: anchor.believed_ns is the earlier one.
        "ALTER TABLE anchor ADD COLUMN latest_ns INTEGER NOT NULL DEFAULT 0",
    ),
    ways_back=("ALTER TABLE anchor DROP COLUMN latest_ns",),
)
"""`spend.ended_ns` and `pause.until_ns` are monotonic times of their `boot`; other times are believed wall times."""


class State(IntEnum):
    """Where a request stands."""

    RESERVED = 0
    SENT = 1
    SETTLED = 2
    LOST = 3
    """No answer came; it counts as spent."""


def whole(value: object) -> int:
    """Return a column that holds an integer."""
    assert isinstance(value, int)
    return value
