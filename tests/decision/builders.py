"""A desk without a board: a test writes only what it is about."""

from datetime import date

from firmquote.decision import (
    Account,
    Advice,
    Book,
    DecisionConfig,
    DecisionEngine,
    Desk,
    EverythingPermitted,
    MarketView,
    PaperBroker,
    PaperPolicy,
    Permission,
    Portfolio,
    Strategy,
    WorkingOrders,
)
from firmquote.model import NS_PER_S, Grade, Graded, Price, Reason
from firmquote.model.trading import MICROS_PER_USD, Fill, Order, Side
from firmquote.testing.clock import NOON_NS

DAY = date(2026, 11, 24)
FIRM = Graded(Grade.FIRM)
LAST_ONLY = Graded(Grade.INDICATIVE, (Reason.LAST_PRICE_ONLY,))
STALE = Graded(Grade.STALE, (Reason.STALE,))
MOCK = Graded(Grade.MOCK, (Reason.SYNTHETIC,))
HALTED = Graded(Grade.INDICATIVE, (Reason.HALTED,))


def view(
    graded: Graded = FIRM,
    *,
    symbol: str = "IBM",
    bid: Price | None = 100.00,
    ask: Price | None = 100.02,
    shares: int = 10_000,
    received_ns: int = NOON_NS,
    provider: str = "polygon",
) -> MarketView:
    last = 100.01 if bid is None else None
    mid = last if bid is None or ask is None else (bid + ask) / 2
    return MarketView(symbol, graded, provider, bid, ask, last, mid, 3.0, received_ns, shares, shares)


def advice(
    score: float,
    *,
    symbol: str = "IBM",
    source: str = "desk",
    confidence: float = 1.0,
    now_ns: int = NOON_NS,
    age_s: float = 0,
    ttl_s: float = 3_600,
) -> Advice:
    as_of_ns = now_ns - int(age_s * NS_PER_S)
    return Advice(
        symbol=symbol, score=score, confidence=confidence, source=source, as_of_ns=as_of_ns, ttl_ms=int(ttl_s * 1_000)
    )


class Permits(EverythingPermitted):
    """What a test wants to be allowed."""

    def __init__(self) -> None:
        self.now = Permission()
        self.hears = True
        self.witnesses = 1

    def permission(self, symbol: str, provider: str | None) -> Permission:
        del symbol, provider
        return self.now

    def listens(self) -> bool:
        return self.hears

    def agreeing(self, view: MarketView, now_ns: int, within_bps: float) -> int:
        del view, now_ns, within_bps
        return self.witnesses


def desk(
    *symbols: str,
    config: DecisionConfig | None = None,
    strategies: tuple[Strategy, ...] = (),
    permits: Permits | None = None,
    cash_usd: float = 100_000,
    others: tuple[MarketView, ...] = (),
) -> Desk:
    config = config or DecisionConfig()
    names = symbols or ("IBM",)
    account = Account(cash_micros=int(cash_usd * MICROS_PER_USD), day=DAY)
    book = Book(Portfolio(account), WorkingOrders(), config.sectors)
    engine = DecisionEngine(names, config, book=book, strategies=strategies, permits=permits or Permits())
    return Desk(engine, PaperBroker(config.paper), next_number=1, witness=lambda _, __: (others, {}), day=DAY)


QUICK = PaperPolicy(latency_ms_min=0, latency_ms_max=0)
"""A paper broker that fills at once."""


def hold(made: Desk, shares: int, *, price: Price = 100.0, symbol: str = "IBM") -> None:
    """Give the desk a position, as if it had been filled."""
    side = Side.BUY if shares > 0 else Side.SELL
    made.book.portfolio.fill(
        Fill(key="before", number=1, symbol=symbol, side=side, shares=abs(shares), price=price, at_ns=NOON_NS)
    )


def store(made: Desk, now_ns: int = NOON_NS) -> list[Order]:
    """Do what the shell does once a batch is on the disk; returns its orders."""
    batch = made.take_batch()
    made.on_stored(batch, now_ns)
    return list(batch.orders)


def turn(made: Desk, seen: MarketView, now_ns: int) -> list[Order]:
    """Show a view, store, and let the broker work: one turn of the shell's loop."""
    made.on_view(seen, now_ns)
    orders = store(made, now_ns)
    made.on_view(seen, now_ns)
    made.on_timer(now_ns)
    return [*orders, *store(made, now_ns)]
