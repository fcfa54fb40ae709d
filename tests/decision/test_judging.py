"""From a situation to a verdict and its document."""

from itertools import pairwise
from math import tanh

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decision.builders import FIRM, HALTED, LAST_ONLY, MOCK, STALE, advice, desk, hold, view

from firmquote.decision import (
    Contribution,
    DecisionConfig,
    Held,
    Intent,
    MeanReversionConfig,
    MomentumConfig,
    Permission,
    Situation,
    StopPolicy,
    document,
    fuse,
    judge,
    stop_price,
)
from firmquote.errors import FirmquoteError
from firmquote.model import NS_PER_S, Grade, Graded, Reason, Session
from firmquote.testing.clock import NOON_NS

CONFIG = DecisionConfig()
HELD = Held(shares=30, average_cost=100.0, best=100.0)


def decided(score: float, held: Held = Held(), graded: Graded = FIRM, **facts: object) -> Intent:  # noqa: B008 - frozen
    situation = Situation(view=view(graded), now_ns=NOON_NS, score=score, held=held, **facts)  # type: ignore[arg-type]  # test's own
    return judge(situation, CONFIG).intent


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        pytest.param(1.0, Intent.BUY_5X, id="certain"),
        pytest.param(0.65, Intent.BUY_5X, id="exactly very positive"),
        pytest.param(0.6499, Intent.BUY_1X, id="just below very positive"),
        pytest.param(0.35, Intent.BUY_1X, id="exactly positive"),
        pytest.param(0.3499, Intent.HOLD, id="just below positive"),
        pytest.param(0.0, Intent.HOLD, id="neutral"),
        pytest.param(-1.0, Intent.HOLD, id="negative without a position"),
    ],
)
def test_the_score_asks_for_an_intent(score: float, expected: Intent) -> None:
    assert expected is decided(score)


@pytest.mark.parametrize(
    ("score", "shares", "expected"),
    [
        pytest.param(-0.35, 30, Intent.REDUCE, id="exactly negative, long"),
        pytest.param(-0.3499, 30, Intent.HOLD, id="just above negative, long"),
        pytest.param(0.35, -30, Intent.REDUCE, id="positive, short: buy back"),
        pytest.param(-0.35, -30, Intent.HOLD, id="negative, short: as wanted"),
    ],
)
def test_a_score_against_the_position_reduces_it(score: float, shares: int, expected: Intent) -> None:
    assert expected is decided(score, Held(shares=shares))


def test_nothing_is_reduced_without_a_usable_price() -> None:
    for graded in (STALE, MOCK, Graded(Grade.NONE, (Reason.NO_QUOTE,))):
        assert Intent.HOLD is decided(-1, HELD, graded)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"paused": ("a loss",)}, id="paused"),
        pytest.param({"permission": Permission(switch="only reducing is allowed")}, id="reduce only"),
        pytest.param({"permission": Permission(stage="shadow", acts=False)}, id="stage"),
        pytest.param({"permission": Permission(budget_left_pct=0.0)}, id="budget"),
        pytest.param({"session": Session.AFTER}, id="after hours"),
        pytest.param({"earnings": "tonight", "news": "a lawsuit"}, id="earnings and news"),
        pytest.param({"opened_ns": NOON_NS, "stopped_ns": NOON_NS}, id="cooldowns"),
        pytest.param({"changed_ns": 0, "move_bps": 5_000.0}, id="frozen, and a big move"),
    ],
)
def test_no_gate_that_limits_risk_stands_in_the_way_of_reducing_it(facts: dict[str, object]) -> None:
    for graded in (FIRM, LAST_ONLY, HALTED):
        assert Intent.REDUCE is decided(-1, HELD, graded, **facts)


def test_a_kill_switch_stops_even_what_reduces() -> None:
    permission = Permission(switch="switch decisions is engaged", may_reduce=False)
    verdict = judge(Situation(view=view(), now_ns=NOON_NS, score=-1, held=HELD, permission=permission), CONFIG)
    assert (verdict.intent, verdict.wanted) == (Intent.HOLD, Intent.REDUCE)
    assert verdict.blocked[0].saw == "switch decisions is engaged"


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param(Held(shares=30, average_cost=100.0, best=100.0), 98.0, id="fixed: 200 bps below cost"),
        pytest.param(Held(shares=30, average_cost=100.0, best=110.0), 106.7, id="trailing: 300 bps below the best"),
        pytest.param(Held(shares=-30, average_cost=100.0, best=100.0), 102.0, id="short: above cost"),
        pytest.param(Held(shares=-30, average_cost=100.0, best=90.0), 92.7, id="short, trailing"),
        pytest.param(Held(), None, id="nothing held"),
    ],
)
def test_the_nearest_stop_counts(held: Held, expected: float | None) -> None:
    assert (None if expected is None else pytest.approx(expected)) == stop_price(held, StopPolicy())


