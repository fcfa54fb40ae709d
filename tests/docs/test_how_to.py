"""The pages of `docs/how-to` as their readers use them: deployment on a machine without anything, others on a demo."""

import re
from http import HTTPStatus
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest
from tests.docs.documents import Section, read_sections
from tests.docs.live_demo import ROOT, live_demo
from tests.docs.quick import Quick
from tests.docs.service import service
from tests.docs.trial import Table, Trial

pytestmark = pytest.mark.scenario
HOW_TO = ROOT / "docs" / "how-to"
SERVES = "it serves until Ctrl-C; tests/cli/test_commands.py starts it with these options"
REAL = "it would ask real providers, with a key that is none"
DEPLOYMENT = Table(
    situations={
        "Configure": ["rm /etc/firmquote/live_feeds.yaml /etc/firmquote/environment"],
        "Check": ["cp /etc/firmquote/simulated.yaml /etc/firmquote/live_feeds.yaml"],
        "Start": ["systemctl stop firmquote"],
    },
    not_run={
        "make wheel": "CI makes the wheel, and starts what is in it",
        "python3 -m venv /opt/firmquote-0.1.0": "the environment of this test stands in its place",
        "/opt/firmquote-0.1.0/bin/pip install dist/firmquote-0.1.0-py3-none-any.whl": "as above",
    },
)
UPGRADE = Table(
    not_run={
        "python3 -m venv /opt/firmquote-0.2.0": "as above",
        "/opt/firmquote-0.2.0/bin/pip install firmquote-0.2.0-py3-none-any.whl": "there is no such version yet",
    },
)
ON_A_DEMO = Table(
    not_run={
        ".venv/bin/firmquote run --config config/live_feeds.yaml": REAL,
        ".venv/bin/firmquote lab serve --schedule faults.yaml": SERVES,
        ".venv/bin/firmquote lab serve --wire-delay polygon=2 --wire-delay alpaca=8 --free-plan alpaca": SERVES,
        ".venv/bin/firmquote lab serve": SERVES,
        "firmquote symbols explain FB --as-of 2020-01-02 --from polygon": f"{REAL}; tests/runtime/test_explaining.py asks a simulator",
        ".venv/bin/firmquote demo --tape path/to/folder --speed 2": "it needs a tape of the reader's",
    },
)
PAGES = ("alerts.md", "corporate-actions.md", "decisions.md", "faults.md", "stop.md", "tapes.md", "your-keys.md")


def test_the_tables_name_only_what_is_there() -> None:
    assert DEPLOYMENT.strangers(read_sections(HOW_TO / "deploy.md")) == set()
    assert UPGRADE.strangers(read_sections(HOW_TO / "upgrade.md")) == set()
    assert ON_A_DEMO.strangers([section for page in PAGES for section in read_sections(HOW_TO / page)]) == set()


def test_whoever_follows_the_pages_on_deployment_and_upgrades_has_a_service(tmp_path: Path, quick: Quick) -> None:
    with service(tmp_path, quick, started=False) as machine:
        for page, table in (("deploy.md", DEPLOYMENT), ("upgrade.md", UPGRADE)):
            assert _problems(Trial(machine.shell, table), read_sections(HOW_TO / page)) == []


def test_a_page_for_users_of_the_demo_does_what_it_says(tmp_path: Path, quick: Quick) -> None:
    with live_demo(tmp_path, programs=quick.folder) as demo:

        def shell(command: str) -> CompletedProcess[str]:
            example = re.search(r"decisions (why|what-if) 5", command)
            if example is None:
                return demo.shell(command)
            number = _a_receipt(demo.url, beside="polygon" if example[1] == "what-if" else None)
            return demo.shell(command.replace(example[0], f"decisions {example[1]} {number}"))

        for page in PAGES:
            assert _problems(Trial(shell, ON_A_DEMO), read_sections(HOW_TO / page)) == []


def _a_receipt(url: str, *, beside: str | None) -> int:
    """Return the number of a decision, for the pages' example; `beside` had a price then and did not serve."""
    found = httpx.get(f"{url}/v1/receipts").json()
    for number in sorted((each["id"] for each in found), reverse=True):
        receipt = httpx.get(f"{url}/v1/receipts/{number}")
        if receipt.status_code == HTTPStatus.OK:  # the newest may not be on the disk yet
            others = [seen["quote"]["provider"] for seen in receipt.json()["quotes"] if not seen["used"]]
            if beside is None or beside in others:
                return int(number)
    return 0


def _problems(trial: Trial, sections: list[Section]) -> list[str]:
    found = []
    for section in sections:
        trial.prepare(section)
        found += trial.problems(section)
    return found
