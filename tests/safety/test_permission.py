"""What may be done with a symbol: the least of what its stage and the switches allow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.rollout import Stage, StageMap
from firmquote.safety import NO_RESTRICTIONS, PLAIN_NAMES, Permission, Restrictions, permit, restrict

SYMBOLS = ("SPY", "AAPL", "IBM")
NAMES = st.frozensets(st.sampled_from([*PLAIN_NAMES, "provider:polygon", "symbol:SPY", "symbol:IBM"]))


def stages(stage: Stage, *, quarantined: frozenset[str] = frozenset()) -> StageMap:
    return StageMap(
        stage=stage, canary=frozenset({"SPY"}), priority=frozenset({"SPY", "AAPL"}), quarantined=quarantined
    )


@pytest.mark.parametrize(
    ("stage", "acting"),
    [
        (Stage.OFF, set()),
        (Stage.SHADOW, set()),
        (Stage.CANARY, {"SPY"}),
        (Stage.PRIORITY, {"SPY", "AAPL"}),
        (Stage.FULL, {"SPY", "AAPL", "IBM"}),
    ],
)
def test_a_stage_acts_on_its_own_symbols_only(stage: Stage, acting: set[str]) -> None:
    allowed = {symbol for symbol in SYMBOLS if permit(symbol, stages(stage), NO_RESTRICTIONS).may_open}
    assert allowed == acting == stages(stage).acting(frozenset(SYMBOLS))


def test_a_symbol_outside_its_stage_is_in_shadow_and_may_reduce() -> None:
    found = permit("IBM", stages(Stage.CANARY), NO_RESTRICTIONS)
    assert (found.stage, found.may_open, found.may_reduce) == ("shadow", False, True)
    assert found.why == ("the rollout is in canary, which does not act on IBM",)


def test_a_symbol_in_quarantine_opens_nothing_even_in_full() -> None:
    found = permit("SPY", stages(Stage.FULL, quarantined=frozenset({"SPY"})), NO_RESTRICTIONS)
    assert (found.stage, found.may_open, found.may_reduce) == ("shadow", False, True)
    assert "SPY is in quarantine" in found.why


@pytest.mark.parametrize(
    ("name", "opens", "reduces"),
    [
        ("quotes", False, False),
        ("halts", False, True),
        ("news", True, True),
        ("decisions", False, False),
        ("force_mock", False, False),
        ("all", False, False),
        ("symbol:SPY", False, False),
        ("symbol:IBM", True, True),
        ("provider:polygon", True, True),
    ],
)
def test_each_switch_forbids_what_it_says(name: str, *, opens: bool, reduces: bool) -> None:
    found = permit("SPY", stages(Stage.FULL), restrict([name]))
    assert (found.may_open, found.may_reduce, bool(found.why)) == (opens, reduces, not opens)


def test_reduce_only_reduces_only() -> None:
    found = permit("SPY", stages(Stage.FULL), restrict([], reduce_only=True))
    assert (found.may_open, found.may_reduce, found.why) == (False, True, ("only reducing is allowed",))


def allowed(found: Permission) -> tuple[bool, ...]:
    return found.may_open, found.may_reduce, found.may_use_news


@given(NAMES, NAMES, st.sampled_from(Stage), st.booleans(), st.sampled_from(SYMBOLS))
def test_one_more_switch_never_allows_more(
    some: frozenset[str], more: frozenset[str], stage: Stage, reduce_only: bool, symbol: str
) -> None:
    fewer = permit(symbol, stages(stage), restrict(some))
    added = permit(symbol, stages(stage), restrict(some | more, reduce_only=reduce_only))
    assert all(before >= after for before, after in zip(allowed(fewer), allowed(added), strict=True))


@given(NAMES, st.sampled_from(Stage), st.sampled_from(SYMBOLS))
def test_a_lower_stage_never_allows_more(names: frozenset[str], stage: Stage, symbol: str) -> None:
    lower = permit(symbol, stages(Stage(max(0, stage - 1))), restrict(names))
    assert all(
        a >= b for a, b in zip(allowed(permit(symbol, stages(stage), restrict(names))), allowed(lower), strict=True)
    )


def test_nothing_engaged_forbids_nothing() -> None:
    assert restrict([]) == NO_RESTRICTIONS == Restrictions()
