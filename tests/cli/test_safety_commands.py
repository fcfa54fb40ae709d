"""`firmquote token` and `firmquote audit`: they need files, and no gateway."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from tests.docs.quick import Quick

from firmquote.budget import Ask, Limits, Moment, Purpose
from firmquote.model.safety import AuditRecord
from firmquote.runtime import SystemClock
from firmquote.runtime.keeper import Keeper
from firmquote.store import SCHEMAS, Grant, open_database, open_ledger


def test_a_token_is_made_shown_once_listed_and_revoked(quick: Quick, tmp_path: Path) -> None:
    where = ("--state-dir", str(tmp_path))
    made = quick("token", "create", "ci", "--scope", "read", "--for", "2d", *where)
    assert made.returncode == 0
    assert made.stdout.startswith("fq_")
    assert "is not shown again" in made.stderr
    (listed,) = json.loads(quick("token", "list", "--json", *where).stdout)
    assert (listed["name"], listed["scope"], listed["good"]) == ("ci", "read", True)
    again = quick("token", "create", "ci", *where)
    assert (again.returncode, "there is a token named ci already" in again.stderr) == (2, True)
    assert quick("token", "revoke", "ci", *where).returncode == 0
    assert json.loads(quick("token", "list", "--json", *where).stdout) == []
    assert quick("token", "revoke", "ci", *where).returncode == 2


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    keeper = Keeper(SystemClock())
    keeper.open(tmp_path / "gateway-8090")
    for why in ("first", "second", "third"):
        keeper.audit(AuditRecord(what="switch engaged", target="quotes", who="ann", where="cli", why=why))
    keeper.close()
    return tmp_path


def test_the_trail_is_shown_and_verified(quick: Quick, trail: Path) -> None:
    shown = quick("audit", "show", "--after", "1", "--state-dir", str(trail))
    assert [line.split(": ")[-1] for line in shown.stdout.splitlines()] == ["second", "third"]
    verified = quick("audit", "verify", "--state-dir", str(trail))
    assert (verified.returncode, "nobody touched it" in verified.stdout) == (0, True)


def test_tampering_is_an_exit_code_and_a_place(quick: Quick, trail: Path) -> None:
    (path,) = (trail / "gateway-8090" / "audit").glob("*.jsonl")
    path.write_text(path.read_text().replace("second", "2nd"))
    verified = quick("audit", "verify", "--json", "--state-dir", str(trail))
    found = json.loads(verified.stdout)
    assert (verified.returncode, found["good"]) == (1, False)
    assert [(p["kind"], p["line"]) for p in found["problems"]] == [("edited", 2)]


def test_a_ledger_goes_back_for_an_older_version_with_all_that_was_spent(quick: Quick, tmp_path: Path) -> None:
    path, clock = tmp_path / "ledger.sqlite", SystemClock()
    limits = {"a": Limits(allowances=(), zone=ZoneInfo("UTC"), reserve_pct=0)}
    moment = Moment(clock.now_ns(), clock.monotonic_ns(), "boot")
    ledger = open_ledger(path, limits, moment)
    (answer,) = ledger.reserve([Ask(provider="a", purpose=Purpose.OPERATOR, symbols=("IBM",))], moment)
    assert isinstance(answer, Grant)
    ledger.close()
    (newest,) = (schema for schema in SCHEMAS if schema.name == "ledger")
    older = replace(newest, scripts=newest.scripts[:-1], ways_back=newest.ways_back[:-1])
    done = quick("state", "downgrade", str(path), "--to", str(older.version), "--state-dir", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert open_database(path, older).rows("SELECT provider, symbols FROM spend") == [("a", "IBM")]
    (tmp_path / "operator-8090.token").touch()
    refused = quick("state", "downgrade", str(path), "--to", "1", "--state-dir", str(tmp_path))
    assert (refused.returncode, "Stop it first" in refused.stderr) == (2, True)
