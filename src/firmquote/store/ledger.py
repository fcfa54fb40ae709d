"""The ledger: every request is on the disk before it leaves, so a crash leaves the spend over-counted, never under.

`reserve` commits (the one write that must be durable before the request goes out), `note_sent`, `settle` and `release`
follow. A reservation that nothing more is heard of counts as spent. Several processes may share the file: each
transaction reads what all have spent before it grants anything. Blocking; the runtime calls it in a thread of its own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from firmquote.budget import (
    CALENDAR,
    LIFETIME_NS,
    Anchor,
    Ask,
    Book,
    Bounds,
    Limits,
    Moment,
    Pause,
    Purpose,
    Recent,
    Refusal,
    Total,
    Usage,
    believe,
    confirm,
    touched,
    window_start_ns,
)
from firmquote.errors import MissingStoreError
from firmquote.model import NS_PER_S, Window
from firmquote.store.database import Database, open_database
from firmquote.store.entries import BACKUP_SUFFIX, SCHEMA, State, whole

LONGEST_SLIDING_NS = 60 * NS_PER_S
LATE_NS = 5 * NS_PER_S
"""How long after we gave up on an answer its request may still reach the provider."""


class Grant(Struct, frozen=True, kw_only=True):
    """The right to make one request, at once: it is void `LIFETIME_NS` after `monotonic_ns`."""

    id: int
    ask: Ask
    reserved: Bounds
    """Believed time; names the windows in which it counts."""
    monotonic_ns: int


class Ledger:
    """One open file. Every method raises a `StoreError` where the file fails; nothing may be spent then."""

    def __init__(self, database: Database, limits: Mapping[str, Limits]) -> None:
        self._database = database
        self._limits = limits

    @property
    def database(self) -> Database:
        """The open file, for reports."""
        return self._database

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def reserve(self, asks: Sequence[Ask], seen: Moment) -> list[Grant | Refusal]:
        """Grant or refuse each ask, in order, in one durable transaction."""
        database = self._database
        database.check_place()
        with database.transaction():
            now = self._believe(seen)
            books: dict[str, Book] = {}
            refused: dict[tuple[str, Purpose, int], Refusal] = {}
            answers: list[Grant | Refusal] = []
            for ask in asks:
                known = refused.get((ask.provider, ask.purpose, ask.requests))
                if known is not None:  # nothing is given back within a transaction
                    answers.append(known)
                    continue
                book = books.get(ask.provider) or self._book(ask.provider, now, seen)
                books[ask.provider] = book
                refusal = book.take(ask)
                if refusal is None:
                    answers.append(self._grant(ask, now, seen))
                else:
                    refused[ask.provider, ask.purpose, ask.requests] = refusal
                    answers.append(refusal)
            for provider, book in books.items():
                self._write_totals(provider, book)
        return answers

    def note_sent(self, ids: Sequence[int]) -> None:
        """Note that these requests have left."""
        with self._database.transaction():
            for one in ids:
                self._database.execute("UPDATE spend SET state=? WHERE id=? AND state=0", (State.SENT, one))

    def settle(self, ended: Sequence[tuple[Grant, int]], seen: Moment, *, lost: bool = False) -> None:
        """Note that these requests were answered, with so many useful quotes each, or lost."""
        state = State.LOST if lost else State.SETTLED
        ended_ns = seen.monotonic_ns + (LATE_NS if lost else 0)
        with self._database.transaction():
            for grant, quotes in ended:
                self._database.execute(
                    "UPDATE spend SET state=?, ended_ns=?, quotes=? WHERE id=?", (state, ended_ns, quotes, grant.id)
                )

    def release(self, grants: Sequence[Grant]) -> None:
        """Give back what was reserved and certainly never left this process."""
        with self._database.transaction():
            for grant in grants:
                provider, requests = grant.ask.provider, grant.ask.requests
                if not self._database.execute("DELETE FROM spend WHERE id=? AND state=0", (grant.id,)):
                    continue
                limits = self._limits[provider]
                for window, start_ns in touched(limits, grant.reserved):
                    self._database.execute(
                        "UPDATE total SET requests=requests-?, usd_micros=usd_micros-? "
                        "WHERE provider=? AND window=? AND start_ns=?",
                        (requests, requests * limits.request_usd_micros, provider, window.value, start_ns),
                    )

    def pause(self, provider: str, for_ns: int, words: str, seen: Moment) -> None:
        """Stop asking `provider` for a while, in every process; a longer pause stays."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO pause VALUES (?, ?, ?, ?) ON CONFLICT(provider) DO UPDATE SET "
                "until_ns=excluded.until_ns, boot=excluded.boot, words=excluded.words "
                "WHERE excluded.until_ns > pause.until_ns OR excluded.boot <> pause.boot",
                (provider, seen.monotonic_ns + for_ns, seen.boot, words),
            )

    def absorb(self, provider: str, window: Window, used: int, seen: Moment) -> int:
        """Believe the provider that `used` requests of a window are gone; return how many we did not know of."""
        with self._database.transaction():
            now = self._believe(seen)
            book = self._book(provider, now, seen)
            ours = next((u.requests for u in book.usage() if u.window is window), None)
            if ours is None or used <= ours:
                return 0
            book.add(used - ours, ended_ns=seen.monotonic_ns)
            ask = Ask(provider=provider, purpose=Purpose.ELSEWHERE, requests=used - ours)
            self._insert(ask, State.SETTLED, now.earliest_ns, seen.monotonic_ns, seen)
            self._write_totals(provider, book)
        return used - ours

    def confirm_time(self, provider_ns: int, seen: Moment) -> Bounds:
        """Take a provider's own time into account, and return what is believed now."""
        with self._database.transaction():
            now = confirm(believe(self._read_anchor(), seen), provider_ns)
            self._anchor(now, seen)
        return now

    def usage(self, seen: Moment) -> tuple[Bounds, dict[str, tuple[tuple[Usage, ...], Pause | None]]]:
        """Return the time that is believed, and every provider's windows as they stand, with its pause."""
        now = believe(self._read_anchor(), seen)
        found = {}
        for provider in self._limits:
            pause = self._read_pause(provider, seen)
            active = pause if pause is not None and pause.until_ns > seen.monotonic_ns else None
            found[provider] = (self._book(provider, now, seen).usage(), active)
        return now, found

    def reconcile(self, seen: Moment) -> int:
        """Settle what a dead process or an earlier boot left open; return how many such requests count as spent."""
        with self._database.transaction():
            before = self._read_anchor()
            self._believe(seen)
            if before is not None and before.boot != seen.boot:
                # Times of another boot mean nothing now, and its wall clock may have been wrong: what still filled a
                # sliding window when that boot was last heard of ends now, and what was on its way then may be late.
                self._database.execute(
                    "UPDATE spend SET ended_ns=? + iif(state<>? AND ended_ns>?, ?, 0), boot=? "
                    "WHERE boot=? AND ended_ns>?",
                    (
                        *(seen.monotonic_ns, State.SETTLED, before.monotonic_ns, LATE_NS),
                        *(seen.boot, before.boot, before.monotonic_ns - LONGEST_SLIDING_NS),
                    ),
                )
            return self._database.execute(
                "UPDATE spend SET state=? WHERE state<? AND (boot<>? OR ended_ns<?)",
                (State.LOST, State.SETTLED, seen.boot, seen.monotonic_ns),
            )

    # -- how

    def _believe(self, seen: Moment) -> Bounds:
        now = believe(self._read_anchor(), seen)
        self._anchor(now, seen)
        return now

    def _anchor(self, now: Bounds, seen: Moment) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO anchor(one, believed_ns, latest_ns, monotonic_ns, boot) VALUES (1, ?, ?, ?, ?)",
            (now.earliest_ns, now.latest_ns, seen.monotonic_ns, seen.boot),
        )

    def _read_anchor(self) -> Anchor | None:
        rows = self._database.rows("SELECT believed_ns, latest_ns, monotonic_ns, boot FROM anchor")
        if not rows:
            return None
        earliest_ns, latest_ns, monotonic_ns, boot = rows[0]
        bounds = Bounds(whole(earliest_ns), max(whole(earliest_ns), whole(latest_ns)))
        return Anchor(bounds, whole(monotonic_ns), str(boot))

    def _read_pause(self, provider: str, seen: Moment) -> Pause | None:
        rows = self._database.rows(
            "SELECT until_ns, words FROM pause WHERE provider=? AND boot=?", (provider, seen.boot)
        )
        return Pause(whole(rows[0][0]), str(rows[0][1])) if rows else None

    def _book(self, provider: str, now: Bounds, seen: Moment) -> Book:
        limits = self._limits[provider]
        recent = self._database.rows(
            "SELECT ended_ns, requests FROM spend WHERE provider=? AND boot=? AND ended_ns>?",
            (provider, seen.boot, seen.monotonic_ns - LONGEST_SLIDING_NS),
        )
        earliest_ns = min((window_start_ns(w, now.earliest_ns, limits.zone) for w in CALENDAR), default=now.earliest_ns)
        totals = self._database.rows(
            "SELECT window, start_ns, requests, usd_micros FROM total WHERE provider=? AND start_ns>=?",
            (provider, earliest_ns - 86_400 * NS_PER_S * 32),
        )
        return Book(
            provider,
            limits,
            now=now,
            monotonic_ns=seen.monotonic_ns,
            recent=[Recent(whole(ended), whole(requests)) for ended, requests in recent],
            totals={(Window(w), whole(s)): Total(whole(r), whole(m)) for w, s, r, m in totals},
            pause=self._read_pause(provider, seen),
        )

    def _grant(self, ask: Ask, now: Bounds, seen: Moment) -> Grant:
        ident = self._insert(ask, State.RESERVED, now.earliest_ns, seen.monotonic_ns + LIFETIME_NS, seen)
        return Grant(id=ident, ask=ask, reserved=now, monotonic_ns=seen.monotonic_ns)

    def _insert(self, ask: Ask, state: State, now_ns: int, ended_ns: int, seen: Moment) -> int:
        usd_micros = ask.requests * self._limits[ask.provider].request_usd_micros
        return self._database.insert(
            "INSERT INTO spend(provider, purpose, symbols, requests, usd_micros, state, reserved_ns, ended_ns, boot, "
            "quotes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                *(ask.provider, ask.purpose, ",".join(ask.symbols), ask.requests),
                *(usd_micros, state, now_ns, ended_ns, seen.boot),
            ),
        )

    def _write_totals(self, provider: str, book: Book) -> None:
        for (window, start_ns), total in book.totals.items():
            self._database.execute(
                "INSERT OR REPLACE INTO total VALUES (?, ?, ?, ?, ?)",
                (provider, window.value, start_ns, total.requests, total.usd_micros),
            )


