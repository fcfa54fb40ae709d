"""Each gate at its boundary: it blocks beyond the limit, passes at exactly the limit, and says what it saw."""

import pytest
from tests.decision.builders import FIRM, HALTED, LAST_ONLY, MOCK, STALE, view

from firmquote.decision import OPENING, DecisionConfig, Exposure, Gate, Held, MarketView, Permission, Situation
from firmquote.model import NS_PER_S, Grade, Graded, Reason, Session
from firmquote.model.trading import Block
from firmquote.testing.clock import NOON_NS

CONFIG = DecisionConfig(sectors={"IBM": "technology"}, min_budget_left_pct=5)
BEFORE = NOON_NS - NS_PER_S
BLOCKED = [
    pytest.param(Gate.GLOBAL_PAUSE, {"paused": ("an operator",)}, 1, id="paused"),
    pytest.param(Gate.KILL_SWITCH, {"permission": Permission(switch="switch all is engaged", may_reduce=False)}, 1, id="kill switch"),
    pytest.param(Gate.KILL_SWITCH, {"permission": Permission(switch="only reducing is allowed")}, 1, id="reduce only"),
    pytest.param(Gate.ROLLOUT_STAGE, {"permission": Permission(stage="shadow", acts=False)}, 1, id="stage shadow"),
    pytest.param(Gate.HALT, {"view": view(HALTED)}, 1, id="halted"),
    pytest.param(Gate.SESSION, {"session": Session.PRE}, 1, id="before the open"),
    pytest.param(Gate.SESSION, {"session": Session.AFTER}, 1, id="after the close"),
    pytest.param(Gate.SESSION, {"session": Session.CLOSED}, 1, id="at night"),
    pytest.param(Gate.GRADE, {"view": view(LAST_ONLY)}, 1, id="indicative"),
    pytest.param(Gate.GRADE, {"view": view(MOCK)}, 1, id="mock"),
    pytest.param(Gate.GRADE, {"view": view(STALE)}, 1, id="stale"),
    pytest.param(Gate.GRADE, {"view": view(Graded(Grade.NONE, (Reason.NO_QUOTE,)))}, 1, id="no quote"),
    pytest.param(Gate.LIQUIDITY, {"view": view(bid=99.84, ask=100.15)}, 1, id="31 bps wide"),
    pytest.param(Gate.LIQUIDITY, {"view": view(bid=None, ask=None)}, 1, id="no sides"),
    pytest.param(Gate.FROZEN, {"changed_ns": NOON_NS - 120 * NS_PER_S - 1}, 1, id="a nanosecond over 120 s still"),
    pytest.param(Gate.CAPS, {"exposure": Exposure(symbol_usd=9_000.01)}, 1, id="a cent over the symbol's cap"),
    pytest.param(Gate.CAPS, {"exposure": Exposure(symbol_usd=5_000.01)}, 5, id="likewise with five units"),
    pytest.param(Gate.CAPS, {"exposure": Exposure(gross_usd=49_000.01)}, 1, id="a cent over gross"),
    pytest.param(Gate.CAPS, {"exposure": Exposure(net_usd=49_000.01)}, 1, id="a cent over net"),
    pytest.param(Gate.CAPS, {"exposure": Exposure(orders_today=500)}, 1, id="500 orders today"),
    pytest.param(Gate.CAPS, {"view": view(bid=1_000.0, ask=1_000.1)}, 1, id="a share above the unit"),
    pytest.param(Gate.COOLDOWN, {"opened_ns": NOON_NS - 60 * NS_PER_S + 1}, 1, id="a nanosecond short of 60 s"),
    pytest.param(Gate.COOLDOWN, {"held": Held(shares=5, selling_shares=5)}, 1, id="a sale is working"),
    pytest.param(Gate.COOLDOWN_STOP, {"stopped_ns": NOON_NS - 900 * NS_PER_S + 1}, 1, id="a nanosecond short of 900 s"),
    pytest.param(Gate.SECTOR_LIMIT, {"exposure": Exposure(sector_usd=24_000.01)}, 1, id="a cent over the sector's"),
    pytest.param(Gate.SECTOR_LIMIT, {"view": view(symbol="F"), "exposure": Exposure(sector_usd=24_000.01)}, 1, id="a cent over, without a sector"),
    pytest.param(Gate.DRAWDOWN, {"exposure": Exposure(drawdown_day_pct=2.0)}, 1, id="2 % of the day's best lost"),
    pytest.param(Gate.DRAWDOWN, {"exposure": Exposure(drawdown_week_pct=4.0)}, 1, id="4 % of the week's best lost"),
    pytest.param(Gate.CORROBORATION, {"move_bps": 300.0, "agreeing": 1}, 1, id="300 bps up, one provider"),
    pytest.param(Gate.CORROBORATION, {"move_bps": -300.0, "agreeing": 1}, 1, id="300 bps down, one provider"),
    pytest.param(Gate.EARNINGS_EMBARGO, {"earnings": "earnings after the session of 2026-11-24"}, 1, id="earnings"),
    pytest.param(Gate.NEWS, {"news": "a lawsuit"}, 1, id="news"),
    pytest.param(Gate.BUDGET, {"permission": Permission(budget_left_pct=5.0)}, 1, id="5 % of the budget left"),
]  # fmt: skip
PASSED = [
    pytest.param(Gate.GLOBAL_PAUSE, {}, 1, id="nobody paused"),
    pytest.param(Gate.KILL_SWITCH, {}, 1, id="no switch"),
    pytest.param(Gate.ROLLOUT_STAGE, {"permission": Permission(stage="canary")}, 1, id="a canary in canary"),
    pytest.param(Gate.HALT, {"view": view(LAST_ONLY)}, 1, id="not halted"),
    pytest.param(Gate.SESSION, {"session": Session.REGULAR}, 1, id="regular session"),
    pytest.param(Gate.GRADE, {"view": view(FIRM)}, 1, id="firm"),
    pytest.param(Gate.LIQUIDITY, {"view": view(bid=99.8501, ask=100.15)}, 1, id="just below 30 bps wide"),
    pytest.param(Gate.LIQUIDITY, {"view": view(bid=100.0, ask=100.0)}, 1, id="locked"),
    pytest.param(Gate.FROZEN, {"changed_ns": NOON_NS - 120 * NS_PER_S}, 1, id="exactly 120 s still"),
    pytest.param(Gate.CAPS, {"exposure": Exposure(symbol_usd=9_000, gross_usd=49_000, net_usd=49_000)}, 1, id="exactly at the caps"),
    pytest.param(Gate.CAPS, {"exposure": Exposure(symbol_usd=5_000)}, 5, id="five units, exactly at the cap"),
    pytest.param(Gate.CAPS, {"exposure": Exposure(orders_today=499)}, 1, id="the 500th order"),
    pytest.param(Gate.CAPS, {"view": view(bid=989.0, ask=990.0)}, 1, id="one share for one unit"),
    pytest.param(Gate.COOLDOWN, {"opened_ns": NOON_NS - 60 * NS_PER_S}, 1, id="opened exactly 60 s ago"),
    pytest.param(Gate.COOLDOWN, {}, 1, id="never opened"),
    pytest.param(Gate.COOLDOWN_STOP, {"stopped_ns": NOON_NS - 900 * NS_PER_S}, 1, id="stopped exactly 900 s ago"),
    pytest.param(Gate.SECTOR_LIMIT, {"exposure": Exposure(sector_usd=24_000)}, 1, id="exactly the sector's limit"),
    pytest.param(Gate.SECTOR_LIMIT, {"view": view(symbol="F"), "exposure": Exposure(sector_usd=24_000)}, 1, id="a symbol without a sector"),
    pytest.param(Gate.DRAWDOWN, {"exposure": Exposure(drawdown_day_pct=1.99, drawdown_week_pct=3.99)}, 1, id="just above the limits"),
    pytest.param(Gate.CORROBORATION, {"move_bps": 299.9, "agreeing": 1}, 1, id="just below a big move"),
    pytest.param(Gate.CORROBORATION, {"move_bps": 300.0, "agreeing": 2}, 1, id="a big move, two providers"),
    pytest.param(Gate.EARNINGS_EMBARGO, {}, 1, id="no earnings"),
    pytest.param(Gate.NEWS, {}, 1, id="no news"),
    pytest.param(Gate.BUDGET, {"permission": Permission(budget_left_pct=5.01)}, 1, id="just above 5 % left"),
    pytest.param(Gate.BUDGET, {"permission": Permission(budget_left_pct=None)}, 1, id="no budget"),
]  # fmt: skip


