"""The ledger from the event loop: one thread does the blocking work, and many waiting callers share one transaction.

While the ledger cannot be used nothing may be spent: every reservation is refused with the ledger's own sentence, and
the desk tries to open it again every few seconds. Streams need no ledger and go on.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from firmquote.budget import Ask, Limits, Moment, Pause, Refusal, RefusalKind, Usage
from firmquote.errors import StoreError
from firmquote.model import NS_PER_S, Clock, Window
from firmquote.store import Grant, Ledger, SymbolSpend, compact, open_ledger, spent_by_symbol, spent_since

CALLERS_MAX = 10_000
"""Reservations that may wait at once; more are refused."""
RETRY_NS = 5 * NS_PER_S
"""How often a ledger that failed is opened again."""
LOOK_NS = NS_PER_S
"""How often what is left is read again when nobody asks for anything."""
SPENDS_SHARE = 100
"""Reading what each symbol cost takes at most one part in so many of the thread's time: a busy day has many rows."""
DOUBT_NS = 10 * NS_PER_S
"""Less is the time that a `Date` header takes to arrive."""
HOUR_NS = 3_600 * NS_PER_S
DAY_NS = 24 * HOUR_NS
T = TypeVar("T")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Standing(Struct, frozen=True, kw_only=True):
    """What is known of one provider's spend; as old as the last transaction."""

    now_ns: int = 0
    """When this was, by believed time."""
    usages: tuple[Usage, ...] = ()
    pause: Pause | None = None
    last_hour: int = 0
    """Requests."""


class _Work(Struct):
    """What waits for the thread."""

    asks: list[tuple[Ask, asyncio.Future[Grant | Refusal]]] = []
    sent: list[int] = []
    settled: list[tuple[Grant, int]] = []
    lost: list[tuple[Grant, int]] = []
    released: list[Grant] = []
    other: list[Callable[[Ledger, Moment], object]] = []

    def is_empty(self) -> bool:
        """Say whether there is nothing to do."""
        return not (self.asks or self.sent or self.settled or self.lost or self.released or self.other)


