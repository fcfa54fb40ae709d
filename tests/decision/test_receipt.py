"""What-if: another provider's quote of the moment, with what was true of that provider, and no more."""

import msgspec
from msgspec.structs import replace
from tests.decision.builders import LAST_ONLY, MOCK, Permits, advice, desk, view

from firmquote.decision import CorroborationPolicy, DecisionConfig, MarketView, Permission, Receipt, identical, what_if
from firmquote.model import NS_PER_S, Price
from firmquote.model.trading import WhatIfView
from firmquote.testing.clock import NOON_NS

LAST_PRICE = DecisionConfig(min_grade="indicative")


class Budgets(Permits):
    """Every provider has its own."""

    def __init__(self, **left_pct: float) -> None:
        super().__init__()
        self._left_pct = left_pct

    def permission(self, symbol: str, provider: str | None) -> Permission:
        del symbol
        return Permission(budget_left_pct=self._left_pct.get(provider or ""))


def receipt_of(served: MarketView, *others: MarketView, permits: Permits | None = None) -> Receipt:
    made = desk(config=LAST_PRICE, permits=permits, others=others)
    made.engine.advise(advice(1.0))
    made.on_view(served, NOON_NS)
    (receipt,) = made.take_batch().receipts
    return receipt


def last_of(mid: Price, *, provider: str = "alphavantage") -> MarketView:
    return replace(view(LAST_ONLY, bid=None, ask=None, provider=provider), last=mid, mid=mid)


def gates(found: WhatIfView) -> dict[str, str]:
    return {block.gate: block.saw for block in found.would_be.gates_blocked}


USED_UP = Budgets(alphavantage=0.0, polygon=90.0)


def test_another_provider_is_judged_by_its_own_budget() -> None:
    receipt = receipt_of(last_of(100.01), view(), permits=USED_UP)
    assert receipt.decision.intent == "REJECT"
    found = what_if(receipt, LAST_PRICE, active="polygon")
    assert (found.would_be.intent, gates(found)) == ("BUY_5X", {})
    back = what_if(receipt_of(view(), last_of(100.01), permits=USED_UP), LAST_PRICE, active="alphavantage")
    assert gates(back)["budget"] == "0 % of alphavantage's request budget left"


def test_what_is_not_recorded_is_said_and_not_taken_from_the_provider_that_served() -> None:
    receipt = receipt_of(replace(last_of(100.01), received_ns=NOON_NS), view(), permits=USED_UP)
    found = what_if(replace(receipt, permissions=()), LAST_PRICE, active="polygon")
    assert found.would_be.intent == "BUY_5X"
    assert found.unknown == (
        "frozen: how long polygon's prices had stood still is not recorded",
        "budget: how much of polygon's request budget was left was not recorded then",
    )


def test_a_receipt_of_before_permissions_were_recorded_is_read_and_decided_alike() -> None:
    receipt = receipt_of(last_of(100.01), view(), permits=USED_UP)
    fields = msgspec.to_builtins(receipt)
    del fields["permissions"]
    old = msgspec.json.decode(msgspec.json.encode(fields), type=Receipt)
    assert old == replace(receipt, permissions=())
    assert identical(old, LAST_PRICE)


def test_a_gate_that_blocks_anyway_or_was_not_asked_is_not_told_as_unknown() -> None:
    still = view(received_ns=NOON_NS - 121 * NS_PER_S)
    found = what_if(receipt_of(last_of(100.01), still), LAST_PRICE, active="polygon")
    assert gates(found) == {"frozen": "the same prices for 121 s"}
    assert found.unknown == ()


def moved(mids: tuple[Price, Price], *others: MarketView) -> Receipt:
    """Return the receipt of the second of two prices that were shown one after the other."""
    made = desk(config=LAST_PRICE, others=others)
    made.on_view(last_of(mids[0]), NOON_NS)
    made.engine.advise(advice(1.0))
    made.on_view(last_of(mids[1]), NOON_NS + 2 * NS_PER_S)
    return made.take_batch().receipts[-1]


def test_how_far_the_price_moved_and_who_agrees_is_asked_of_the_other_quote() -> None:
    receipt = moved((100.0, 105.0), view(bid=99.99, ask=100.01))
    assert [block.gate for block in receipt.decision.gates_blocked] == ["corroboration"]
    assert "corroboration" not in gates(what_if(receipt, LAST_PRICE, active="polygon"))
    receipt = moved((100.0, 100.0), view(bid=104.99, ask=105.01), last_of(100.0, provider="mock"))
    assert receipt.decision.intent == "BUY_5X"
    found = what_if(receipt, LAST_PRICE, active="polygon")
    assert gates(found)["corroboration"] == "a move of +500 bps that 1 provider shows"
    receipt = moved((100.0, 100.0), view(bid=104.99, ask=105.01), last_of(105.1, provider="alpaca"))
    assert "corroboration" not in gates(what_if(receipt, LAST_PRICE, active="polygon"))


def test_a_made_up_price_neither_agrees_nor_is_what_a_move_is_measured_against() -> None:
    mock = replace(last_of(105.0, provider="mock"), graded=MOCK)
    receipt = moved((100.0, 100.0), view(bid=104.99, ask=105.01), mock)
    assert "corroboration" in gates(what_if(receipt, LAST_PRICE, active="polygon"))
    found = what_if(receipt_of(mock, view()), LAST_PRICE, active="polygon")
    assert found.would_be.intent == "BUY_5X"
    assert "corroboration: nothing was shown that the price could have moved away from" in found.unknown


def test_how_near_providers_must_be_is_what_the_rules_of_the_receipt_say() -> None:
    receipt = moved((100.0, 100.0), view(bid=104.99, ask=105.01), last_of(105.1, provider="alpaca"))
    strict = replace(LAST_PRICE, corroboration=CorroborationPolicy(agree_bps=5))
    assert "corroboration" in gates(what_if(receipt, strict, active="polygon"))