def asked(gate: Gate, facts: dict[str, object], units: int, config: DecisionConfig = CONFIG) -> Block | None:
    market = facts.get("view", view())
    assert isinstance(market, MarketView)
    rest = {name: fact for name, fact in facts.items() if name != "view"}
    situation = Situation(view=market, now_ns=NOON_NS, **rest)  # type: ignore[arg-type]  # the table's own
    return dict(OPENING)[gate](situation, config, units)


@pytest.mark.parametrize(("gate", "facts", "units"), BLOCKED)
def test_a_gate_blocks_says_what_it_saw_and_what_would_change_it(
    gate: Gate, facts: dict[str, object], units: int
) -> None:
    block = asked(gate, facts, units)
    assert block is not None
    assert gate.value == block.gate
    assert block.saw
    assert block.change


@pytest.mark.parametrize(("gate", "facts", "units"), PASSED)
def test_a_gate_lets_pass_at_exactly_its_limit(gate: Gate, facts: dict[str, object], units: int) -> None:
    assert asked(gate, facts, units) is None


def test_every_gate_is_in_both_tables_and_asked_once_in_the_order_of_their_names() -> None:
    for table in (BLOCKED, PASSED):
        assert {case.values[0] for case in table} == set(Gate)
    assert tuple(gate for gate, _ in OPENING) == tuple(Gate)


def test_those_who_accept_indicative_prices_need_neither_two_sides_nor_a_firm_quote() -> None:
    config = DecisionConfig(min_grade="indicative")
    facts: dict[str, object] = {"view": view(LAST_ONLY, bid=None, ask=None)}
    assert asked(Gate.GRADE, facts, 1, config) is None
    assert asked(Gate.LIQUIDITY, facts, 1, config) is None
    assert asked(Gate.GRADE, {"view": view(MOCK)}, 1, config) is not None


def test_the_sentence_of_a_block_has_the_numbers() -> None:
    assert asked(Gate.CAPS, {"exposure": Exposure(symbol_usd=9_500)}, 1) == Block(
        "caps", "IBM: 9,500 dollars and 1,000 more", "at most 10,000 dollars IBM"
    )
    assert asked(Gate.COOLDOWN, {"opened_ns": NOON_NS - 20 * NS_PER_S}, 1) == Block(
        "cooldown", "opened 20 s ago", "40 s more"
    )
