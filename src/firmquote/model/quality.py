"""What `/v1/quality`, `/v1/actions` and `/v1/halts` say. Unknown numbers are null, never 0."""

from msgspec import Struct


class VerdictView(Struct, frozen=True, kw_only=True):
    """A provider is unfit for a symbol, and why."""

    provider: str
    symbol: str
    reason: str
    words: str
    since_ns: int
    excluded: bool
    """Another provider shows the symbol while there is one."""
    quarantined: bool
    """Nobody can say which price is right: the symbol is not for trading."""


class MismatchView(Struct, frozen=True, kw_only=True):
    """How often a provider told another price of a symbol than the one that was shown, in one part of the day."""

    symbol: str
    session: str
    compared: int
    mismatched: int
    rate: float


class MismatchExample(Struct, frozen=True, kw_only=True):
    """One mismatch; `low` and `high` are the bid and ask between which the shown provider stood around that time."""

    at_ns: int
    symbol: str
    session: str
    bid: float
    ask: float
    against: str
    low: float
    high: float
    away_bps: float


class ProviderQuality(Struct, frozen=True, kw_only=True):
    """What one provider's data is worth."""

    provider: str
    feed_class: str
    """As configured."""
    doubt: str | None
    """What is wrong with the provider as a whole: its clock, its units, its class."""
    clock_offset_ms: float | None
    """The least delay of the last seconds: the difference of the clocks and the shortest way."""
    accepted: int
    refused: int
    refused_by_reason: dict[str, int]
    refused_rate: float | None
    verdicts_by_reason: dict[str, int]
    """How often a line was found unfit since the start."""
    compared: int
    mismatched: int
    mismatch_rate: float | None
    mismatches: tuple[MismatchView, ...]
    """By symbol and session, worst first; those without any are left out."""
    examples: tuple[MismatchExample, ...]


class HaltView(Struct, frozen=True, kw_only=True):
    """A symbol in which nobody may trade, and who says so."""

    symbol: str
    causes: dict[str, str]


class QualityView(Struct, frozen=True, kw_only=True):
    """Everything about the quality of what arrives."""

    providers: tuple[ProviderQuality, ...]
    verdicts: tuple[VerdictView, ...]
    halts: tuple[HaltView, ...]
    own_clock_offset_ms: float | None
    """How far our own clock is off, where all streams agree on it."""
    own_clock_steps: int
    as_of_ns: int


class ActionView(Struct, frozen=True, kw_only=True):
    """One corporate action."""

    id: str
    action: dict[str, object]
    sources: tuple[str, ...]
    state: str
    """`to_come`, `in_effect` or `conflict` (withheld until an operator settles it)."""


class ActionsView(Struct, frozen=True, kw_only=True):
    """All corporate actions, and what they made of the configured names."""

    today: str
    """The trading day, YYYY-MM-DD: it begins with the pre-market."""
    actions: tuple[ActionView, ...]
    conflicts: tuple[str, ...]
    names: dict[str, str]
    """Configured symbol → what it is called now, where that differs."""
    doubts: tuple[str, ...] = ()
    """What providers told of these symbols and nobody can be sure of: it is not applied."""
