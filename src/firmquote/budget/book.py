"""What one provider has been asked in every window, and whether one more request fits. Pure.

A request occupies a sliding window from its reservation until the window's length after it *ended*: it reached the
provider somewhere in between, so whatever the network did to it, the provider counts no more than we do.
A request counts in every day and month that it could reach the provider in, and the present window is the sum of all
from it on, so that neither a provider's clock that differs a little nor ours being stepped opens a hole.
"""

from collections.abc import Sequence
from enum import Enum, IntEnum

from msgspec import Struct

from firmquote.budget.policy import CALENDAR, Limits
from firmquote.budget.timekeeping import Bounds
from firmquote.budget.windows import window_end_ns, window_start_ns
from firmquote.model import NS_PER_S, Window

LIFETIME_NS = 30 * NS_PER_S
"""By when a request that was never heard of again has reached the provider or never will."""
SKEW_NS = 2 * NS_PER_S
"""How far the provider's clock may be from ours at midnight."""


WINDOWS_MAX = 62
"""Days that a doubt about the time may span one by one; beyond, only the first ones and the last are charged."""


class Purpose(IntEnum):
    """Why a request is made; the first two may use the reserve."""

    OPERATOR = 0
    """A person asked."""
    FAILOVER = 1
    """The provider serves although it is not the one that operators wanted first."""
    ORDINARY = 2
    """The provider that is wanted first, doing its daily work."""
    WARM = 3
    """Keeping a provider ready that does not serve."""
    ELSEWHERE = 4
    """The provider counted more than we did: somebody else uses the key."""

    @property
    def may_use_reserve(self) -> bool:
        """Whether the reserve is meant for this."""
        return self in (Purpose.OPERATOR, Purpose.FAILOVER)


class RefusalKind(Enum):
    """Why a request is not made."""

    SPENT = "spent"
    """A day or month is used up."""
    PACE = "pace"
    """Too soon after the others."""
    PAUSED = "paused"
    """The provider asked for a pause."""
    LEDGER = "ledger"
    """Nobody knows what was spent."""


class Ask(Struct, frozen=True, kw_only=True):
    """One intended request."""

    provider: str
    purpose: Purpose
    symbols: tuple[str, ...] = ()
    requests: int = 1


class Refusal(Struct, frozen=True, kw_only=True):
    """Why not, and after how long it is worth asking again."""

    kind: RefusalKind
    words: str
    wait_ns: int


class Total(Struct):
    """What was spent in one day or month."""

    requests: int = 0
    usd_micros: int = 0


class Recent(Struct, frozen=True):
    """Requests that end, or ended, at one moment of the monotonic clock."""

    ended_ns: int
    requests: int


class Pause(Struct, frozen=True):
    """No request before `until_ns` of the monotonic clock."""

    until_ns: int
    words: str


class Usage(Struct, frozen=True, kw_only=True):
    """One window as it stands. `left` is what ordinary work may still use."""

    window: Window
    requests: int
    requests_limit: int | None
    requests_left: int | None
    requests_reserved: int
    usd_micros: int
    usd_micros_limit: int | None
    usd_micros_left: int | None
    ends_ns: int | None
    """When a day or month ends; sliding windows never do."""


