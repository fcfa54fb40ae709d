"""The rollout: never further than what is proven, back on evidence, and no intent from outside a stage."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from firmquote.errors import RefusedError
from firmquote.model import NS_PER_S
from firmquote.rollout import GATES, GateReading, GateStatus, Rollout, RolloutPolicy, RolloutState, Severity, Stage
from firmquote.safety import NO_RESTRICTIONS, permit

AUTO = RolloutPolicy(approval="auto")
CANARY, PRIORITY = frozenset({"SPY"}), frozenset({"SPY", "AAPL"})
SYMBOLS = ("SPY", "AAPL", "IBM")
NOBODY: frozenset[str] = frozenset()


def rollout(policy: RolloutPolicy = AUTO, *, ceiling: Stage = Stage.FULL, start: Stage | None = None) -> Rollout:
    made = Rollout(
        policy, canary=CANARY, priority=PRIORITY, ceiling=ceiling, ceiling_words="the owner allows no more", now_ns=0
    )
    if start is not None:
        made.resume(stored(start), "us", 0)
    return made


def stored(stage: Stage, *, of: str = "us", clean: bool = True, **more: object) -> RolloutState:
    return RolloutState(stage=stage.label, since_ns=0, of=of, clean=clean, **more)  # type: ignore[arg-type]  # by name


def reading(status: GateStatus, severity: Severity = Severity.STEP) -> GateReading:
    return GateReading(
        status=status, current=None, threshold=1, unit="x", samples=1, message=status.value, severity=severity
    )


def gates(
    failing: str | None = None, severity: Severity = Severity.STEP, *, pending: bool = False
) -> dict[str, GateReading]:
    found = {name: reading(GateStatus.PENDING if pending else GateStatus.PASS) for name in GATES}
    if failing is not None:
        found[failing] = reading(GateStatus.FAIL, severity)
    return found


def ns(seconds: float) -> int:
    return int(seconds * NS_PER_S)


def test_from_shadow_to_full_by_itself_with_the_dwell_of_each_stage() -> None:
    made, entered = rollout(), {}
    for second in range(0, 3_000, 10):
        for change in made.evaluate(gates(), NOBODY, ns(second)):
            entered[change.after] = second
    assert entered == {"canary": 0, "priority": 600, "full": 1_500}


def test_an_operator_is_asked_where_that_is_configured() -> None:
    made = rollout(RolloutPolicy())
    assert made.evaluate(gates(), NOBODY, 0) == []
    assert made.promote(by="ann", reason="looks good", now_ns=0).after == "canary"
    with pytest.raises(RefusedError, match="canary stays: canary lasts 600 s more at least; no gate was evaluated"):
        made.promote(by="ann", reason="hurry", now_ns=0)
    assert made.promote(by="ann", reason="hurry", now_ns=0, forced=True).reason == "forced: hurry"


def test_no_data_promotes_nothing() -> None:
    made = rollout()
    for second in range(0, 100_000, 10):
        assert made.evaluate(gates(pending=True), NOBODY, ns(second)) == []
    assert made.stage is Stage.SHADOW


@pytest.mark.parametrize(("severity", "after"), [(Severity.STEP, "priority"), (Severity.ALL, "shadow")])
@pytest.mark.parametrize("gate", GATES)
def test_three_breaches_of_any_gate_roll_back_as_far_as_its_severity_says_and_name_it(
    gate: str, severity: Severity, after: str
) -> None:
    made = rollout(start=Stage.FULL)
    found = [change for n in range(3) for change in made.evaluate(gates(gate, severity), NOBODY, ns(n * 10))]
    assert [(c.kind, c.after, c.gate, c.at_ns) for c in found] == [("rolled back", after, gate, ns(20))]


def test_a_breach_that_passes_again_counts_from_the_beginning() -> None:
    made = rollout(start=Stage.FULL)
    for n in range(20):
        failing = GATES[0] if n % 3 != 2 else None
        assert made.evaluate(gates(failing), NOBODY, ns(n * 10)) == []


def test_in_shadow_a_breach_blocks_and_rolls_nothing_back() -> None:
    made = rollout()
    for n in range(5):
        assert made.evaluate(gates(GATES[0]), NOBODY, ns(n * 10)) == []
    assert f"{GATES[0]}: FAIL" in made.obstacles(ns(50))


def test_after_a_rollback_it_cools_off() -> None:
    made = rollout(start=Stage.CANARY)
    for n in range(3):
        made.evaluate(gates(GATES[0]), NOBODY, ns(n * 10))
    assert made.evaluate(gates(), NOBODY, ns(20 + 1_790)) == []
    assert [c.after for c in made.evaluate(gates(), NOBODY, ns(20 + 1_800))] == ["canary"]


def test_off_is_left_by_an_operator_only() -> None:
    made = rollout(start=Stage.OFF)
    assert made.evaluate(gates(), NOBODY, 0) == []
    assert made.promote(by="ann", reason="go", now_ns=0).after == "shadow"


def test_held_nothing_is_promoted_but_a_breach_still_rolls_back() -> None:
    made = rollout(start=Stage.CANARY)
    made.hold(by="ann", reason="earnings", now_ns=0)
    assert made.evaluate(gates(), NOBODY, ns(700)) == []
    assert [c.after for n in range(3) for c in made.evaluate(gates(GATES[0]), NOBODY, ns(710 + n))] == ["shadow"]
    made.let_go(by="ann", reason="over", now_ns=ns(800))
    with pytest.raises(RefusedError, match="not held"):
        made.let_go(by="ann", reason="again", now_ns=ns(800))


def test_the_owners_ceiling_is_never_passed() -> None:
    made = rollout(ceiling=Stage.SHADOW)
    assert made.evaluate(gates(), NOBODY, 0) == []
    with pytest.raises(RefusedError, match="the owner allows no more"):
        made.promote(by="ann", reason="x", now_ns=0, forced=True)


@pytest.mark.parametrize(
    ("state", "after"),
    [
        pytest.param(stored(Stage.PRIORITY), Stage.PRIORITY, id="a clean end"),
        pytest.param(stored(Stage.FULL, clean=False), Stage.PRIORITY, id="an unclean end, one stage lower"),
        pytest.param(stored(Stage.CANARY, clean=False), Stage.SHADOW, id="an unclean end of canary"),
        pytest.param(stored(Stage.SHADOW, clean=False), Stage.SHADOW, id="shadow acts on nothing, so it stays"),
        pytest.param(stored(Stage.FULL, of="others"), Stage.SHADOW, id="earned by other providers"),
        pytest.param(stored(Stage.OFF), Stage.OFF, id="off stays off"),
    ],
)
def test_a_stage_survives_a_restart_and_never_grows_by_one(state: RolloutState, after: Stage) -> None:
    made = rollout(RolloutPolicy(start="full"))
    made.resume(state, "us", 5)
    assert made.stage is after


def test_after_a_restart_the_dwell_goes_on_only_after_a_clean_end() -> None:
    clean, unclean = rollout(), rollout()
    clean.resume(stored(Stage.CANARY), "us", ns(590))
    unclean.resume(stored(Stage.PRIORITY, clean=False), "us", ns(590))
    unclean.since_ns = ns(590)
    assert [c.after for c in clean.evaluate(gates(), NOBODY, ns(600))] == ["priority"]
    assert unclean.evaluate(gates(), NOBODY, ns(600)) == []


def test_the_way_back_leads_back() -> None:
    made = rollout(start=Stage.CANARY)
    with pytest.raises(RefusedError, match="full is not before canary"):
        made.roll_back(by="ann", reason="x", now_ns=0, to=Stage.FULL)
    assert made.roll_back(by="ann", reason="x", now_ns=0, to=Stage.OFF).after == "off"
    with pytest.raises(RefusedError):
        made.roll_back(by="ann", reason="x", now_ns=0)


def test_a_bad_symbol_goes_into_quarantine_once_and_comes_back_by_an_operator() -> None:
    made = rollout(start=Stage.FULL)
    changes = [c for n in range(3) for c in made.evaluate(gates(), frozenset({"IBM"}), ns(n))]
    assert [(c.kind, c.symbol) for c in changes] == [("quarantined", "IBM")]
    assert not permit("IBM", made.map, NO_RESTRICTIONS).may_open
    made.readmit("IBM", by="ann", reason="mapping mended", now_ns=ns(9))
    assert permit("IBM", made.map, NO_RESTRICTIONS).may_open
    with pytest.raises(RefusedError, match="IBM is not in quarantine"):
        made.readmit("IBM", by="ann", reason="again", now_ns=ns(9))


class Machine(RuleBasedStateMachine):
    """Whatever happens: intents come from the stage's symbols only, and no stage is reached without its proof."""

    def __init__(self) -> None:
        super().__init__()
        self.made = rollout()
        self.now_s = 0.0
        self.proven = False

    @rule(by_s=st.sampled_from([1, 10, 300, 700, 2_000]))
    def pass_time(self, by_s: int) -> None:
        self.now_s += by_s

    @rule(failing=st.none() | st.sampled_from(GATES), severity=st.sampled_from(Severity), pending=st.booleans(),
          bad=st.frozensets(st.sampled_from(SYMBOLS), max_size=1))  # fmt: skip
    def evaluate(self, failing: str | None, severity: Severity, pending: bool, bad: frozenset[str]) -> None:
        before = self.made.stage
        changes = self.made.evaluate(gates(failing, severity, pending=pending), bad, ns(self.now_s))
        for change in changes:
            if change.kind == "promoted":
                assert failing is None
                assert not pending
        assert self.made.stage <= before + 1

    @rule(forced=st.booleans())
    def promote(self, forced: bool) -> None:
        before, ready = self.made.stage, self.made.all_pass()
        try:
            self.made.promote(by="ann", reason="x", now_ns=ns(self.now_s), forced=forced)
        except RefusedError:
            return
        assert forced or ready or before is Stage.OFF
        assert self.made.stage == before + 1

    @rule(to=st.none() | st.sampled_from(Stage))
    def roll_back(self, to: Stage | None) -> None:
        before = self.made.stage
        try:
            self.made.roll_back(by="ann", reason="x", now_ns=ns(self.now_s), to=to)
        except RefusedError:
            return
        assert self.made.stage < before

    @rule(on=st.booleans())
    def hold(self, on: bool) -> None:
        if on:
            self.made.hold(by="ann", reason="x", now_ns=ns(self.now_s))
        elif self.made.held is not None:
            self.made.let_go(by="ann", reason="x", now_ns=ns(self.now_s))

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        before = self.made.stage
        state = self.made.state("us", clean=clean)
        self.made = rollout(RolloutPolicy(approval="auto", start="full"))
        self.made.resume(state, "us", ns(self.now_s))
        assert self.made.stage <= before
        assert clean or before <= Stage.SHADOW or self.made.stage < before

    @invariant()
    def only_symbols_of_the_stage_act(self) -> None:
        acting = {symbol for symbol in SYMBOLS if permit(symbol, self.made.map, NO_RESTRICTIONS).may_open}
        allowed = {Stage.CANARY: set(CANARY), Stage.PRIORITY: set(PRIORITY), Stage.FULL: set(SYMBOLS)}
        assert acting <= allowed.get(self.made.stage, set())
        assert not acting & set(self.made.quarantined)
        assert self.made.map.stage is self.made.stage


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=80, stateful_step_count=30)


