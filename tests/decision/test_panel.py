"""What a strategy does wrong costs its own opinion and no more."""

from math import inf, nan

import msgspec
import pytest
from tests.decision.builders import advice, desk, hold, store, view

from firmquote.decision import Contribution, MarketView, Panel, Receipt
from firmquote.errors import HotpathViolation
from firmquote.model import NS_PER_S
from firmquote.testing.clock import NOON_NS


class Says:
    """A strategy that says what it is given, or raises it."""

    def __init__(self, said: object, name: str = "others") -> None:
        self.name = name
        self.said = said

    def on_view(self, view: MarketView, now_ns: int) -> Contribution | None:
        del view, now_ns
        if isinstance(self.said, Exception):
            raise self.said
        return self.said  # type: ignore[return-value]  # that is what a plug-in may get wrong

    def forget(self, symbol: str) -> None:
        raise KeyError(symbol)


GOOD = Contribution("good", -1.0, 1.0)
NO_OPINIONS = [
    pytest.param(ZeroDivisionError("division by zero"), id="raises"),
    pytest.param(Contribution("others", nan, 1.0), id="no number"),
    pytest.param(Contribution("others", inf, 1.0), id="infinite"),
    pytest.param(Contribution("others", 1.000001, 1.0), id="surer than sure"),
    pytest.param(Contribution("others", -1.000001, 1.0), id="surer than sure, against"),
    pytest.param(Contribution("others", 0.5, -0.1), id="a negative weight"),
    pytest.param(Contribution("others", 0.5, nan), id="a weight that is no number"),
    pytest.param(Contribution("others", 0.5, inf), id="an infinite weight"),
    pytest.param(Contribution("others", 0.5, 1_001.0), id="a weight beyond the limit"),
    pytest.param(("others", 0.5, 1.0), id="a tuple"),
    pytest.param(Contribution("others", "much", 1.0), id="words"),  # type: ignore[arg-type]  # as above
]


@pytest.mark.parametrize("said", NO_OPINIONS)
def test_what_is_no_opinion_is_dropped_counted_and_told_of_once(said: object) -> None:
    panel = Panel([Says(said), Says(GOOD, "good")])
    assert [panel.opinions(view(), NOON_NS) for _ in range(3)] == [[GOOD]] * 3
    assert panel.faults == {"others": 3, "good": 0}
    ((name, words),) = panel.take_untold()
    assert name == "others"
    assert words
    panel.opinions(view(), NOON_NS)
    assert panel.take_untold() == []


@pytest.mark.parametrize("said", NO_OPINIONS)
def test_it_neither_hides_what_others_say_nor_spoils_the_receipt(said: object) -> None:
    made = desk(strategies=(Says(said),))
    hold(made, 30)
    made.engine.advise(advice(-1.0))
    made.on_view(view(), NOON_NS)
    batch = made.take_batch()
    (receipt,) = batch.receipts
    assert receipt.decision.intent == "REDUCE"
    assert msgspec.json.decode(msgspec.json.encode(receipt), type=Receipt) == receipt


def test_a_strategy_that_raises_keeps_neither_a_stop_nor_the_next_symbol_from_its_order() -> None:
    made = desk("IBM", "BAC", strategies=(Says(RuntimeError("a defect")),))
    hold(made, 30)
    hold(made, 30, symbol="BAC")
    for symbol in ("IBM", "BAC"):
        made.on_view(view(symbol=symbol, bid=90.0, ask=90.02), NOON_NS)
    assert [order.symbol for order in store(made)] == ["IBM", "BAC"]


def test_a_live_call_is_not_the_panels_to_forgive() -> None:
    panel = Panel([Says(HotpathViolation("socket.connect"))])
    with pytest.raises(HotpathViolation):
        panel.opinions(view(), NOON_NS)
    assert panel.faults == {"others": 0}


def test_numbers_of_other_kinds_are_kept_as_plain_ones() -> None:
    class Float(float):
        """As numpy has them: JSON cannot say it."""

    (kept,) = Panel([Says(Contribution("others", Float(0.5), 1))]).opinions(view(), NOON_NS + NS_PER_S)
    assert (type(kept.score), type(kept.weight)) == (float, float)
    assert kept == Contribution("others", 0.5, 1.0)


def test_a_strategy_that_cannot_forget_is_fenced_too() -> None:
    panel = Panel([Says(None)])
    panel.forget("IBM")
    assert panel.faults == {"others": 1}
    assert panel.take_untold() == [("others", "KeyError: 'IBM'")]