class LedgerDesk:
    """Owns the ledger and its thread while `run` runs."""

    def __init__(
        self, path: Path, limits: Mapping[str, Limits], clock: Clock, on_trouble: Callable[[str | None], None]
    ) -> None:
        self.path = path
        self.trouble: str | None = f"{path}: the ledger is not open yet."
        """Why nothing may be spent; `None` while the ledger works."""
        self.standings: dict[str, Standing] = {name: Standing() for name in limits}
        self.spends: list[SymbolSpend] = []
        """By symbol, over the last day; read every two seconds, or more rarely where that takes long."""
        self.doubt_ns = 0
        """How far the bounds are apart between which the time is believed to lie."""
        self.transactions = 0
        self._limits = limits
        self._clock = clock
        self._on_trouble = on_trouble
        self._boot = boot_id(clock)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._ledger: Ledger | None = None
        self._work = _Work()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._spends_due_ns = 0
        self._hour_due_ns = 0
        self._compact_due_ns = 0
        self._open_due_ns = 0

    async def reserve(self, ask: Ask) -> Grant | Refusal:
        """Return the right to make one request now, or why not. Never raises for what the ledger does."""
        if self._waiting >= CALLERS_MAX:
            words = f"{ask.provider}: {CALLERS_MAX} callers wait for the ledger already"
            return Refusal(kind=RefusalKind.LEDGER, words=words, wait_ns=NS_PER_S)
        future: asyncio.Future[Grant | Refusal] = asyncio.get_running_loop().create_future()
        self._work.asks.append((ask, future))
        self._waiting += 1
        self._wake.set()
        try:
            return await future
        finally:
            self._waiting -= 1

    def note_sent(self, grant: Grant) -> None:
        """The request leaves now."""
        self._work.sent.append(grant.id)
        self._wake.set()

    def settle(self, grant: Grant, quotes: int) -> None:
        """Its answer came, with so many useful quotes."""
        self._work.settled.append((grant, quotes))
        self._wake.set()

    def lose(self, grant: Grant) -> None:
        """No answer came; it is spent all the same."""
        self._work.lost.append((grant, 0))
        self._wake.set()

    def release(self, grant: Grant) -> None:
        """It never left."""
        self._work.released.append(grant)
        self._wake.set()

    def pause(self, provider: str, for_s: float, words: str) -> None:
        """Stop asking a provider for a while, in every process that shares the ledger."""
        self.later(lambda ledger, seen: ledger.pause(provider, int(for_s * NS_PER_S), words, seen))

    def absorb(self, provider: str, window: Window, used: int) -> None:
        """Believe the provider that so many requests of a window are gone."""
        self.later(lambda ledger, seen: ledger.absorb(provider, window, used, seen))

    def confirm_time(self, provider_ns: int) -> None:
        """Take a provider's own time into account, where ours is in doubt or far from it."""
        off_ns = abs(self._clock.now_ns() - provider_ns)
        if self.doubt_ns > DOUBT_NS or off_ns > DOUBT_NS:
            self.later(lambda ledger, seen: ledger.confirm_time(provider_ns, seen))

    def later(self, job: Callable[[Ledger, Moment], object]) -> None:
        """Have the ledger's thread do something before the next reservation."""
        self._work.other.append(job)
        self._wake.set()

    def moment(self) -> Moment:
        """Return both clocks."""
        return Moment(self._clock.now_ns(), self._clock.monotonic_ns(), self._boot)

    async def run(self) -> None:
        """Serve callers until cancelled."""
        work = _Work()
        try:
            while True:
                work, self._work = self._work, _Work()
                self._wake.clear()
                if self._ledger is None and self._clock.monotonic_ns() >= self._open_due_ns:
                    await self._open()
                if self._ledger is None:
                    self._refuse(work)
                else:
                    await self._carry_out(self._ledger, work)
                work = _Work()
                if self._work.is_empty():
                    await self._wait()
        finally:
            self._refuse(work)  # granted in the thread perhaps, and counted; nobody will use it
            self._refuse(self._work)
            if self._ledger is not None:
                for last in (work, self._work):  # the thread may not have begun with the first; saying it twice is good
                    rest = _Work(sent=last.sent, settled=last.settled, lost=last.lost, released=last.released)
                    self._thread.submit(self._do, self._ledger, rest, self.moment())
                self._thread.submit(self._ledger.close)
            self._thread.shutdown(wait=True)

    async def _wait(self) -> None:
        timer = asyncio.ensure_future(self._clock.sleep_until(self._clock.monotonic_ns() + LOOK_NS))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({timer, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            waking.cancel()

    async def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._ledger = await self._in_thread(open_ledger, self.path, self._limits, self.moment())
        except (StoreError, OSError) as error:
            self._fail(str(error))
        else:
            self.trouble = None
            self._on_trouble(None)

    async def _carry_out(self, ledger: Ledger, work: _Work) -> None:
        try:
            answers = await self._in_thread(self._do, ledger, work, self.moment())
        except StoreError as error:
            self._ledger = None
            await self._in_thread(ledger.close)
            self._fail(str(error))
            self._refuse(work)
            return
        for (_, future), answer in zip(work.asks, answers, strict=True):
            if not future.done():
                future.set_result(answer)
            elif isinstance(answer, Grant):
                self.release(answer)  # its caller was cancelled while it waited

    def _do(self, ledger: Ledger, work: _Work, seen: Moment) -> list[Grant | Refusal]:
        if work.sent:
            ledger.note_sent(work.sent)
        if work.settled:
            ledger.settle(work.settled, seen)
        if work.lost:
            ledger.settle(work.lost, seen, lost=True)
        if work.released:
            ledger.release(work.released)
        for job in work.other:
            job(ledger, seen)
        answers = ledger.reserve([ask for ask, _ in work.asks], seen)
        self.transactions += 1
        self._read(ledger, seen)
        return answers

    def _read(self, ledger: Ledger, seen: Moment) -> None:
        now, usage = ledger.usage(seen)
        now_ns, self.doubt_ns = now.earliest_ns, now.doubt_ns
        for provider, (usages, pause) in usage.items():
            hour = self.standings[provider].last_hour
            if seen.monotonic_ns >= self._hour_due_ns:
                hour = spent_since(ledger.database, provider, now_ns - HOUR_NS)
            self.standings[provider] = Standing(now_ns=now_ns, usages=usages, pause=pause, last_hour=hour)
        if seen.monotonic_ns >= self._hour_due_ns:
            self._hour_due_ns = seen.monotonic_ns + LOOK_NS
        if seen.monotonic_ns >= self._spends_due_ns:
            self.spends = spent_by_symbol(ledger.database, now_ns - DAY_NS)
            took_ns = self._clock.monotonic_ns() - seen.monotonic_ns
            self._spends_due_ns = seen.monotonic_ns + max(2 * NS_PER_S, SPENDS_SHARE * took_ns)
        if seen.monotonic_ns >= self._compact_due_ns:
            self._compact_due_ns = seen.monotonic_ns + DAY_NS
            compact(ledger.database, now_ns)

    def _refuse(self, work: _Work) -> None:
        words = self.trouble or "the gateway is stopping"
        for _, future in work.asks:
            if not future.done():
                future.set_result(Refusal(kind=RefusalKind.LEDGER, words=words, wait_ns=RETRY_NS))

    def _fail(self, words: str) -> None:
        self._open_due_ns = self._clock.monotonic_ns() + RETRY_NS
        if words != self.trouble:
            self.trouble = words
            self._on_trouble(words)

    async def _in_thread(self, work: Callable[..., T], *values: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *values)


def boot_id(clock: Clock) -> str:
    """Return what tells one boot of this machine from another, since monotonic clocks begin anew with each."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:  # not Linux: the moment of the boot, to a minute
        return f"booted {(clock.now_ns() - clock.monotonic_ns()) // (60 * NS_PER_S)}"
