"""What is decided, ordered and held: the documents that the API, the files and the command line share.

Money is counted in micro-dollars, so that sums are exact; prices are dollars per share.
"""

from datetime import datetime
from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

from firmquote.model.price import Price, Shares

MICROS_PER_USD = 1_000_000


class AdviceInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source's opinion as it is sent: by `POST /v1/advice`, or as an element of the advice file."""

    symbol: str
    score: Annotated[float, Meta(ge=-1, le=1)]
    """-1 sell, 1 buy."""
    source: Annotated[str, Meta(min_length=1, max_length=64)]
    confidence: Annotated[float, Meta(ge=0, le=1)] = 1.0
    source_weight: Annotated[float, Meta(ge=0, le=1_000)] = 1.0
    as_of: Annotated[datetime, Meta(tz=True)] | None = None
    """When it was true; without it, when it arrives. Fades from then on until `ttl_s` later."""
    ttl_s: Annotated[float, Meta(gt=0, le=604_800)] | None = None
    """Without it, `decision.advice_ttl_s`."""


class NewsInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """News that keep risk in a symbol from being opened for a while."""

    symbol: str
    text: Annotated[str, Meta(min_length=1, max_length=500)]
    ttl_s: Annotated[float, Meta(gt=0, le=604_800)] = 1_800.0


class Block(Struct, frozen=True):
    """A gate's no: what it saw, and what would change its mind."""

    gate: str
    saw: str
    change: str


class QuoteUsed(Struct, frozen=True, kw_only=True):
    """A price as it stood when something was decided."""

    bid: Price | None
    ask: Price | None
    last: Price | None
    grade: str
    reasons: tuple[str, ...]
    provider: str | None
    age_ms: float | None


class Decision(Struct, frozen=True, kw_only=True):
    """One decision, whole: what, on which quote, who said so, and what stood in the way."""

    id: int
    """Of its receipt; counts on over restarts."""
    symbol: str
    intent: str
    """`BUY_1X`, `BUY_5X`, `REDUCE`, `HOLD` or `REJECT`."""
    wanted: str
    """What the score, or a stop, alone asked for."""
    fused_score: float
    per_strategy: dict[str, float]
    quote: QuoteUsed
    gates_passed: tuple[str, ...]
    gates_blocked: tuple[Block, ...]
    policy: str
    what_would_change_it: tuple[str, ...]
    decided_ns: int


class Side(Enum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"


class OrderState(Enum):
    """Where an order stands; the last four are final."""

    PENDING = "pending"
    """In the outbox; the broker may not know it yet."""
    SENT = "sent"
    """The broker has it."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def final(self) -> bool:
        """Whether nothing more can happen to it."""
        return self not in (OrderState.PENDING, OrderState.SENT)


class Order(Struct, frozen=True, kw_only=True):
    """What is asked of a broker. `key` is its identity: whoever sees it twice has seen one order."""

    key: str
    """`SYMBOL-decision-YYYYMMDD`: one order for a decision in its day."""
    symbol: str
    decision: int
    day: str
    """The trading day, YYYY-MM-DD, whose end is the order's too."""
    side: Side
    quantity_shares: Shares
    limit_price: Price | None
    """`None`: at the market."""
    intent: str
    cause: str
    created_ns: int
    expires_ns: int
    state: OrderState = OrderState.PENDING
    filled_shares: Shares = 0
    filled_micros: int = 0
    """What the filled shares cost or brought."""
    fills: int = 0
    reserve_price: Price | None = None
    """At what price its open shares count as risk; `None` for an order that reduces it."""
    words: str = ""
    """Why it ended as it did."""

    @property
    def open_shares(self) -> Shares:
        """What may still be filled."""
        return 0 if self.state.final else self.quantity_shares - self.filled_shares

    @property
    def opens_risk(self) -> bool:
        """Whether it opens risk; else it reduces it."""
        return self.reserve_price is not None


class Fill(Struct, frozen=True, kw_only=True):
    """Shares changed hands. (`key`, `number`) is its identity."""

    key: str
    number: int
    """1, 2, … within the order."""
    symbol: str
    side: Side
    shares: Shares
    price: Price
    at_ns: int


class PositionView(Struct, frozen=True, kw_only=True):
    """What is held of one symbol, marked at the newest usable price."""

    symbol: str
    shares: Shares
    average_cost: Price | None
    mark: Price | None
    value_usd: float
    unrealised_usd: float | None
    realised_usd: float
    stop: Price | None
    """At or below this bid everything is sold (short: at or above this ask, bought back)."""


class AccountView(Struct, frozen=True, kw_only=True):
    """`/v1/positions`: the whole account."""

    broker: str
    nav_usd: float
    cash_usd: float
    gross_usd: float
    net_usd: float
    realised_usd: float
    drawdown_day_pct: float
    drawdown_week_pct: float
    orders_today: int
    paused: tuple[str, ...]
    """Why no risk may be opened; empty when it may."""
    positions: tuple[PositionView, ...]


class OrderView(Struct, frozen=True, kw_only=True):
    """`/v1/orders`: one order and its fills."""

    order: Order
    average_price: Price | None
    fills: tuple[Fill, ...]


class QuoteSeen(Struct, frozen=True, kw_only=True):
    """A quote that was there when something was decided."""

    used: bool
    quote: QuoteUsed


class ReceiptView(Struct, frozen=True, kw_only=True):
    """`/v1/receipts/{id}`: a decision with what it rests on."""

    decision: Decision
    quotes: tuple[QuoteSeen, ...]
    """The one that was used first, then those of the other providers."""
    refused: dict[str, int]
    """Quotes of the serving provider that were refused until then, by reason."""
    stage: str
    budget_left_pct: float | None
    held_shares: Shares
    nav_usd: float
    order: str | None
    config_version: str
    rules: int
    identical: bool
    """Whether deciding again on what the receipt holds gives this decision, byte for byte."""
    unmade: bool = False
    """Whether the order was never made: the process ended before it was stored, so no broker got it."""


class WhatIfView(Struct, frozen=True, kw_only=True):
    """`/v1/receipts/{id}/what-if`: the same moment on another provider's quote."""

    active: str
    was: Decision
    would_be: Decision
    unknown: tuple[str, ...] = ()
    """`GATE: …` of gates that `would_be` passed only because the receipt does not say what they ask about."""


class Resumption(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why decisions are resumed; it goes into the log."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]