def fallen(made: Rollout) -> tuple[str, str] | None:
    return None if made.fallen is None else (made.fallen.before, made.fallen.after)


def broken(start: Stage = Stage.FULL) -> Rollout:
    """A rollout that a gate has just thrown back to shadow."""
    made = rollout(RolloutPolicy(approval="auto", cool_off_s=0), start=start)
    for second in (1, 2, 3):
        made.evaluate(gates(GATES[0], Severity.ALL), NOBODY, ns(second))
    return made


def test_a_fall_is_remembered_until_an_operator_gives_an_order() -> None:
    assert fallen(broken()) == ("full", "shadow")
    for order in ("hold", "promote", "roll_back"):
        made = broken()
        forced = {"forced": True} if order == "promote" else {}
        getattr(made, order)(by="ann", reason="mine", now_ns=ns(4), **forced)
        assert fallen(made) is None, order


def test_a_fall_is_over_when_the_stage_is_reached_again_and_not_before() -> None:
    made = broken(Stage.PRIORITY)
    made.evaluate(gates(), NOBODY, ns(10))
    assert (made.stage, fallen(made)) == (Stage.CANARY, ("priority", "shadow"))
    made.evaluate(gates(), NOBODY, ns(700))
    assert (made.stage, fallen(made)) == (Stage.PRIORITY, None)


def test_a_fall_outlives_the_process_and_a_crash_is_one() -> None:
    after = rollout()
    after.resume(broken().state("us", clean=True), "us", ns(10))
    assert (fallen(after), after.unclean_ns) == (("full", "shadow"), None)
    crashed = rollout()
    crashed.resume(stored(Stage.FULL, clean=False), "us", ns(10))
    assert (fallen(crashed), crashed.unclean_ns) == (("full", "priority"), ns(10))
    nothing_lost = rollout()
    nothing_lost.resume(stored(Stage.SHADOW, clean=False), "us", ns(10))
    assert (fallen(nothing_lost), nothing_lost.unclean_ns) == (None, ns(10))
