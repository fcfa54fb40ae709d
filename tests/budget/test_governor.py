"""One provider's budget at work: whose turn it is, what a role may spend, and when it cannot serve."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from firmquote.budget import (
    AlwaysRegular,
    Ask,
    Book,
    Bounds,
    BudgetPolicy,
    Governor,
    Limits,
    ProviderBudget,
    Purpose,
    Step,
    Tier,
    Usage,
    limits_in_force,
)
from firmquote.model import NS_PER_S, ProviderLimits
from firmquote.symbols import xnys_calendar

NOON_NS = int(datetime(2026, 11, 24, 12, tzinfo=ZoneInfo("America/New_York")).timestamp()) * NS_PER_S
NIGHT_NS = NOON_NS + 10 * 3_600 * NS_PER_S
TIERS = {"A": Tier.WATCH, "B": Tier.OTHER, "C": Tier.OTHER}


class Governed:
    """A governor with a book of what was spent."""

    def __init__(self, *, batch: int = 1, always: bool = False, **own: int) -> None:
        budget = ProviderBudget(**own)  # type: ignore[arg-type]  # numbers only
        plan = ProviderLimits(zone="America/New_York")
        self.limits: Limits = limits_in_force(plan, budget, reserve_pct=15, provider="a")
        calendar = AlwaysRegular() if always else xnys_calendar()
        self.governor = Governor("a", self.limits, BudgetPolicy(), calendar, TIERS, batch=batch)

    def usages(self, spent: int, now_ns: int) -> tuple[Usage, ...]:
        book = Book("a", self.limits, now=Bounds(now_ns, now_ns), monotonic_ns=0, recent=(), totals={})
        if spent:
            assert book.take(Ask(provider="a", purpose=Purpose.OPERATOR, requests=spent)) is None
        return book.usage()

    def look(
        self, purpose: Purpose = Purpose.ORDINARY, *, spent: int = 0, now_ns: int = NOON_NS, pause_s: int = 0
    ) -> "Governed":
        pause = (pause_s * NS_PER_S, "slow down") if pause_s else None
        self.change = self.governor.look(self.usages(spent, now_ns), purpose, now_ns=now_ns, pause=pause)
        return self

    def ask(self, at_s: float) -> tuple[str, ...]:
        turn = self.governor.turn(int(at_s * NS_PER_S))
        if turn.symbols:
            self.governor.note_asked(turn.symbols, int(at_s * NS_PER_S))
        return turn.symbols


def test_a_provider_that_never_answered_is_asked_once_even_at_night() -> None:
    governed = Governed(requests_per_day=25).look(now_ns=NIGHT_NS)
    assert governed.ask(0) == ("A",)
    assert governed.ask(3_600) == ()
    assert governed.governor.turn(3_600 * NS_PER_S).wait_ns == NS_PER_S


def test_requests_leave_at_even_distances() -> None:
    governed = Governed(always=True, requests_per_minute=30)  # 26 without the reserve
    governed.look()
    asked = [tick / 10 for tick in range(600) if governed.ask(tick / 10)]
    assert 24 <= len(asked) <= 26
    assert min(b - a for a, b in pairwise(asked)) >= 2.3


def test_a_request_carries_as_many_symbols_as_the_provider_takes() -> None:
    governed = Governed(batch=2, always=True, requests_per_minute=600).look()
    assert len(governed.ask(0)) == 2
    assert Governed(batch=100).governor.batch == 3  # no more than there are


def test_a_provider_that_is_kept_warm_goes_slower_where_its_day_is_limited() -> None:
    ordinary = Governed(requests_per_day=1_000).look().governor.pace.requests_per_s
    warm = Governed(requests_per_day=1_000).look(Purpose.WARM).governor.pace.requests_per_s
    assert warm == pytest.approx(ordinary / 4)
    by_minute = Governed(requests_per_minute=75)
    assert by_minute.look(Purpose.WARM).governor.pace.requests_per_s == pytest.approx(64 / 60.5)


def test_a_step_is_told_once_with_what_is_left() -> None:
    governed = Governed(requests_per_day=1_000).look(spent=800)
    assert governed.change is not None
    assert (governed.change.before, governed.change.after) == (Step.NORMAL, Step.SLOWED)
    assert governed.change.words == "a: 50 of 850 requests are left of the day"
    assert governed.look(spent=801).change is None


def test_with_little_left_only_positions_are_asked() -> None:
    governed = Governed(always=True, requests_per_day=1_000).look()
    governed.ask(0)
    governed.look(spent=830)
    assert governed.governor.step is Step.POSITIONS_ONLY
    assert governed.ask(10_000) == ()
    governed.governor.cadence.set_tiers({"C": Tier.POSITION})
    governed.look(spent=830)
    assert governed.ask(20_000) == ("C",)


def test_a_provider_without_budget_cannot_serve_but_a_warm_one_has_the_reserve() -> None:
    spent = Governed(requests_per_day=1_000).look(spent=850)
    assert spent.governor.unaffordable == "a: 0 of 850 requests are left of the day"
    assert Governed(requests_per_day=1_000).look(Purpose.WARM, spent=850).governor.unaffordable is None
    assert Governed(requests_per_day=1_000).look(Purpose.FAILOVER, spent=850).governor.unaffordable is None
    assert Governed(requests_per_day=1_000).look(Purpose.WARM, spent=1_000).governor.unaffordable is not None


def test_a_long_pause_means_that_it_cannot_serve_and_a_short_one_does_not() -> None:
    assert Governed(requests_per_day=25).look(pause_s=10).governor.unaffordable is None
    long = Governed(requests_per_day=25).look(pause_s=3_600).governor.unaffordable
    assert long == "a wants no requests for 3600 s: slow down"