def test_a_stop_can_be_switched_off() -> None:
    held = Held(shares=30, average_cost=100.0, best=110.0)
    assert stop_price(held, StopPolicy(trailing_bps=None)) == pytest.approx(98)
    assert stop_price(held, StopPolicy(trailing_bps=None, fixed_bps=None)) is None


@pytest.mark.parametrize(("bid", "expected"), [(98.00, Intent.REDUCE), (98.01, Intent.HOLD)])
def test_a_stop_is_hit_at_exactly_its_price_whatever_the_score_says(bid: float, expected: Intent) -> None:
    situation = Situation(view=view(bid=bid, ask=bid + 0.01), now_ns=NOON_NS, score=0.3, held=HELD)
    verdict = judge(situation, CONFIG)
    assert expected is verdict.intent
    assert (verdict.stop is not None) is (expected is Intent.REDUCE)


def test_a_stale_price_hits_no_stop() -> None:
    situation = Situation(view=view(STALE, bid=50.0, ask=50.1), now_ns=NOON_NS, score=0.3, held=HELD)
    assert judge(situation, CONFIG).stop is None


def test_a_rejection_names_every_gate_in_order_and_what_would_change_it() -> None:
    situation = Situation(
        view=view(LAST_ONLY, bid=None, ask=None),
        now_ns=NOON_NS,
        score=0.9,
        permission=Permission(acts=False, stage="shadow"),
    )
    verdict = judge(situation, CONFIG)
    decision = document(7, situation, verdict, CONFIG)
    assert (decision.intent, decision.wanted, decision.id) == ("REJECT", "BUY_5X", 7)
    assert tuple(block.gate for block in decision.gates_blocked) == ("rollout_stage", "grade", "liquidity")
    assert len(decision.what_would_change_it) == 3
    assert len(decision.gates_passed) == 14


def test_a_decision_is_a_json_document_with_the_names_of_the_contract() -> None:
    made = desk()
    made.engine.advise(advice(0.5))
    made.on_view(view(), NOON_NS)
    document = msgspec.json.decode(msgspec.json.encode(made.engine.current("IBM")))
    assert {"id", "symbol", "intent", "fused_score", "per_strategy", "quote", "gates_passed", "gates_blocked", "policy", "what_would_change_it"} <= set(document)  # fmt: skip
    assert {"bid", "ask", "grade", "provider", "age_ms"} <= set(document["quote"])


def test_every_kind_of_decision_says_what_would_change_it() -> None:
    for score, held in ((0.9, Held()), (0.4, Held()), (0.0, Held()), (0.0, HELD), (-0.9, HELD)):
        situation = Situation(view=view(), now_ns=NOON_NS, score=score, held=held)
        decision = document(1, situation, judge(situation, CONFIG), CONFIG)
        assert decision.what_would_change_it, decision.intent
        assert decision.policy


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 10)), max_size=8))
def test_a_fused_score_never_exceeds_the_strongest_opinion(opinions: list[tuple[float, float]]) -> None:
    score = fuse([Contribution(f"s{i}", s, w) for i, (s, w) in enumerate(opinions)])
    assert -1 < score < 1
    assert abs(score) <= max((abs(s) for s, _ in opinions), default=0) + 1e-12


OPINIONS = st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 10)), max_size=8)


def fused(*opinions: tuple[float, float]) -> float:
    return fuse([Contribution(f"s{i}", score, weight) for i, (score, weight) in enumerate(opinions)])


@given(st.floats(-1, 1), st.lists(st.floats(0, 20), min_size=2, max_size=8))
def test_alone_who_is_surer_moves_more_and_nobody_more_than_the_certain(score: float, weights: list[float]) -> None:
    sizes = [abs(fused((score, weight))) for weight in sorted(weights)]
    assert all(less <= more + 1e-12 for less, more in pairwise(sizes))
    assert all(size <= tanh(abs(score)) + 1e-12 for size in sizes)


@given(OPINIONS, st.floats(0, 10), st.floats(0, 10))
def test_among_others_too_who_says_buy_loses_nothing_by_being_surer(
    others: list[tuple[float, float]], one: float, two: float
) -> None:
    less, more = sorted((one, two))
    assert fused(*others, (1.0, less)) <= fused(*others, (1.0, more)) + 1e-12


@given(OPINIONS)
def test_what_all_say_together_is_no_more_than_their_weight(opinions: list[tuple[float, float]]) -> None:
    assert abs(fused(*opinions)) <= tanh(sum(weight * abs(score) for score, weight in opinions)) + 1e-12


@given(st.permutations([(1.0, 0.2), (-0.5, 3.0), (0.7, 0.01), (0.0, 1.0)]))
def test_it_does_not_matter_who_speaks_first(opinions: list[tuple[float, float]]) -> None:
    assert fused(*opinions) == pytest.approx(fused(*sorted(opinions)))


@given(OPINIONS, st.floats(-1, 1))
def test_who_has_no_weight_is_not_heard(opinions: list[tuple[float, float]], score: float) -> None:
    assert fused(*opinions, (score, 0.0)) == fused(*opinions)


