"""The configuration as types: what every key of `config/live_feeds.yaml` means, its unit and its default."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from firmquote.budget import BudgetPolicy
from firmquote.decision import DecisionConfig
from firmquote.errors import ConfigError
from firmquote.publish.alerting import AlertPolicy
from firmquote.quality import ClockPolicy, FitnessPolicy, PlausibilityPolicy, SessionGrading, SilencePolicy
from firmquote.rollout import PromotionGates, RolloutPolicy
from firmquote.routing import RoutingPolicy
from firmquote.safety import GuardPolicy, RatePolicy, SwitchPolicy

Share = Annotated[float, Meta(ge=0, le=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]


class QuotesFeed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The quotes feed as operators know it."""

    live_enabled: bool = False
    """Off: no provider is connected; the mock serves, and nothing can be traded on."""
    shadow_mode: bool = True
    """On: live quotes are shown and decisions are computed, but the rollout stays in shadow: nothing is acted on."""
    provider_active: str
    provider_warm: str | None = None
    live_symbols_allowlist: tuple[str, ...]
    """Canonical symbols; nothing else is subscribed, shown or traded."""
    canary_symbols: tuple[str, ...] = ()
    priority_symbols: tuple[str, ...] = ()
    promotion_gates: PromotionGates = PromotionGates()

    def __post_init__(self) -> None:
        """Refuse what types cannot: an empty allowlist, a provider in two roles, a stage outside the allowlist."""
        if not self.live_symbols_allowlist:
            raise ConfigError("feeds.quotes.live_symbols_allowlist is empty. Name at least one symbol.")
        if self.provider_active == self.provider_warm:
            raise ConfigError(
                f"feeds.quotes: {self.provider_active} is both provider_active and provider_warm. "
                "Name another provider as warm, or leave provider_warm out."
            )
        for key in ("canary_symbols", "priority_symbols"):
            strange = set(getattr(self, key)) - set(self.live_symbols_allowlist)
            if strange:
                raise ConfigError(
                    f"feeds.quotes.{key}: {', '.join(sorted(strange))} is not in live_symbols_allowlist. Add it there."
                )


class Feeds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All feeds; quotes are the only one so far."""

    quotes: QuotesFeed


class KeyReference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a key is, never the key itself: the name of an environment variable, or a file."""

    env: str | None = None
    file: str | None = None


class ProviderSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider: where its key is, and its own settings (typed by the provider's `config`)."""

    api_key: KeyReference | None = None
    settings: dict[str, object] = {}


class QualitySection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How quotes are judged."""

    calendar: Literal["XNYS", "always_regular"] = "XNYS"
    """Whose sessions: the New York exchanges', or one regular session without end (for recorded ticks)."""
    grading: SessionGrading = SessionGrading()
    plausibility: PlausibilityPolicy = PlausibilityPolicy()
    silence: SilencePolicy = SilencePolicy()
    fitness: FitnessPolicy = FitnessPolicy()
    clocks: ClockPolicy = ClockPolicy()


class SymbolsSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a provider's codec cannot know."""

    overrides: dict[str, dict[str, str]] = {}
    """Provider → canonical → its spelling; wins over the codec in both directions."""
    aliases: dict[str, str] = {}
    """What people type → canonical."""
    record_file: str = "symbols.sqlite"
    """Below `serve.state_dir`: told actions, names, last prices and operators' halts."""
    actions_file: str | None = None
    """YAML of corporate actions; see docs/how-to/corporate-actions.md."""


class ServeSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the HTTP API listens."""

    host: str = "127.0.0.1"
    port: Port = 8090
    state_dir: str = "~/.local/state/firmquote"
    """Where the operator's token and everything that outlives the process is written, readable by its owner only."""
    hosts: tuple[str, ...] = ()
    """Names by which others reach it, beside this machine's own; any other name is refused."""
    tls_certificate: str | None = None
    """A PEM file with the certificate and its chain …"""
    tls_key: str | None = None
    """… and one with its key."""
    read_needs_token: bool = False
    """Whether reading takes a token too; always so when others than this machine can connect."""
    orders_need_key: bool = False
    """Whether an order must carry an `Idempotency-Key`; always so when others than this machine can connect."""
    allow_public_without_tls: bool = False
    """Whether it may listen for others without TLS: only behind a proxy that has it."""
    access_log: Literal["all", "changes", "off"] = "changes"
    """Which requests are in the log: all, those that change something or are refused, or none."""
    requests: RatePolicy = RatePolicy(per_s=200, burst=1_000)
    """What one address may ask; orders to switches are always answered."""

    def __post_init__(self) -> None:
        """Refuse half of a pair."""
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ConfigError("serve: name both tls_certificate and tls_key, or neither.")


class MachineSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gateway asks of the machine that it runs on; see docs/how-to/deploy.md."""

    processor: Annotated[int, Meta(ge=0)] | None = None
    """The number of the one processor that it keeps to: best one that nobody else uses (Linux)."""
    realtime: bool = False
    """Whether deciding goes before everything else on its processor (Linux; needs CAP_SYS_NICE)."""


class HistorySection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of the quotes."""

    record: bool = False
    """Write what the board shows, for `firmquote replay`."""
    directory: str = "history"
    """Below `serve.state_dir`."""


class LogSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is logged on stderr, and how."""

    format: Literal["auto", "json", "text"] = "auto"
    """`auto`: lines for people on a terminal, JSON elsewhere."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    repeats_max: Annotated[int, Meta(ge=1)] = 10
    """The same message is written at most so often …"""
    repeats_window_s: Annotated[float, Meta(gt=0)] = 60
    """… in such a time; what is left out is counted, and told."""


class TraceSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OpenTelemetry traces: of requests, polls, hand-overs and the effects of decisions."""

    enabled: bool = False
    """Needs `firmquote[otel]`; where they go is said by OpenTelemetry's own environment variables."""
    share: Share = 1.0
    """The share of traces that is kept."""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    feeds: Feeds
    providers: dict[str, ProviderSection] = {}
    symbols: SymbolsSection = SymbolsSection()
    routing: RoutingPolicy = RoutingPolicy()
    quality: QualitySection = QualitySection()
    decision: DecisionConfig = DecisionConfig()
    rollout: RolloutPolicy = RolloutPolicy()
    safety: SwitchPolicy = SwitchPolicy()
    hotpath: GuardPolicy = GuardPolicy()
    alerts: AlertPolicy = AlertPolicy()
    budgets: BudgetPolicy = BudgetPolicy()
    serve: ServeSection = ServeSection()
    machine: MachineSection = MachineSection()
    history: HistorySection = HistorySection()
    logs: LogSection = LogSection()
    traces: TraceSection = TraceSection()

    def provider_order(self) -> tuple[str, ...]:
        """Return the providers from most to least wanted; `mock` is always last."""
        quotes = self.feeds.quotes
        live = [quotes.provider_active, quotes.provider_warm] if quotes.live_enabled else []
        shadows = [name for name in self.providers if name not in live and quotes.live_enabled]
        names = [name for name in (*live, *shadows) if name is not None and name != "mock"]
        return (*names, "mock")

    def history_dir(self) -> Path:
        """Return where quotes are recorded."""
        return Path(self.serve.state_dir).expanduser() / self.history.directory
