"""What alerts are judged by: one picture of the gateway, taken once a second."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from firmquote.model.budget import BudgetView
from firmquote.model.quality import QualityView
from firmquote.model.rollout import StageChange
from firmquote.model.safety import SwitchesView
from firmquote.model.status import EventView, HealthReport, QuoteView


class Role(Struct, frozen=True):
    """Who serves, and who should: the first of the configured order, or the one that an operator activated."""

    route: str
    """The route whose role it is; `quotes` for the configured roles."""
    wanted: str
    serving: str | None


class Situation(Struct, frozen=True, kw_only=True):
    """Everything that can be wrong, as the gateway sees it now."""

    health: HealthReport
    not_firm: Sequence[QuoteView]
    """The symbols whose quotes are not firm …"""
    symbols: int
    """… of so many."""
    live: bool
    """Whether live providers are meant to serve at all."""
    roles: Sequence[Role]
    silent: Mapping[str, str]
    """Frozen streams and the evidence."""
    refused: Mapping[str, str]
    """Providers that refused us for good, in their words."""
    unaffordable: Mapping[str, str]
    """Providers whose budget is spent."""
    blocked: Mapping[str, str]
    """Providers that may not be used, by somebody's word: not their failure."""
    cut_off: Sequence[str]
    """Providers that were lost together with all others."""
    switches: SwitchesView
    budget: BudgetView
    role_changes: Sequence[EventView]
    flap_limit: int
    flap_window_ns: int
    stalls: int
    disk_free_mb: float | None
    failing_channels: Mapping[str, str]
    quality: QualityView | None = None
    conflicts: Sequence[str] = ()
    """Corporate actions that sources tell differently."""
    fallen: StageChange | None = None
    """The step back that the rollout took by itself, and nobody has answered yet."""
    unclean_ns: int | None = None
    """When this process began, if the one before ended without saying so."""
    withheld: Mapping[str, str] = MappingProxyType({})
    """Symbols that the rollout keeps in shadow, and why."""
    hot_path: str | None = None
    """Why the decision path is throttled or stopped."""
    live_calls: int = 0
    """Live calls that were refused within decisions."""
    clock_words: str = ""
    """What was last said of our own clock."""
    audit_trouble: str | None = None
    unreadable: Mapping[str, str] = MappingProxyType({})
    """Damaged files of our own that were put aside, by name."""


class Condition(Struct, frozen=True):
    """Something is wrong now."""

    name: str
    subject: str
    words: str