@pytest.mark.parametrize(
    ("confidence", "age_s", "wanted"),
    [
        pytest.param(1.0, 0, "BUY_5X", id="certain and new"),
        pytest.param(0.5, 0, "BUY_1X", id="half sure"),
        pytest.param(1.0, 1_800, "BUY_1X", id="half of its time over"),
        pytest.param(0.01, 0, "HOLD", id="hardly sure"),
        pytest.param(1.0, 3_590, "HOLD", id="about to be forgotten"),
    ],
)
def test_one_source_alone_counts_as_much_as_it_is_sure_and_fresh(confidence: float, age_s: float, wanted: str) -> None:
    made = desk()
    made.engine.advise(advice(1.0, confidence=confidence, age_s=age_s, ttl_s=3_600))
    made.on_view(view(), NOON_NS)
    decision = made.engine.current("IBM")
    assert decision is not None
    assert decision.wanted == wanted
    assert decision.fused_score == pytest.approx(tanh(confidence * (1 - age_s / 3_600)))


def test_each_built_in_strategy_has_the_weight_that_the_how_to_says() -> None:
    momentum, reversion = MomentumConfig().weight, MeanReversionConfig().weight
    assert (momentum, reversion) == (1.0, 0.5)
    assert fused((1.0, momentum)) >= CONFIG.very_positive
    assert CONFIG.positive <= fused((1.0, reversion)) < CONFIG.very_positive


def test_advice_fades_linearly_and_is_forgotten() -> None:
    made = desk()
    made.engine.advise(advice(1.0, source="old", age_s=30, ttl_s=60))
    made.engine.advise(advice(-1.0, source="new", ttl_s=60))
    made.on_view(view(), NOON_NS)
    now = made.engine.current("IBM")
    assert now is not None
    assert pytest.approx(fuse([Contribution("old", 1, 0.5), Contribution("new", -1, 1)])) == now.fused_score
    made.on_view(view(), NOON_NS + 61 * NS_PER_S)
    later = made.engine.current("IBM")
    assert later is not None
    assert later.per_strategy == {}


def test_advice_on_what_is_not_served_is_refused_with_what_to_do() -> None:
    with pytest.raises(FirmquoteError, match="MSFT: not served here. Add it to live_symbols_allowlist"):
        desk().engine.advise(advice(1, symbol="MSFT"))


def test_a_source_beyond_the_limit_is_refused() -> None:
    made = desk()
    for number in range(64):
        made.engine.advise(advice(0.1, source=f"s{number}"))
    made.engine.advise(advice(0.2, source="s1"))
    with pytest.raises(FirmquoteError, match="64 sources"):
        made.engine.advise(advice(0.1, source="one more"))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"min_grade": "stale"}, "write firm or indicative"),
        ({"positive": 0.7}, "must be below very_positive"),
        ({"unit_usd": 2_001.0}, "BUY_5X could never pass"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(config: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DecisionConfig(**config)  # type: ignore[arg-type]  # the table's own


@given(
    level=st.sampled_from(Grade),
    score=st.floats(-1, 1),
    shares=st.integers(0, 200),
    half_spread=st.floats(0.0001, 0.02),
    paused=st.booleans(),
    permission=st.builds(
        Permission,
        switch=st.sampled_from([None, "switch all is engaged"]),
        acts=st.booleans(),
        budget_left_pct=st.sampled_from([None, 0.0, 50.0]),
    ),
    session=st.sampled_from(Session),
    rest_s=st.sampled_from([None, 1, 2_000]),
    news=st.sampled_from([None, "news"]),
    move_bps=st.sampled_from([0.0, 400.0]),
)
def test_no_intent_opens_risk_while_any_gate_blocks_and_reducing_is_always_possible(
    level: Grade,
    score: float,
    shares: int,
    half_spread: float,
    paused: bool,
    permission: Permission,
    session: Session,
    rest_s: int | None,
    news: str | None,
    move_bps: float,
) -> None:
    made = desk()
    if shares:
        hold(made, shares)
    rest_ns = None if rest_s is None else NOON_NS - rest_s * NS_PER_S
    graded = Graded(level, () if level is Grade.FIRM else (Reason.STALE,))
    situation = Situation(
        view=view(graded, bid=100 * (1 - half_spread), ask=100 * (1 + half_spread)),
        now_ns=NOON_NS,
        session=session,
        score=score,
        held=made.book.held("IBM"),
        exposure=made.book.exposure("IBM"),
        permission=permission,
        paused=("somebody",) if paused else (),
        opened_ns=rest_ns,
        stopped_ns=rest_ns,
        move_bps=move_bps,
        news=news,
    )
    verdict = judge(situation, CONFIG)
    if verdict.intent in (Intent.BUY_1X, Intent.BUY_5X):
        assert verdict.blocked == ()
        assert level is Grade.FIRM
        assert not paused
        assert permission.acts
        assert permission.switch is None
        assert news is None
        assert session is Session.REGULAR
    if score <= -0.35 and shares and level >= Grade.INDICATIVE:
        assert verdict.intent is Intent.REDUCE
