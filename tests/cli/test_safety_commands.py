"""`firmquote token` and `firmquote audit`: they need files, and no gateway."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from firmquote.model.safety import AuditRecord
from firmquote.runtime import SystemClock
from firmquote.runtime.keeper import Keeper


def firmquote(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "firmquote", *args], capture_output=True, text=True, check=False)


def test_a_token_is_made_shown_once_listed_and_revoked(tmp_path: Path) -> None:
    where = ("--state-dir", str(tmp_path))
    made = firmquote("token", "create", "ci", "--scope", "read", "--for", "2d", *where)
    assert made.returncode == 0
    assert made.stdout.startswith("fq_")
    assert "is not shown again" in made.stderr
    (listed,) = json.loads(firmquote("token", "list", "--json", *where).stdout)
    assert (listed["name"], listed["scope"], listed["good"]) == ("ci", "read", True)
    again = firmquote("token", "create", "ci", *where)
    assert (again.returncode, "there is a token named ci already" in again.stderr) == (2, True)
    assert firmquote("token", "revoke", "ci", *where).returncode == 0
    assert json.loads(firmquote("token", "list", "--json", *where).stdout) == []
    assert firmquote("token", "revoke", "ci", *where).returncode == 2


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    keeper = Keeper(SystemClock())
    keeper.open(tmp_path / "gateway-8090")
    for why in ("first", "second", "third"):
        keeper.audit(AuditRecord(what="switch engaged", target="quotes", who="ann", where="cli", why=why))
    keeper.close()
    return tmp_path


def test_the_trail_is_shown_and_verified(trail: Path) -> None:
    shown = firmquote("audit", "show", "--after", "1", "--state-dir", str(trail))
    assert [line.split(": ")[-1] for line in shown.stdout.splitlines()] == ["second", "third"]
    verified = firmquote("audit", "verify", "--state-dir", str(trail))
    assert (verified.returncode, "nobody touched it" in verified.stdout) == (0, True)


def test_tampering_is_an_exit_code_and_a_place(trail: Path) -> None:
    (path,) = (trail / "gateway-8090" / "audit").glob("*.jsonl")
    path.write_text(path.read_text().replace("second", "2nd"))
    verified = firmquote("audit", "verify", "--json", "--state-dir", str(trail))
    found = json.loads(verified.stdout)
    assert (verified.returncode, found["good"]) == (1, False)
    assert [(p["kind"], p["line"]) for p in found["problems"]] == [("edited", 2)]
