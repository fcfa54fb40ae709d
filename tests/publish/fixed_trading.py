"""A trading desk that always says the same, and remembers what it was told."""

from collections.abc import Sequence

from firmquote.errors import FirmquoteError, UnknownSymbolError
from firmquote.model.safety import Caller
from firmquote.model.trading import (
    AccountView,
    AdviceInput,
    Decision,
    NewsInput,
    Order,
    OrderView,
    QuoteSeen,
    QuoteUsed,
    ReceiptView,
    Side,
    WhatIfView,
)

QUOTE = QuoteUsed(bid=1.0, ask=1.1, last=None, grade="firm", reasons=(), provider="a", age_ms=0.5)
DECISION = Decision(
    id=3, symbol="IBM", intent="BUY_1X", wanted="BUY_1X", fused_score=0.5, per_strategy={"desk": 0.5}, quote=QUOTE,
    gates_passed=("halt",), gates_blocked=(), policy="buy from 0.35", what_would_change_it=("time",), decided_ns=5,
)  # fmt: skip
ORDER = Order(
    key="IBM-3-20261124", symbol="IBM", decision=3, day="2026-11-24", side=Side.BUY, quantity_shares=9,
    limit_price=1.2, intent="BUY_1X", cause="score +0.50", created_ns=5, expires_ns=6,
)  # fmt: skip


class FixedTrading:
    def __init__(self) -> None:
        self.advice: list[AdviceInput] = []
        self.news: list[NewsInput] = []
        self.reasons: list[str] = []

    def account(self) -> AccountView:
        return AccountView(
            broker="paper", nav_usd=1.0, cash_usd=1.0, gross_usd=0.0, net_usd=0.0, realised_usd=0.0,
            drawdown_day_pct=0.0, drawdown_week_pct=0.0, orders_today=0, paused=(), positions=(),
        )  # fmt: skip

    def orders(self, symbol: str | None) -> Sequence[OrderView]:
        return [OrderView(order=ORDER, average_price=None, fills=())] if symbol in (None, "IBM") else []

    def receipts(self, symbol: str | None, limit: int) -> Sequence[Decision]:
        return [DECISION][:limit] if symbol in (None, "IBM") else []

    async def receipt(self, number: int) -> ReceiptView:
        if number != DECISION.id:
            raise FirmquoteError(f"decision {number}: there is no receipt of it.")
        return ReceiptView(
            decision=DECISION, quotes=(QuoteSeen(used=True, quote=QUOTE),), refused={}, stage="full",
            budget_left_pct=None, held_shares=0, nav_usd=1.0, order=ORDER.key, config_version="c", rules=1, identical=True,
        )  # fmt: skip

    async def what_if(self, number: int, active: str) -> WhatIfView:
        await self.receipt(number)
        return WhatIfView(active=active, was=DECISION, would_be=DECISION)

    def advise(self, advice: AdviceInput) -> None:
        if advice.symbol != "IBM":
            raise UnknownSymbolError(f"{advice.symbol}: not served here.")
        self.advice.append(advice)

    def flag(self, news: NewsInput) -> None:
        self.news.append(news)

    def resume(self, reason: str, caller: Caller) -> Sequence[str]:
        self.reasons.append(f"{caller.who}: {reason}")
        return ["2.10 % lost of the day's best"]
