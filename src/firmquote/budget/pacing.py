"""How many requests a second the budget allows now, and what is given up first as it runs out.

A day or month is spread over what is left of it, weighted by session: the regular session counts fully, the hours
before and after it less, nights and closed days not at all. So the pace adapts by itself to whatever was spent, and is
never more than twice what an even day would have, so that nothing is burst out just before a window ends.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Protocol

from msgspec import Struct

from firmquote.budget.book import Usage
from firmquote.budget.cadence import Tier
from firmquote.budget.policy import CALENDAR, BudgetPolicy, Limits
from firmquote.budget.windows import window_start_ns
from firmquote.model import NS_PER_S, Session

CATCH_UP = 2.0
"""The pace is at most so many times the even one."""
ROUND_TRIP_S = 0.5
"""A sliding window is planned this much longer, since a request occupies it until its length after its answer."""
CHANGES_MAX = 1_000
"""Changes of session looked at within one window: a month has about 90."""
SLOWED = {Tier.WATCH: 1.0, Tier.OTHER: 0.5}


class Step(IntEnum):
    """How far a budget is gone; each is an event with its reason."""

    NORMAL = 0
    WARNED = 1
    SLOWED = 2
    """Symbols without a position and without priority are asked half as often."""
    POSITIONS_ONLY = 3
    STOPPED = 4

    @property
    def label(self) -> str:
        """The lower-case word used in JSON, logs and pages."""
        return self.name.lower()

    @property
    def tiers(self) -> Sequence[Tier]:
        """Which symbols are still asked."""
        return {Step.POSITIONS_ONLY: (Tier.POSITION,), Step.STOPPED: ()}.get(self, tuple(Tier))

    @property
    def slower(self) -> Mapping[Tier, float]:
        """By what factor tiers are asked less often."""
        return SLOWED if self is Step.SLOWED else {}


class Calendar(Protocol):
    """Sessions, as `symbols.TradingCalendar` has them."""

    def session_at(self, now_ns: int) -> Session: ...

    def next_change_ns(self, now_ns: int) -> int | None: ...


class AlwaysRegular:
    """One session without end, for recorded ticks."""

    def session_at(self, now_ns: int) -> Session:
        """Return `REGULAR`."""
        del now_ns
        return Session.REGULAR

    def next_change_ns(self, now_ns: int) -> int | None:
        """Return `None`: it never changes."""
        del now_ns
        return None


class Pace(Struct, frozen=True, kw_only=True):
    """How fast to go."""

    requests_per_s: float
    bound: str
    """What keeps it from being faster."""
    left_pct: float | None
    """Of the day's or month's budget, the scarcest; `None` where none is limited."""
    step: Step
    words: str
    """What is left."""


def weighted_s(calendar: Calendar, from_ns: int, to_ns: int, *, outside: float) -> float:
    """Return the seconds between two moments, each weighted by its session."""
    weights = {Session.REGULAR: 1.0, Session.PRE: outside, Session.AFTER: outside, Session.CLOSED: 0.0}
    total, at_ns = 0.0, from_ns
    for _ in range(CHANGES_MAX):
        change_ns = calendar.next_change_ns(at_ns)
        end_ns = to_ns if change_ns is None else min(change_ns, to_ns)
        total += (end_ns - at_ns) / NS_PER_S * weights[calendar.session_at(at_ns)]
        at_ns = end_ns
        if at_ns >= to_ns:
            break
    return total


def pace(
    limits: Limits,
    usages: Iterable[Usage],
    policy: BudgetPolicy,
    calendar: Calendar,
    *,
    now_ns: int,
    with_reserve: bool,
    share: float = 1.0,
) -> Pace:
    """Return the pace at `now_ns` for work that may or may not use the reserve.

    `share` is how much of a day's or month's even pace it uses; a plan by the minute saves nothing by going slower.
    """
    outside = policy.outside_pace_pct / 100
    session = calendar.session_at(now_ns)
    weight_now = {Session.REGULAR: 1.0, Session.CLOSED: 0.0}.get(session, outside)
    bounds: list[tuple[float, str]] = []
    lefts: list[tuple[float, str]] = []
    for usage in usages:
        window = usage.window
        if window not in CALENDAR:
            assert usage.requests_limit is not None
            fits = limits.ceiling(usage.requests_limit, with_reserve=with_reserve)
            length_s = (window.sliding_ns or 0) / NS_PER_S + ROUND_TRIP_S
            bounds.append((fits / length_s, f"{fits} requests a {window.value}"))
            continue
        assert usage.ends_ns is not None
        start_ns = window_start_ns(window, now_ns, limits.zone)
        left_s = weighted_s(calendar, now_ns, usage.ends_ns, outside=outside)
        whole_s = weighted_s(calendar, start_ns, usage.ends_ns, outside=outside)
        for left, ceiling, cost, unit in _amounts(usage, limits, with_reserve=with_reserve):
            share_pct = 100 * left / ceiling if ceiling else 0.0
            lefts.append((share_pct, f"{left:g} of {ceiling:g} {unit} are left of the {window.value}"))
            if not left_s or not cost:
                rate = 0.0 if cost else float("inf")
            else:
                rate = min(left / cost / left_s, CATCH_UP * ceiling / cost / whole_s) * weight_now * share
            bounds.append((rate, f"{left:g} {unit} left for the {window.value}"))
    rate, bound = min(bounds, default=(float("inf"), "no limit"))
    least = min(lefts, default=None)
    return Pace(
        requests_per_s=rate,
        bound=bound,
        left_pct=None if least is None else least[0],
        step=Step.NORMAL if least is None else _step(least[0], policy),
        words="" if least is None else least[1],
    )


def _amounts(usage: Usage, limits: Limits, *, with_reserve: bool) -> list[tuple[float, float, float, str]]:
    # (left, ceiling, cost of one request, unit) of requests and of money, whichever is limited
    found = []
    if usage.requests_limit is not None:
        ceiling = limits.ceiling(usage.requests_limit, with_reserve=with_reserve)
        found.append((float(max(0, ceiling - usage.requests)), float(ceiling), 1.0, "requests"))
    if usage.usd_micros_limit is not None:
        ceiling = limits.ceiling(usage.usd_micros_limit, with_reserve=with_reserve)
        left = float(max(0, ceiling - usage.usd_micros))
        found.append((left, float(ceiling), float(limits.request_usd_micros), "micro-dollars"))
    return found


def _step(left_pct: float, policy: BudgetPolicy) -> Step:
    if left_pct <= 0:
        return Step.STOPPED
    if left_pct <= policy.positions_left_pct:
        return Step.POSITIONS_ONLY
    if left_pct <= policy.slow_left_pct:
        return Step.SLOWED
    return Step.WARNED if left_pct <= policy.warn_left_pct else Step.NORMAL


def forecast_end_ns(usage: Usage, *, per_s: float, limits: Limits, now_ns: int) -> int | None:
    """Return when ordinary work has spent a day or month at `per_s` requests a second; `None` if that lasts."""
    if usage.ends_ns is None or per_s <= 0 or usage.window not in CALENDAR:
        return None
    requests = [usage.requests_left] if usage.requests_left is not None else []
    if usage.usd_micros_left is not None and limits.request_usd_micros:
        requests.append(usage.usd_micros_left // limits.request_usd_micros)
    if not requests:
        return None
    end_ns = now_ns + int(min(requests) / per_s * NS_PER_S)
    return end_ns if end_ns < usage.ends_ns else None
