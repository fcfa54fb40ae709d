"""CostGovernor: what may be asked of each provider, when, and what it costs. Pure: time comes in."""

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
    "Anchor",
    "Ask",
    "Book",
    "BudgetPolicy",
    "Limits",
    "Moment",
    "Pause",
    "ProviderBudget",
    "Purpose",
    "Recent",
    "Refusal",
    "RefusalKind",
    "Total",
    "Usage",
    "believe",
    "confirm",
    "limits_in_force",
    "touched",
    "window_end_ns",
    "window_start_ns",
]
