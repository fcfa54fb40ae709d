"""`firmquote replay` as people run it."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.docs.quick import Quick

from firmquote.lab import DEMO_TAPE

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "config" / "demo.yaml"
Replay = Callable[..., CompletedProcess[str]]


@pytest.fixture
def replay(quick: Quick) -> Replay:
    return partial(quick, "replay", "2013-10-08", "--config", str(DEMO))


def test_a_day_is_told_intent_by_intent_and_compared_with_another_configuration(replay: Replay, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(DEMO.read_text().replace("decision:\n", "decision:\n  positive: 0.6\n"))
    done = replay("--tape", str(DEMO_TAPE), "--symbol", "IBM", "--against", str(other))
    assert done.returncode == 0, done.stderr
    assert "BUY_1X" in done.stdout
    assert "buy from 0.35, five units from 0.65 [momentum" in done.stdout
    assert "cooldown: opened" in done.stdout
    assert "digest" in done.stdout
    assert "Difference: -" in done.stdout
    assert "only the first: IBM BUY_1X at " in done.stdout


def test_the_same_as_json_with_warnings_beside_it(quick: Quick, tmp_path: Path) -> None:
    told, config = tmp_path / "earnings.json", tmp_path / "config.yaml"
    told.write_text('[{"symbol": "MSFT", "day": "2013-10-08"}]')
    config.write_text(DEMO.read_text().replace("decision:\n", f"decision:\n  earnings: {{file: {told}}}\n"))
    done = quick("replay", "2013-10-08", "--config", str(config), "--tape", str(DEMO_TAPE), "--symbol", "IBM", "--json")
    report = json.loads(done.stdout)["report"]
    assert "MSFT" in done.stderr
    assert report["quotes"] > 500
    assert {"orders", "fills", "receipts", "digest", "realised_usd", "nav_usd"} <= set(report)


def test_a_day_or_a_symbol_that_is_not_there_is_named(replay: Replay, tmp_path: Path) -> None:
    missing = replay("--tape", str(tmp_path))
    assert (missing.returncode, "no quotes of 2013-10-08 there" in missing.stderr) == (2, True)
    unknown = replay("--tape", str(DEMO_TAPE), "--symbol", "NOPE")
    assert (unknown.returncode, "Name others with --symbol" in unknown.stderr) == (2, True)
