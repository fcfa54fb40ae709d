"""From what the board shows to an intent with its reasons."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.decision import (
    OPENING,
    Advice,
    Contribution,
    DecisionConfig,
    DecisionEngine,
    Gate,
    Intent,
    MarketView,
    Momentum,
    Situation,
    fuse,
)
from firmquote.errors import FirmquoteError
from firmquote.model import NS_PER_S, Grade, Graded, Reason
from firmquote.testing.clock import NOON_NS

FIRM = Graded(Grade.FIRM)
LAST_ONLY = Graded(Grade.INDICATIVE, (Reason.LAST_PRICE_ONLY,))


def view(graded: Graded = FIRM, *, bid: float | None = 100.00, ask: float | None = 100.02) -> MarketView:
    last = 100.01 if bid is None else None
    return MarketView("IBM", graded, "polygon", bid, ask, last, 3.0)


def advice(
    score: float, *, source: str = "desk", confidence: float = 1.0, age_s: float = 0, ttl_s: float = 60
) -> Advice:
    as_of_ns = NOON_NS - int(age_s * NS_PER_S)
    return Advice(
        symbol="IBM", score=score, confidence=confidence, source=source, as_of_ns=as_of_ns, ttl_ms=int(ttl_s * 1_000)
    )


def engine(*advices: Advice, **config: object) -> DecisionEngine:
    made = DecisionEngine(["IBM"], DecisionConfig(**config), strategies=())  # type: ignore[arg-type]  # test's own
    for one in advices:
        made.advise(one)
    return made


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        pytest.param(1.0, Intent.BUY_5X, id="certain"),
        pytest.param(0.77, Intent.BUY_1X, id="just below very positive: tanh 0.77 = 0.647"),
        pytest.param(0.78, Intent.BUY_5X, id="just above: tanh 0.78 = 0.653"),
        pytest.param(0.37, Intent.BUY_1X, id="just above positive: tanh 0.37 = 0.354"),
        pytest.param(0.36, Intent.HOLD, id="just below: tanh 0.36 = 0.345"),
        pytest.param(0.0, Intent.HOLD, id="neutral"),
        pytest.param(-1.0, Intent.HOLD, id="negative without a position"),
    ],
)
def test_the_fused_score_asks_for_an_intent(score: float, expected: Intent) -> None:
    assert expected.value == engine(advice(score)).decide(view(), NOON_NS).intent


def test_a_negative_score_reduces_what_is_held() -> None:
    made = engine(advice(-1.0))
    made.hold_units("IBM", 3)
    assert Intent.REDUCE.value == made.decide(view(), NOON_NS).intent


def test_nothing_is_reduced_on_a_stale_price() -> None:
    made = engine(advice(-1.0))
    made.hold_units("IBM", 3)
    stale = view(Graded(Grade.STALE, (Reason.STALE,)))
    assert Intent.HOLD.value == made.decide(stale, NOON_NS).intent


@pytest.mark.parametrize("block", ["paused", "shadow", "halted", "indicative"])
def test_no_gate_that_limits_risk_stands_in_the_way_of_reducing_it(block: str) -> None:
    made = engine(advice(-1.0), max_spread_bps=0.1)
    made.hold_units("IBM", 9)
    made.paused = block == "paused"
    made.shadow = block == "shadow"
    graded = {"halted": Graded(Grade.INDICATIVE, (Reason.HALTED,)), "indicative": LAST_ONLY}.get(block, FIRM)
    assert Intent.REDUCE.value == made.decide(view(graded), NOON_NS).intent


BLOCKED = [
    pytest.param(Gate.GLOBAL_PAUSE, view(), {"paused": True}, id="paused"),
    pytest.param(Gate.SHADOW_MODE, view(), {"shadow": True}, id="shadow mode"),
    pytest.param(Gate.HALT, view(Graded(Grade.INDICATIVE, (Reason.HALTED,))), {}, id="halted"),
    pytest.param(Gate.GRADE, view(LAST_ONLY), {}, id="indicative"),
    pytest.param(Gate.GRADE, view(Graded(Grade.MOCK, (Reason.SYNTHETIC,))), {}, id="mock"),
    pytest.param(Gate.GRADE, view(Graded(Grade.STALE, (Reason.STALE,))), {}, id="stale"),
    pytest.param(Gate.LIQUIDITY, view(bid=99.84, ask=100.15), {}, id="31 bps wide"),
    pytest.param(Gate.LIQUIDITY, view(bid=None, ask=None), {}, id="no sides"),
    pytest.param(Gate.CAPS, view(), {"units_held": 1, "units_wanted": 5}, id="six units"),
    pytest.param(Gate.COOLDOWN, view(), {"opened_ns": NOON_NS - 59 * NS_PER_S}, id="opened 59 s ago"),
]
PASSED = [
    pytest.param(Gate.LIQUIDITY, view(bid=99.8501, ask=100.15), {}, id="just below 30 bps wide"),
    pytest.param(Gate.CAPS, view(), {"units_held": 0, "units_wanted": 5}, id="five units"),
    pytest.param(Gate.COOLDOWN, view(), {"opened_ns": NOON_NS - 60 * NS_PER_S}, id="opened 60 s ago"),
    pytest.param(Gate.COOLDOWN, view(), {}, id="never opened"),
]


def asked(gate: Gate, market: MarketView, facts: dict[str, object]) -> object:
    situation = Situation(view=market, config=DecisionConfig(), now_ns=NOON_NS, **facts)  # type: ignore[arg-type]  # table
    return dict(OPENING)[gate](situation)


@pytest.mark.parametrize(("gate", "market", "facts"), BLOCKED)
def test_a_gate_blocks_says_what_it_saw_and_what_would_change_it(
    gate: Gate, market: MarketView, facts: dict[str, object]
) -> None:
    block = asked(gate, market, facts)
    assert block is not None
    assert gate.value == block.gate  # type: ignore[attr-defined]  # a Block
    assert block.saw  # type: ignore[attr-defined]  # a Block
    assert block.change  # type: ignore[attr-defined]  # a Block


@pytest.mark.parametrize(("gate", "market", "facts"), PASSED)
def test_a_gate_lets_pass_at_exactly_its_limit(gate: Gate, market: MarketView, facts: dict[str, object]) -> None:
    assert asked(gate, market, facts) is None


def test_a_mock_never_opens_risk_even_for_those_who_accept_indicative_prices() -> None:
    made = engine(advice(1.0), min_grade="indicative")
    assert Intent.REJECT.value == made.decide(view(Graded(Grade.MOCK, (Reason.SYNTHETIC,))), NOON_NS).intent
    assert Intent.BUY_5X.value == made.decide(view(LAST_ONLY, bid=None, ask=None), NOON_NS).intent


def test_a_rejection_names_every_gate_and_what_would_change_it() -> None:
    made = engine(advice(1.0))
    made.shadow = True
    decision = made.decide(view(LAST_ONLY, bid=None, ask=None), NOON_NS)
    assert (Intent.REJECT.value, Intent.BUY_5X.value) == (decision.intent, decision.wanted)
    assert tuple(block.gate for block in decision.gates_blocked) == ("shadow_mode", "grade", "liquidity")
    assert decision.gates_passed == ("global_pause", "halt", "caps", "cooldown")
    assert len(decision.gates_blocked) == len(decision.what_would_change_it)


def test_opening_risk_starts_the_cooldown() -> None:
    made = engine(advice(1.0, ttl_s=600))
    assert Intent.BUY_5X.value == made.decide(view(), NOON_NS).intent
    assert Intent.REJECT.value == made.decide(view(), NOON_NS + NS_PER_S).intent
    assert Intent.BUY_5X.value == made.decide(view(), NOON_NS + 60 * NS_PER_S).intent
    assert [decision.intent for decision in made.changes] == ["BUY_5X", "REJECT", "BUY_5X"]


def test_advice_fades_and_is_forgotten() -> None:
    made = engine(advice(1.0, source="old", age_s=30), advice(-1.0, source="new"))
    decision = made.decide(view(), NOON_NS)
    assert decision.fused_score == pytest.approx(fuse([Contribution("old", 1, 0.5), Contribution("new", -1, 1)]))
    assert made.decide(view(), NOON_NS + 61 * NS_PER_S).per_strategy == {}


def test_advice_on_what_is_not_served_is_refused_with_what_to_do() -> None:
    with pytest.raises(FirmquoteError, match="MSFT: not served here. Add it to live_symbols_allowlist"):
        engine().advise(msgspec.structs.replace(advice(1), symbol="MSFT"))


def test_a_source_beyond_the_limit_is_refused() -> None:
    made = engine(*(advice(0.1, source=f"s{n}") for n in range(64)))
    made.advise(advice(0.2, source="s1"))
    with pytest.raises(FirmquoteError, match="64 sources"):
        made.advise(advice(0.1, source="one more"))


def test_a_decision_is_a_json_document() -> None:
    document = msgspec.json.decode(msgspec.json.encode(engine(advice(0.5)).decide(view(), NOON_NS)))
    assert {"id", "symbol", "intent", "fused_score", "per_strategy", "quote", "gates_passed", "gates_blocked", "policy", "what_would_change_it"} <= set(document)  # fmt: skip
    assert {"bid", "ask", "grade", "provider", "age_ms"} <= set(document["quote"])


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 10)), max_size=8))
def test_a_fused_score_never_exceeds_the_strongest_opinion(opinions: list[tuple[float, float]]) -> None:
    score = fuse([Contribution(f"s{i}", s, w) for i, (s, w) in enumerate(opinions)])
    assert -1 < score < 1
    assert abs(score) <= max((abs(s) for s, _ in opinions), default=0)


@given(
    st.sampled_from(Grade),
    st.floats(-1, 1),
    st.integers(0, 6),
    st.booleans(),
    st.booleans(),
    st.floats(0.0001, 0.02),
)
def test_no_intent_opens_risk_while_any_gate_blocks(
    level: Grade, score: float, held: int, paused: bool, shadow: bool, half_spread: float
) -> None:
    made = engine(advice(score))
    made.hold_units("IBM", held)
    made.paused, made.shadow = paused, shadow
    graded = Graded(level, () if level is Grade.FIRM else (Reason.STALE,))
    decision = made.decide(view(graded, bid=100 * (1 - half_spread), ask=100 * (1 + half_spread)), NOON_NS)
    if decision.intent in (Intent.BUY_1X.value, Intent.BUY_5X.value):
        assert decision.gates_blocked == ()
        assert level is Grade.FIRM
        assert not paused
        assert not shadow


def test_momentum_is_silent_until_warm_and_then_follows_the_mid() -> None:
    momentum = Momentum(half_life_s=10, warmup_quotes=3, scale_bps=10)
    opinions = []
    for second in range(5):
        rising = view(bid=100 + second * 0.05, ask=100.02 + second * 0.05)
        opinions.append(momentum.on_view(rising, NOON_NS + second * NS_PER_S))
    assert opinions[:2] == [None, None]
    assert all(opinion is not None and 0 < opinion.score < 1 for opinion in opinions[2:])


def test_momentum_learns_nothing_from_the_mock() -> None:
    momentum = Momentum(half_life_s=10, warmup_quotes=2, scale_bps=10)
    mock = view(Graded(Grade.MOCK, (Reason.SYNTHETIC,)))
    assert [momentum.on_view(mock, NOON_NS + n) for n in range(5)] == [None] * 5


@pytest.mark.parametrize(
    ("config", "words"),
    [({"min_grade": "stale"}, "write firm or indicative"), ({"positive": 0.7}, "must be below very_positive")],
)
def test_a_configuration_that_cannot_be_meant_is_refused(config: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DecisionConfig(**config)  # type: ignore[arg-type]  # the table's own
