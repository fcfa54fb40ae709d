"""All that a decision depends on: what a gate may look at, and what a receipt keeps so that it can be decided again."""

from msgspec import Struct

from firmquote.decision.fusion import Contribution
from firmquote.decision.market import MarketView
from firmquote.model import Price, Session, Shares


class Held(Struct, frozen=True, kw_only=True):
    """What is held of the symbol, and what its working orders may still do."""

    shares: Shares = 0
    average_cost: Price | None = None
    best: Price | None = None
    """The best price since the position was opened: highest bid of a long one, lowest ask of a short one."""
    buying_shares: Shares = 0
    selling_shares: Shares = 0

    @property
    def reducing_shares(self) -> Shares:
        """How many shares its working orders may still take away."""
        return self.selling_shares if self.shares > 0 else self.buying_shares


class Exposure(Struct, frozen=True, kw_only=True):
    """What is at risk in all, working orders that open risk included, and how the account does."""

    symbol_usd: float = 0.0
    sector_usd: float = 0.0
    gross_usd: float = 0.0
    net_usd: float = 0.0
    orders_today: int = 0
    nav_usd: float = 0.0
    drawdown_day_pct: float = 0.0
    drawdown_week_pct: float = 0.0


class Permission(Struct, frozen=True, kw_only=True):
    """What operators, rollout and budget allow for a symbol on the provider that serves it."""

    switch: str | None = None
    """What engaged switches say against opening risk."""
    may_reduce: bool = True
    """False where a kill switch stops the machine whatever it is about to do."""
    stage: str = "full"
    acts: bool = True
    """Whether the stage lets this symbol be traded."""
    budget_left_pct: float | None = None
    """`None` for a provider without a budget."""


class Situation(Struct, frozen=True, kw_only=True):
    """One symbol at one moment, with everything that may stand in the way."""

    view: MarketView
    now_ns: int
    session: Session = Session.REGULAR
    contributions: tuple[Contribution, ...] = ()
    score: float = 0.0
    held: Held = Held()
    exposure: Exposure = Exposure()
    permission: Permission = Permission()
    paused: tuple[str, ...] = ()
    """Why no risk may be opened anywhere."""
    opened_ns: int | None = None
    """When risk was last opened in this symbol."""
    stopped_ns: int | None = None
    """When it was last stopped out."""
    changed_ns: int | None = None
    """When bid or ask last changed."""
    move_bps: float = 0.0
    """Of the mid against its average over the corroboration window."""
    agreeing: int = 1
    """Independent providers that show this price, the one that serves included."""
    earnings: str | None = None
    """The announcement whose embargo it is."""
    news: str | None = None
