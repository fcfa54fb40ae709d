"""CostGovernor of one polled provider: what to ask for, when, for whom, and what is given up as the budget runs out.

Pure. Whoever runs it tells the time, what the ledger says is spent, and what role the provider has.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from firmquote.budget.book import Purpose, Usage
from firmquote.budget.cadence import Cadence, Tier
from firmquote.budget.pacing import Calendar, Pace, Step, pace
from firmquote.budget.policy import BudgetPolicy, Limits
from firmquote.model import NS_PER_S

PAUSE_MATTERS_NS = 10 * NS_PER_S
"""A provider that wants to be left alone for longer than this cannot serve meanwhile."""


class Turn(Struct, frozen=True, kw_only=True):
    """What to ask for now; no symbols means: nothing before `wait_ns` have passed."""

    symbols: tuple[str, ...] = ()
    wait_ns: int = 0


class StepChange(Struct, frozen=True, kw_only=True):
    """A budget got scarcer, or there is more again."""

    before: Step
    after: Step
    words: str


class Governor:
    """One provider's budget at work."""

    def __init__(
        self,
        provider: str,
        limits: Limits,
        policy: BudgetPolicy,
        calendar: Calendar,
        tiers: Mapping[str, Tier],
        *,
        batch: int,
    ) -> None:
        """`batch` is how many symbols one request may carry."""
        self.provider = provider
        self.limits = limits
        self.cadence = Cadence(policy.cadence, tiers)
        self.batch = max(1, min(batch, len(tiers)))
        self.purpose = Purpose.WARM
        self.step = Step.NORMAL
        self.pace = Pace(requests_per_s=0.0, bound="nothing is known yet", left_pct=None, step=Step.NORMAL, words="")
        self.unaffordable: str | None = None
        """Why it cannot serve, while its budget is spent."""
        self._policy = policy
        self._calendar = calendar
        self._asked_ns: int | None = None

    def look(
        self, usages: Sequence[Usage], purpose: Purpose, *, now_ns: int, pause: tuple[int, str] | None = None
    ) -> StepChange | None:
        """Plan anew; called about once a second. `pause` is how much longer the provider wants none, and its words."""
        self.purpose = purpose
        share = self._policy.warm_pace_pct / 100 if purpose is Purpose.WARM else 1.0
        self.pace = found = pace(
            self.limits,
            usages,
            self._policy,
            self._calendar,
            now_ns=now_ns,
            with_reserve=purpose.may_use_reserve,
            share=share,
        )
        before, self.step = self.step, found.step
        rate = min(found.requests_per_s, self._useful_rate())
        self.cadence.replan(rate, batch=self.batch, tiers=self.step.tiers, slower=self.step.slower)
        self.unaffordable = self._why_not(usages, found, now_ns, pause)
        if before is self.step:
            return None
        return StepChange(before=before, after=self.step, words=f"{self.provider}: {found.words}")

    def turn(self, monotonic_ns: int) -> Turn:
        """Return what to ask for now, or how long there is nothing to ask for."""
        if self.step is Step.STOPPED:
            return Turn(wait_ns=NS_PER_S)
        rate = self.pace.requests_per_s
        if self._asked_ns is None:  # a provider that never answered is asked once, even at night
            symbols = self.cadence.pick(monotonic_ns, self.batch) or self.cadence.first(self.batch)
            return Turn(symbols=symbols, wait_ns=0 if symbols else NS_PER_S)
        if rate <= 0:
            return Turn(wait_ns=NS_PER_S)
        due_ns = self._asked_ns + (0 if math.isinf(rate) else int(NS_PER_S / rate))
        if monotonic_ns < due_ns:
            return Turn(wait_ns=due_ns - monotonic_ns)
        symbols = self.cadence.pick(monotonic_ns, self.batch)
        if symbols:
            return Turn(symbols=symbols)
        fresh_ns = self.cadence.fresh_until_ns()
        return Turn(wait_ns=NS_PER_S if fresh_ns is None else max(1, fresh_ns - monotonic_ns))

    def note_asked(self, symbols: Iterable[str], monotonic_ns: int) -> None:
        """Note that a request for `symbols` was granted; whoever asked, it counts for the pace."""
        self._asked_ns = monotonic_ns
        self.cadence.note_asked(symbols, monotonic_ns)

    def _useful_rate(self) -> float:
        # Faster than every symbol may be asked is of no use.
        tiers = [self.cadence.tier(symbol) for symbol in self.cadence.symbols]
        fastest = sum(1_000 / self._policy.cadence.of(tier).interval_min_ms for tier in tiers)
        return fastest / self.batch if self.batch < len(tiers) else fastest

    def _why_not(self, usages: Sequence[Usage], found: Pace, now_ns: int, pause: tuple[int, str] | None) -> str | None:
        if pause is not None and pause[0] > PAUSE_MATTERS_NS:
            return f"{self.provider} wants no requests for {pause[0] // NS_PER_S} s: {pause[1]}"
        if self.purpose is Purpose.WARM:  # to serve, it may use the reserve
            found = pace(self.limits, usages, self._policy, self._calendar, now_ns=now_ns, with_reserve=True, share=1.0)
        return f"{self.provider}: {found.words}" if found.step is Step.STOPPED else None