class Book:
    """One provider at one moment. `take` books what it grants, so that the next one sees it."""

    def __init__(
        self,
        provider: str,
        limits: Limits,
        *,
        now: Bounds,
        monotonic_ns: int,
        recent: Sequence[Recent],
        totals: dict[tuple[Window, int], Total],
        pause: Pause | None = None,
    ) -> None:
        """`now` bounds the time; `recent` holds what ended within the last minute, or not yet."""
        self.totals = totals
        """Every day and month from the present one on; grows as requests are booked."""
        self._provider = provider
        self._limits = limits
        self._now = now
        self._now_ns = now.earliest_ns
        self._monotonic_ns = monotonic_ns
        self._recent = list(recent)
        self._pause = pause

    def take(self, ask: Ask) -> Refusal | None:
        """Book `ask` and return `None`, or return why it does not fit."""
        refusal = self._refusal(ask)
        if refusal is None:
            self.add(ask.requests)
        return refusal

    def add(self, requests: int, *, ended_ns: int | None = None) -> None:
        """Book requests without asking; `ended_ns` of `None` is on its way."""
        ended_ns = self._monotonic_ns + LIFETIME_NS if ended_ns is None else ended_ns
        self._recent.append(Recent(ended_ns, requests))
        for key in touched(self._limits, self._now):
            total = self.totals.setdefault(key, Total())
            total.requests += requests
            total.usd_micros += requests * self._limits.request_usd_micros

    def usage(self) -> tuple[Usage, ...]:
        """Return every limited window as it stands."""
        found = []
        for allowance in self._limits.allowances:
            window = allowance.window
            if window in CALENDAR:
                total = self._since(window, window_start_ns(window, self._now_ns, self._limits.zone))
                ends_ns = window_end_ns(window, self._now_ns, self._limits.zone)
            else:
                total = Total(requests=sum(r.requests for r in self._in_sliding(window)))
                ends_ns = None
            requests_ceiling = self._ceiling(allowance.requests)
            money_ceiling = self._ceiling(allowance.usd_micros)
            found.append(
                Usage(
                    window=window,
                    requests=total.requests,
                    requests_limit=allowance.requests,
                    requests_left=None if requests_ceiling is None else max(0, requests_ceiling - total.requests),
                    requests_reserved=(allowance.requests or 0) - (requests_ceiling or 0),
                    usd_micros=total.usd_micros,
                    usd_micros_limit=allowance.usd_micros,
                    usd_micros_left=None if money_ceiling is None else max(0, money_ceiling - total.usd_micros),
                    ends_ns=ends_ns,
                )
            )
        return tuple(found)

    def _ceiling(self, limit: int | None) -> int | None:
        return None if limit is None else self._limits.ceiling(limit, with_reserve=False)

    def _refusal(self, ask: Ask) -> Refusal | None:
        if self._pause is not None and self._pause.until_ns > self._monotonic_ns:
            wait_ns = self._pause.until_ns - self._monotonic_ns
            return Refusal(kind=RefusalKind.PAUSED, words=self._pause.words, wait_ns=wait_ns)
        for window, start_ns in touched(self._limits, self._now):
            refusal = self._calendar_refusal(ask, window, start_ns)
            if refusal is not None:
                return refusal
        for window in (Window.MINUTE, Window.SECOND):
            refusal = self._pace_refusal(ask, window)
            if refusal is not None:
                return refusal
        return None

    def _calendar_refusal(self, ask: Ask, window: Window, start_ns: int) -> Refusal | None:
        limits = self._limits
        allowance = limits.allowance(window)
        total = self._since(window, start_ns)
        wait_ns = window_end_ns(window, self._now_ns, limits.zone) + SKEW_NS - self._now_ns
        if allowance.requests is not None:
            ceiling = limits.ceiling(allowance.requests, with_reserve=ask.purpose.may_use_reserve)
            if total.requests + ask.requests > ceiling:
                words = self._spent_words(
                    f"{total.requests} of {allowance.requests} requests", window, held=ceiling < allowance.requests
                )
                return Refusal(kind=RefusalKind.SPENT, words=words, wait_ns=wait_ns)
        if allowance.usd_micros is not None:
            ceiling = limits.ceiling(allowance.usd_micros, with_reserve=ask.purpose.may_use_reserve)
            if total.usd_micros + ask.requests * limits.request_usd_micros > ceiling:
                amounts = f"${total.usd_micros / 1e6:.6f} of ${allowance.usd_micros / 1e6:.6f}"
                words = self._spent_words(amounts, window, held=ceiling < allowance.usd_micros)
                return Refusal(kind=RefusalKind.SPENT, words=words, wait_ns=wait_ns)
        return None

    def _spent_words(self, amounts: str, window: Window, *, held: bool) -> str:
        reserve = f"; {self._limits.reserve_pct:g} % are held for failover and operators" if held else ""
        return f"{self._provider}: {amounts} of the {window.value} are spent{reserve}"

    def _pace_refusal(self, ask: Ask, window: Window) -> Refusal | None:
        limit = self._limits.allowance(window).requests
        if limit is None:
            return None
        ceiling = self._limits.ceiling(limit, with_reserve=ask.purpose.may_use_reserve)
        inside = self._in_sliding(window)
        too_many = sum(r.requests for r in inside) + ask.requests - ceiling
        if too_many <= 0:
            return None
        length_ns = window.sliding_ns or 0
        free_ns = self._monotonic_ns + length_ns
        for entry in sorted(inside, key=lambda r: r.ended_ns):
            too_many -= entry.requests
            free_ns = entry.ended_ns + length_ns
            if too_many <= 0:
                break
        return Refusal(
            kind=RefusalKind.PACE,
            words=f"{self._provider}: {ceiling} requests in a {window.value} are all that may be made",
            wait_ns=free_ns - self._monotonic_ns,
        )

    def _in_sliding(self, window: Window) -> list[Recent]:
        horizon_ns = self._monotonic_ns - (window.sliding_ns or 0)
        return [entry for entry in self._recent if entry.ended_ns > horizon_ns]

    def _since(self, window: Window, start_ns: int) -> Total:
        later = [total for (kind, start), total in self.totals.items() if kind is window and start >= start_ns]
        return Total(sum(t.requests for t in later), sum(t.usd_micros for t in later))


def touched(limits: Limits, now: Bounds) -> list[tuple[Window, int]]:
    """Return the limited days and months in which a request made now may reach the provider, by their beginnings."""
    keys = []
    last_ns = now.latest_ns + LIFETIME_NS + SKEW_NS
    for window in CALENDAR:
        if limits.allowance(window) not in limits.allowances:
            continue
        start_ns = window_start_ns(window, now.earliest_ns - SKEW_NS, limits.zone)
        for _ in range(WINDOWS_MAX):
            keys.append((window, start_ns))
            start_ns = window_end_ns(window, start_ns, limits.zone)
            if start_ns > last_ns:
                break
        else:
            keys.append((window, window_start_ns(window, last_ns, limits.zone)))
    return keys
