"""What Firmquote says of itself: the JSON of the health and quote endpoints. Unknown numbers are null, never 0."""

from msgspec import Struct


class QuoteView(Struct, frozen=True, kw_only=True):
    """One symbol as it stands at `as_of_ns`. Sizes in shares, ages in milliseconds."""

    symbol: str
    grade: str
    reasons: tuple[str, ...]
    provider: str | None
    bid: float | None
    ask: float | None
    mid: float | None
    spread_bps: float | None
    bid_size_shares: int | None
    ask_size_shares: int | None
    last: float | None
    event_ns: int | None
    received_ns: int | None
    age_ms: float | None
    sequence: int | None
    halted: bool
    as_of_ns: int


class ProviderStatus(Struct, frozen=True, kw_only=True):
    """One provider as it stands. Rates are over the health window; counts since the start."""

    name: str
    title: str
    role: str
    """`active`, `warm`, `shadow` or `mock`."""
    status: str
    """`connecting`, `healthy`, `degraded` or `failed`."""
    why: str
    success_rate: float | None
    p50_latency_ms: float | None
    p95_latency_ms: float | None
    p99_latency_ms: float | None
    """Of a stream: how much later than its own time a quote arrives. Of a polled provider: the request's round trip."""
    staleness_ms: float | None
    """Since the last accepted price of any symbol."""
    silence_suspicion: float | None
    """How unusual the present gap of a stream is (φ); 2 is one in a hundred. Null for a polled provider."""
    usual_gap_ms: float | None
    """The gap that all but one in a hundred of this stream's stay below."""
    silence_score: float | None = None
    """All evidence of silence together: 1 is a silence (docs/explanation/failover.md). Null for a polled provider."""
    silence_evidence: dict[str, float] = {}
    """The parts of that score, each 1 where it would be enough by itself, and what they were measured from."""
    symbols_serving: int = 0
    """Symbols that the board shows from this provider now."""
    symbols_unfit: dict[str, str] = {}
    """Symbols that it cannot serve although it is well, each with the reason."""
    blame: str | None = None
    """Whose fault it is that it cannot serve."""
    breaker: str
    connected: bool
    reconnects: int
    quotes_per_s: float | None
    accepted: int
    rejected: int
    rejected_by_reason: dict[str, int]
    unparsed: int
    unknown_symbols: int
    requests: int
    errors_by_class: dict[str, int]
    consecutive_errors: int = 0
    """Failures in a row: the breaker opens after so many; 0 after anything that went well."""
    last_error: str | None
    symbols: int
    budget_left_pct: float | None = None


class LineHealth(Struct, frozen=True, kw_only=True):
    """One provider's line of one symbol. Ages in milliseconds."""

    symbol: str
    serving: bool
    """Whether the board shows it now."""
    unfit: str | None
    """Why it may not serve, if so."""
    status: str = "healthy"
    """Of this line alone: `connecting` before its first price, `failed` while it may not serve, `degraded` while it is
    well again and not yet wanted or one request of it is overdue, else `healthy`."""
    staleness_ms: float | None
    """Since its last accepted price."""
    usual_gap_ms: float | None
    """The longest gap of a stream's line lately; null before it is known, and for a polled provider."""
    peer_updates: int | None
    """How often other streams brought this symbol since."""
    refused_by_reason: dict[str, int] = {}
    """Prices refused before the board, since the start."""
    consecutive_refusals: int = 0
    """So many since its last accepted price."""


class EventView(Struct, frozen=True, kw_only=True):
    """Something changed. `kind` is `role`, `status`, `breaker`, `connection`, `line`, `seam`, `stall` and so on."""

    sequence: int
    at_ns: int
    kind: str
    provider: str
    before: str | None
    after: str | None
    cause: str
    symbol: str | None = None
    """Of a single line, or of a seam: where a symbol's quotes of two providers did not fit together."""
    route: str | None = None
    """Of a role that is a route's; null for the configured roles."""
    blame: str | None = None
    """`provider`, `key_or_quota`, `network`, `own_stall`, `halt_or_closed`, `clock`, `operator`; null for good news."""


class GateView(Struct, frozen=True, kw_only=True):
    """One promotion gate."""

    status: str
    """`PASS`, `FAIL` or `PENDING`."""
    current: float | None
    threshold: float
    unit: str
    samples: int
    message: str


class HealthReport(Struct, frozen=True, kw_only=True):
    """`/healthz/providers`."""

    status: str
    """`healthy`, `degraded` or `failed`."""
    session: str
    """`pre`, `regular`, `after` or `closed`: the age limits of quotes depend on it."""
    expansion_state: str
    can_promote_to_live: bool
    active_provider: str | None
    last_role_change: EventView | None
    providers: tuple[ProviderStatus, ...]
    promotion_gates: dict[str, GateView]
    quality_metrics: dict[str, float | None]
    cost_summary: dict[str, float | None]
    as_of_ns: int
    reasons: tuple[str, ...] = ()
    """What keeps `status` from being better, the gravest first; nothing where it is healthy."""
