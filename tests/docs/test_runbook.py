"""Every command of the runbook, run on a service with simulated providers: what it promises, and that it changed what
it says.

A section is all that stands under one heading. What a writer of a section owes:

- a command that looks (`firmquote providers`, `curl …`) has under it `# → words`, which it prints then;
- a command that changes something has a command that looks behind it, in the same section, whose words are not
  there before: nothing else shows that it did anything;
- what the section is about (a fault, a switch) is made by `SITUATIONS` below, by the section's title.

An emergency procedure reaches its end in less than two minutes. Here `firmquote` starts at once; `make proof` does them
once more with commands that take as long as they take.
"""

from collections.abc import Iterator

import pytest
from tests.docs.documents import Section, read_sections
from tests.docs.live_demo import ROOT
from tests.docs.quick import Quick
from tests.docs.service import Service, service
from tests.docs.trial import Table, Trial

from firmquote.runtime import SystemClock

pytestmark = pytest.mark.scenario
RUNBOOK = ROOT / "docs" / "OPERATIONAL-RUNBOOK.md"
EMERGENCIES = "Emergency procedures"
TABLE = Table(
    situations={
        "Start": ["systemctl stop firmquote"],
        "Restart it": ["systemctl stop firmquote"],
        "Roll out": ["firmquote rollout rollback --to shadow --reason 'the situation'"],
        "Rotate a key": [
            "sed -i 's/^FIRMQUOTE_POLYGON_API_KEY=.*/FIRMQUOTE_POLYGON_API_KEY=revoked/' /etc/firmquote/environment",
            "systemctl restart firmquote",
            "firmquote wait alert=key_refused --within 60s",
        ],
        "provider_failed": ["firmquote activate polygon"],
        "failover": ["firmquote activate polygon"],
        "flapping": ["firmquote activate polygon"],
        "switch_engaged": ["firmquote switch engage symbol:IBM --reason 'the situation'"],
        "quarantine": [
            "firmquote lab fault polygon scale --symbol AIG",
            "firmquote wait alert=provider_unfit --within 30s",
        ],
        "actions_conflict": [
            """firmquote actions tell '{"type": "split", "symbol": "IBM", "effective": "2030-01-07", "ratio": "2"}' --reason x"""
        ],
        "channel_failing": [
            "firmquote switch engage symbol:AIG --reason 'the situation'",
            "firmquote wait alert=switch_engaged",
        ],
        "Rotate a token": ["firmquote token create desk-1"],
        "gateway_down": ["systemctl stop firmquote"],
        "Leave a provider": ["firmquote activate polygon"],
    },
    not_run={
        "python3 -m venv /opt/firmquote-0.2.0": "a second environment is made by `make wheel` and CI",
        "/opt/firmquote-0.2.0/bin/pip install firmquote-0.2.0-py3-none-any.whl": "there is no such version yet",
    },
)
EMERGENCY_S = 120
SECTIONS = read_sections(RUNBOOK)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, quick: Quick) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("machine"), quick) as running:
        assert running.shell("firmquote wait usable --within 60s").returncode == 0
        yield running


@pytest.fixture(scope="module")
def trial(installed: Service) -> Trial:
    return Trial(installed.shell, TABLE, SECTIONS[0])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, quick: Quick) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("machine"), quick, real=True) as running:
        assert running.shell("firmquote wait usable --within 60s").returncode == 0
        yield running


def test_the_table_names_only_what_is_there() -> None:
    assert TABLE.strangers(SECTIONS) == set()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_a_section_does_what_it_says(section: Section, trial: Trial, installed: Service) -> None:
    _hold(section, trial, installed)


def test_there_is_a_procedure_for_each_emergency() -> None:
    assert sum(section.part == EMERGENCIES for section in SECTIONS) >= 7


@pytest.mark.proof
def test_every_emergency_is_over_in_time_with_commands_that_take_as_long_as_they_take(real: Service) -> None:
    for section in SECTIONS:
        if section.part == EMERGENCIES:
            _hold(section, Trial(real.shell, TABLE, SECTIONS[0], glance=real.quick_shell), real)


def _hold(section: Section, trial: Trial, installed: Service) -> None:
    trial.prepare(section)
    begun_ns = SystemClock.monotonic_ns()
    problems = trial.problems(section)
    took_s = (SystemClock.monotonic_ns() - begun_ns) / 1e9
    if any(not step.looks for step in section.steps) or section.title in TABLE.situations:
        installed.calm()
    assert problems == [], "\n".join(problems)
    assert took_s < EMERGENCY_S or section.part != EMERGENCIES