def open_ledger(path: Path, limits: Mapping[str, Limits], seen: Moment, *, busy_timeout_ms: int = 5_000) -> Ledger:
    """Open the ledger and settle what earlier processes left open.

    A ledger that was there once and is gone is not begun anew: nobody would know what was spent. `forget_ledger` does.

    Raises:
        StoreError: it cannot be used, for the reason named.
    """
    mark = _mark(path)
    if mark.exists() and not path.exists():
        raise MissingStoreError(
            f"{path}: the ledger is gone, so nobody knows what was spent. Restore it from {path.name}{BACKUP_SUFFIX}, "
            "or accept the loss with: firmquote budget begin-anew."
        )
    ledger = Ledger(open_database(path, SCHEMA, busy_timeout_ms=busy_timeout_ms), limits)
    try:
        mark.touch()
        ledger.reconcile(seen)
    except OSError as error:
        ledger.close()
        raise MissingStoreError(f"{mark}: cannot be written ({error.strerror}). Give this user the right.") from error
    return ledger


def forget_ledger(path: Path) -> list[Path]:
    """Put the ledger's files aside, by an operator's word, so that the next start begins a new one."""
    aside = []
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            target = path.with_name(f"{path.name}.put-aside{suffix}")
            file.replace(target)
            aside.append(target)
    _mark(path).unlink(missing_ok=True)
    return aside


def _mark(path: Path) -> Path:
    return path.with_name(path.name + ".born")
