"""Wrong quotes in real ticks, and real days through the board."""

from pathlib import Path
from random import Random

import pytest

from firmquote.lab import Tape, load_tape
from firmquote.lab.quality_drill import CLASSES, FaultClass, run_drill, run_trial, table_lines
from firmquote.lab.replaying import nbbo_rows, replay, replay_checks, replay_directory
from firmquote.runtime.config import QualitySection

TAPE = load_tape()
VENUES = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "equities"


LIKE_OTHERS = {"prices /10 (split)", "prices x2 (split)", "sizes /100", "clock +1 h", "clock -3 s"}
"""Classes that go the way of another; the whole drill has them."""


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.name) for kind in CLASSES if kind.name not in LIKE_OTHERS])
def test_each_class_of_wrong_quotes_is_caught_in_time_and_never_firm_for_long(kind: FaultClass) -> None:
    trial = run_trial(TAPE, kind, Random(kind.name), QualitySection())
    assert trial.caught_ms is not None
    assert trial.caught_ms <= kind.caught_ms_max
    assert trial.firm_bps <= kind.firm_bps_max
    assert trial.unfit == ()


def test_without_a_fault_nobody_is_blamed_and_every_shown_price_is_the_tapes() -> None:
    trial = run_trial(TAPE, None, Random(5), QualitySection())
    assert (trial.caught_ms, trial.unfit) == (None, ())
    assert trial.shown_bps < 1


def test_the_tape_goes_through_the_board_without_a_row_refused() -> None:
    part = Tape(TAPE.rows[:12_000])
    found = replay("NBBO", nbbo_rows(part), part.symbols)
    assert found.rows > 10_000
    assert (found.refused_regular, found.crossed, found.implausible) == (0, 0, 0)
    assert found.published == found.rows


def test_what_a_careless_merge_of_venues_crosses_is_refused_and_nothing_implausible_is_published() -> None:
    (found,) = replay_directory(VENUES)
    assert found.rows > 5_000
    assert found.refused_by_reason["crossed"] > 100
    assert found.published > 5_000
    assert all(check.passed for check in replay_checks([found]))


@pytest.mark.proof
def test_the_whole_drill() -> None:
    report, rows = run_drill(TAPE, trials=40, seed=2)
    assert report.passed, "\n".join(table_lines(rows))


@pytest.mark.proof
@pytest.mark.skipif(not SHARED.exists(), reason="the recorded days lie beside the project")
def test_the_recorded_days_lose_less_than_one_row_in_a_thousand() -> None:
    checks = replay_checks(replay_directory(SHARED))
    assert [check for check in checks if not check.passed] == []
