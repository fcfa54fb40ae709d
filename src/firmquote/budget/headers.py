"""What a provider's response headers say about our budget. Names in lower case; nonsense counts as absent."""

from collections.abc import Iterable
from email.utils import parsedate_to_datetime

from msgspec import Struct

from firmquote.budget.policy import Limits
from firmquote.model import NS_PER_S, Window

COUNT_MAX = 10**9


class Told(Struct, frozen=True, kw_only=True):
    """What the headers of one response said; `None` where they said nothing."""

    retry_after_s: float | None = None
    limit: int | None = None
    remaining: int | None = None
    date_ns: int | None = None
    """The provider's own time, to the second."""


def read_headers(headers: Iterable[tuple[str, str]], *, now_ns: int) -> Told:
    """Read `Retry-After` (seconds or a date), `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `Date`."""
    by_name = dict(headers)
    date_ns = _date_ns(by_name.get("date", ""))
    retry = by_name.get("retry-after", "")
    retry_after_s = _count(retry)
    if retry_after_s is None:
        until_ns = _date_ns(retry)
        since_ns = now_ns if date_ns is None else date_ns
        retry_after_s = None if until_ns is None else max(0, until_ns - since_ns) // NS_PER_S
    return Told(
        retry_after_s=None if retry_after_s is None else float(retry_after_s),
        limit=_count(by_name.get("x-ratelimit-limit", "")),
        remaining=_count(by_name.get("x-ratelimit-remaining", "")),
        date_ns=date_ns,
    )


def told_usage(told: Told, limits: Limits) -> tuple[Window, int] | None:
    """Return the window that the headers speak of, found by its limit, and how many of its requests are gone."""
    if told.limit is None or told.remaining is None:
        return None
    for allowance in limits.allowances:
        if allowance.requests == told.limit:
            return allowance.window, max(0, told.limit - told.remaining)
    return None


def _count(text: str) -> int | None:
    text = text.strip()
    if not text.isascii() or not text.isdecimal():
        return None
    return min(int(text[:12]), COUNT_MAX)


def _date_ns(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp()) * NS_PER_S
    except (ValueError, OverflowError):
        return None
