"""From a picture of the gateway to conditions: the rules that no scenario can bring about quickly, and their limits."""

from typing import Any

import pytest
from msgspec import structs

from firmquote.model import NS_PER_S
from firmquote.model.budget import BudgetView
from firmquote.model.quality import QualityView, VerdictView
from firmquote.model.rollout import StageChange
from firmquote.model.safety import SwitchesView
from firmquote.model.status import HealthReport, ProviderStatus, QuoteView
from firmquote.publish.alerting import AlertPolicy, AlertRules, Role, Situation


def provider(name: str, **changes: Any) -> ProviderStatus:
    status = ProviderStatus(
        name=name, title=name, role="active", status="healthy", why="", success_rate=1.0, p50_latency_ms=1.0,
        p95_latency_ms=2.0, p99_latency_ms=3.0, staleness_ms=10.0, silence_suspicion=None, usual_gap_ms=None,
        breaker="closed", connected=True, reconnects=0, quotes_per_s=1.0, accepted=1_000, rejected=0,
        rejected_by_reason={}, unparsed=0, unknown_symbols=0, requests=0, errors_by_class={}, last_error=None, symbols=1,
    )  # fmt: skip
    return structs.replace(status, **changes)


def situation(*providers: ProviderStatus, **changes: Any) -> Situation:
    health = HealthReport(
        status="healthy", session="regular", expansion_state="full", can_promote_to_live=False, active_provider="a",
        last_role_change=None, providers=providers or (provider("a"),), promotion_gates={}, quality_metrics={},
        cost_summary={}, as_of_ns=0,
    )  # fmt: skip
    switches = SwitchesView(switches=(), forbidden={}, lease_left_s=None, persisted=True, trouble=None)
    seen = Situation(
        health=health, not_firm=[], symbols=1, live=True, roles=[Role("quotes", "a", "a")], silent={}, refused={}, unaffordable={},
        blocked={}, cut_off=[], switches=switches,
        budget=BudgetView(ledger="x", trouble=None, clock_doubt_s=0, providers=(), as_of_ns=0), role_changes=[],
        flap_limit=6, flap_window_ns=300 * NS_PER_S, stalls=0, disk_free_mb=10_000, failing_channels={},
    )  # fmt: skip
    return structs.replace(seen, **changes)


def judged(seen: Situation) -> dict[str, str]:
    return {condition.name: condition.words for condition in AlertRules(AlertPolicy()).judge(seen, 0)}


def test_where_all_is_well_nothing_is_wrong() -> None:
    assert judged(situation()) == {}


def test_a_provider_that_is_only_slow_is_degraded() -> None:
    slow = provider("a", status="degraded", why="success rate or latency outside the policy")
    assert judged(situation(slow)) == {"provider_degraded": "success rate or latency outside the policy"}


def test_a_provider_that_somebody_switched_off_has_not_failed() -> None:
    off = provider("a", status="failed", why="switched off")
    assert judged(situation(off, provider("b"), blocked={"a": "switched off"}, live=False)) == {}


def test_switches_that_are_not_on_the_disk() -> None:
    trouble = structs.replace(situation().switches, persisted=False, trouble="the disk is full")
    assert judged(situation(switches=trouble)) == {"state_unwritable": "the disk is full"}


@pytest.mark.parametrize(
    ("refused", "taken", "fires"),
    [
        pytest.param(9, 0, False, id="too few to say"),
        pytest.param(10, 190, True, id="exactly the share"),
        pytest.param(10, 191, False, id="below the share"),
    ],
)
def test_the_share_of_refused_prices_counts_only_what_came_in_the_window(refused: int, taken: int, fires: bool) -> None:
    rules = AlertRules(AlertPolicy(rate_over_s=30))
    before = provider("a", accepted=5_000, rejected=5_000)
    rules.judge(situation(before), 0)
    now = provider("a", accepted=5_000 + taken, rejected=5_000 + refused, rejected_by_reason={"crossed": 1})
    found = rules.judge(situation(now), 30 * NS_PER_S)
    assert fires == ("quotes_refused" in {condition.name for condition in found})
    later = rules.judge(situation(now), 61 * NS_PER_S)
    assert "quotes_refused" not in {condition.name for condition in later}


