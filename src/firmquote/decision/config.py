"""What the engine is told by its owner."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from firmquote.model import Grade

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Percent = Annotated[float, Meta(gt=0, le=100)]
SessionName = Literal["pre", "regular", "after"]


class Caps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may be at risk, working orders included, marked at the newest price."""

    symbol_usd: Positive = 10_000.0
    gross_usd: Positive = 50_000.0
    net_usd: Positive = 50_000.0
    orders_per_day: Annotated[int, Meta(ge=1)] = 500
    """Orders that open risk, over all symbols."""


class DrawdownPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Loss from the day's and the week's highest value, in percent of it."""

    day_reduce_pct: Percent = 2.0
    """From here on nothing is opened while it lasts …"""
    day_pause_pct: Percent = 4.0
    """… and from here on nothing is opened before an operator resumes."""
    week_reduce_pct: Percent = 4.0
    week_pause_pct: Percent = 8.0

    def __post_init__(self) -> None:
        """Refuse a pause that would come before the reduction."""
        if self.day_reduce_pct > self.day_pause_pct or self.week_reduce_pct > self.week_pause_pct:
            raise ValueError("decision.drawdown: a pause comes after the reduction. Give pause_pct the larger number.")


class CorroborationPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a price needs a second, independent provider that shows the same."""

    move_bps: Positive = 300.0
    """A move of the mid of this size or more …"""
    window_s: Positive = 60.0
    """… against its average over this long."""
    sources: Annotated[int, Meta(ge=2, le=10)] = 2
    agree_bps: Positive = 50.0
    """How far apart the mids of two providers that agree may be."""


class EarningsPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing is opened from so long before an announcement until so long after it."""

    file: str | None = None
    """A JSON array of `{"symbol", "day": "2026-11-25", "when": "before", "during" or "after"}`, read when changed."""
    before_h: NotNegative = 24.0
    after_h: NotNegative = 2.0


class StopPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a position is given up whole, whatever the score says; null switches one off."""

    fixed_bps: Positive | None = 200.0
    """Below the average cost."""
    trailing_bps: Positive | None = 300.0
    """Below the best price since the position was opened."""


class PaperPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the paper broker fills: later, a little worse, and not always whole."""

    cash_usd: Positive = 100_000.0
    """What the account begins with."""
    latency_ms_min: NotNegative = 100.0
    latency_ms_max: NotNegative = 2_000.0
    slippage_bps_min: NotNegative = 1.0
    slippage_bps_max: NotNegative = 5.0

    def __post_init__(self) -> None:
        """Refuse a range that is none."""
        if self.latency_ms_min > self.latency_ms_max or self.slippage_bps_min > self.slippage_bps_max:
            raise ValueError("decision.paper: a minimum above its maximum. Exchange them.")


class OrderPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an order looks like."""

    type: Literal["limit", "market"] = "limit"
    limit_bps: Annotated[float, Meta(ge=0, le=100)] = 10.0
    """How far through the other side of the quote a limit reaches; a stop-out is always at the market."""
    expire_s: Positive = 60.0


class DecisionConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thresholds, limits and weights of the decision engine."""

    enabled: bool = True
    positive: Annotated[float, Meta(gt=0, lt=1)] = 0.35
    """A fused score from here on asks for one unit …"""
    very_positive: Annotated[float, Meta(gt=0, lt=1)] = 0.65
    """… and from here on for five. The negatives mirror them: sell one unit, sell everything."""
    min_grade: str = "firm"
    """The least grade on which risk may be opened: `firm`, or `indicative` for those who accept it."""
    unit_usd: Positive = 1_000.0
    sessions: tuple[SessionName, ...] = ("regular",)
    """When risk may be opened."""
    max_spread_bps: Positive = 30.0
    frozen_s: Positive = 120.0
    """Bid and ask that have not changed for longer are no market."""
    caps: Caps = Caps()
    cooldown_s: NotNegative = 60.0
    """After an intent that opens risk the symbol rests this long; orders that reduce by the score keep this rhythm."""
    cooldown_stop_s: NotNegative = 900.0
    """After a stop-out."""
    sectors: dict[str, str] = {}
    """Symbol → sector; a symbol without one is a sector of its own."""
    sector_usd: Positive = 25_000.0
    drawdown: DrawdownPolicy = DrawdownPolicy()
    corroboration: CorroborationPolicy = CorroborationPolicy()
    earnings: EarningsPolicy = EarningsPolicy()
    stops: StopPolicy = StopPolicy()
    min_budget_left_pct: NotNegative = 0.0
    """Nothing is opened on a provider whose request budget has this much left, or less."""
    advice_ttl_s: Positive = 300.0
    advice_file: str | None = None
    """A JSON array of advice; read when it changes."""
    strategies: dict[str, dict[str, object]] = field(default_factory=lambda: {"momentum": {}, "mean_reversion": {}})
    """Entry point in `firmquote.strategies` → its settings."""
    orders: OrderPolicy = OrderPolicy()
    directory: str = "trading"
    """Where receipts, orders and positions are kept, below `serve.state_dir`."""
    broker: Literal["paper", "alpaca"] = "paper"
    """Who carries orders out: the paper broker in this process, or Alpaca's paper trading API."""
    paper: PaperPolicy = PaperPolicy()
    alpaca_url: str = "https://paper-api.alpaca.markets"
    """Alpaca's paper trading API; another host is refused, unless it is this machine."""

    def open_grade(self) -> Grade:
        """Return `min_grade` as a grade; the configuration is checked when it is read."""
        return Grade[self.min_grade.upper()]

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.min_grade not in ("firm", "indicative"):
            raise ValueError(f"min_grade is {self.min_grade!r}: write firm or indicative")
        if self.positive >= self.very_positive:
            raise ValueError(f"positive ({self.positive:g}) must be below very_positive ({self.very_positive:g})")
        if self.unit_usd * 5 > self.caps.symbol_usd:
            raise ValueError(
                f"unit_usd ({self.unit_usd:g}) times five is above caps.symbol_usd ({self.caps.symbol_usd:g}): "
                "BUY_5X could never pass. Raise the cap or lower the unit."
            )
