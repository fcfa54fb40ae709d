"""CostGovernor: what may be asked of each provider, when, and what it costs. Pure: time comes in."""

from firmquote.budget.advice import Fit, Saving, Use, cheapest, check_plan, find_savings
from firmquote.budget.book import (
    LIFETIME_NS,
    SKEW_NS,
    Ask,
    Book,
    Pause,
    Purpose,
    Recent,
    Refusal,
    RefusalKind,
    Total,
    Usage,
    touched,
)
from firmquote.budget.cadence import Cadence, CadencePolicy, Need, Tier, TierPolicy, Variance, plan_rates
from firmquote.budget.governor import Governor, StepChange, Turn
from firmquote.budget.headers import Told, read_headers, told_usage
from firmquote.budget.pacing import AlwaysRegular, Calendar, Pace, Step, forecast_end_ns, pace, weighted_s
from firmquote.budget.policy import (
    CALENDAR,
    Allowance,
    BudgetPolicy,
    Limits,
    ProviderBudget,
    limits_in_force,
)
from firmquote.budget.timekeeping import Anchor, Moment, believe, confirm
from firmquote.budget.windows import window_end_ns, window_start_ns

__all__ = [
    "CALENDAR",
    "LIFETIME_NS",
    "SKEW_NS",
    "Allowance",
    "AlwaysRegular",
    "Anchor",
    "Ask",
    "Book",
    "BudgetPolicy",
    "Cadence",
    "CadencePolicy",
    "Calendar",
    "Fit",
    "Governor",
    "Limits",
    "Moment",
    "Need",
    "Pace",
    "Pause",
    "ProviderBudget",
    "Purpose",
    "Recent",
    "Refusal",
    "RefusalKind",
    "Saving",
    "Step",
    "StepChange",
    "Tier",
    "TierPolicy",
    "Told",
    "Total",
    "Turn",
    "Usage",
    "Use",
    "Variance",
    "believe",
    "cheapest",
    "check_plan",
    "confirm",
    "find_savings",
    "forecast_end_ns",
    "limits_in_force",
    "pace",
    "plan_rates",
    "read_headers",
    "told_usage",
    "touched",
    "weighted_s",
    "window_end_ns",
    "window_start_ns",
]