@pytest.mark.parametrize("session", ["pre", "after", "closed"])
def test_outside_regular_hours_a_stale_symbol_is_nobodys_alert(session: str) -> None:
    stale = QuoteView(
        symbol="IBM", grade="stale", reasons=(), provider="a", bid=None, ask=None, mid=None, spread_bps=None,
        bid_size_shares=None, ask_size_shares=None, last=None, event_ns=None, received_ns=None, age_ms=None,
        sequence=None, halted=False, as_of_ns=0,
    )  # fmt: skip
    seen = situation(not_firm=[stale])
    assert "symbols_unusable" in judged(seen)
    assert judged(structs.replace(seen, health=structs.replace(seen.health, session=session))) == {}
    assert judged(structs.replace(seen, not_firm=[structs.replace(stale, halted=True)])) == {}
    assert judged(structs.replace(seen, not_firm=[structs.replace(stale, reasons=("switched_off",))])) == {}


def verdict(symbol: str, *, quarantined: bool = False) -> VerdictView:
    return VerdictView(
        provider="a", symbol=symbol, reason="split_mismatch", words="ten times", since_ns=1, excluded=True,
        quarantined=quarantined,
    )  # fmt: skip


def test_quarantines_unfit_providers_our_own_clock_and_conflicts_are_told() -> None:
    quality = QualityView(
        providers=(), verdicts=(verdict("IBM"), verdict("SPY", quarantined=True)), halts=(), own_clock_offset_ms=3_000.0,
        own_clock_steps=0, as_of_ns=1,
    )  # fmt: skip
    assert judged(situation(quality=quality, conflicts=["SHOP: sources disagree"])) == {
        "quarantine": "a: ten times",
        "provider_unfit": "IBM (split_mismatch): ten times",
        "own_clock_wrong": "all streams are +3.0 s from our clock",
        "actions_conflict": "SHOP: sources disagree",
    }


def change(kind: str) -> StageChange:
    return StageChange(at_ns=1, kind=kind, before="full", after="shadow", by="gates", reason="why")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"fallen": change("rolled back")}, {"rolled_back": "from full to shadow: why"}, id="a rollback"),
        pytest.param({"fallen": change("started")}, {"unclean_start": "from full to shadow: why"}, id="a lost stage"),
        pytest.param({"withheld": {"IBM": "too often"}}, {"symbol_withheld": "too often"}, id="a withheld symbol"),
        pytest.param({"hot_path": "throttled: slow"}, {"hotpath_violation": "throttled: slow"}, id="a hot path"),
        pytest.param({"audit_trouble": "edited"}, {"audit_broken": "edited"}, id="a broken trail"),
        pytest.param({"unreadable": {"alerts.json": "x"}}, {"state_unreadable": "x"}, id="a damaged file"),
        pytest.param({"live_calls": 7}, {}, id="live calls from before we looked"),
    ],
)
def test_what_safety_tells_is_told(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert judged(situation(**changes)) == expected


@pytest.mark.parametrize(("left_s", "fires"), [(None, False), (0.1, False), (0.0, True), (-5.0, True)])
def test_a_lease_is_over_when_nothing_is_left_of_it(left_s: float | None, fires: bool) -> None:
    switches = structs.replace(situation().switches, lease_left_s=left_s)
    assert ("lease_expired" in judged(situation(switches=switches))) is fires


def test_what_happens_in_a_moment_holds_for_the_window_after_it() -> None:
    rules = AlertRules(AlertPolicy(rate_over_s=10))

    def seen(at_s: int, **changes: Any) -> set[str]:
        return {condition.name for condition in rules.judge(situation(**changes), at_s * NS_PER_S)}

    assert seen(0, stalls=3, live_calls=1, unclean_ns=0) == {"unclean_start"}
    assert seen(5, stalls=4, live_calls=2, unclean_ns=0) == {"process_stalled", "hotpath_violation", "unclean_start"}
    assert seen(14, stalls=4, live_calls=2, unclean_ns=0) == {"process_stalled", "hotpath_violation"}
    assert seen(15, stalls=4, live_calls=2, unclean_ns=0) == set()
