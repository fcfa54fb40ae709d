"""The budget drill's parts, small; in full they are the proof."""

import asyncio

import pytest

from firmquote.lab import load_tape
from firmquote.lab.drills.budget import drill_broken, drill_crowd, drill_kills, drill_two_processes
from firmquote.lab.trading_day import TradingDay
from firmquote.model.drill import DrillCheck

TAPE = load_tape()


def failed(checks: list[DrillCheck]) -> list[DrillCheck]:
    assert len(checks) >= 3
    return [check for check in checks if not check.passed]


def test_a_process_that_is_killed_at_its_limit_never_makes_a_request_too_many() -> None:
    assert failed(asyncio.run(drill_kills(TAPE, runs=3, seed=1))) == []


@pytest.mark.proof
def test_nor_in_two_hundred_kills() -> None:
    assert failed(asyncio.run(drill_kills(TAPE, runs=200, seed=2))) == []


def test_a_thousand_callers_a_kill_and_a_jump_make_no_call_over_and_counting_afterwards_does() -> None:
    assert failed(asyncio.run(drill_crowd(TAPE))) == []


def test_two_processes_stay_within_the_limit_together() -> None:
    assert failed(asyncio.run(drill_two_processes(TAPE))) == []


def test_a_ledger_that_cannot_be_used_stops_all_spending_and_says_so() -> None:
    assert failed(asyncio.run(drill_broken())) == []


def test_the_free_plan_lasts_to_the_close_and_its_report_says_where_each_request_went() -> None:
    report = asyncio.run(TradingDay(TAPE, free=True).play())
    assert (report.refused_by_provider, report.refused_by_ledger) == (0, 0)
    assert report.answered == 22  # the other three are held for failover and operators
    assert report.last_before_close_s < 1_800
    assert report.longest_gap_s < 1_800
    assert [step for _, step in report.steps][:3] == ["warned", "slowed", "positions_only"]
    by_purpose: dict[tuple[str, str], float] = {}
    for spend in report.spends:
        key = (spend.provider, spend.purpose.name)
        by_purpose[key] = by_purpose.get(key, 0) + spend.requests
    assert by_purpose[("alphavantage", "OPERATOR")] == 3
    assert by_purpose[("alphavantage", "ORDINARY")] == 19
    assert by_purpose[("polygon", "WARM")] > 0
    assert sum(spend.requests for spend in report.spends if spend.provider == "alphavantage") == report.answered


def test_the_last_minutes_of_a_day_of_75_a_minute_are_as_even_as_the_first() -> None:
    report = asyncio.run(TradingDay(TAPE, free=False, hours=(15.95, 16.0)).play())
    assert (report.refused_by_provider, report.refused_by_ledger) == (0, 0)
    assert 170 <= report.answered <= 64 * 3 + 3
    assert report.longest_gap_s <= 2
    assert report.last_before_close_s <= 2


@pytest.mark.proof
def test_a_whole_day_of_75_a_minute() -> None:
    report = asyncio.run(TradingDay(TAPE, free=False, hours=(9.25, 16.25)).play())
    assert (report.refused_by_provider, report.refused_by_ledger) == (0, 0)
    assert report.answered >= 7 * 60 * 60
    assert report.longest_gap_s <= 2
