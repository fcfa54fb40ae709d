"""Emergency procedures, timed: each reaches its end in less than two minutes, every step a command as it is."""

from collections.abc import Iterator

import pytest
from tests.docs.documents import Section, read_sections
from tests.docs.live_demo import ROOT
from tests.docs.quick import Quick
from tests.docs.service import Service, service
from tests.docs.trial import Table, Trial

from firmquote.runtime import SystemClock

pytestmark = pytest.mark.scenario
LIMIT_S = 120
SECTIONS = read_sections(ROOT / "docs" / "OPERATIONAL-RUNBOOK.md")
EMERGENCIES = [section for section in SECTIONS if section.part == "Emergency procedures"]
TABLE = Table(situations={"Leave a provider": ["firmquote activate polygon"]})


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, quick: Quick) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("machine"), quick, real=True) as running:
        assert running.shell("firmquote wait usable --within 60s").returncode == 0
        yield running


def test_there_is_a_procedure_for_each_emergency() -> None:
    assert len(EMERGENCIES) >= 7


@pytest.mark.parametrize("section", EMERGENCIES, ids=lambda section: section.title)
def test_it_is_over_within_two_minutes(section: Section, installed: Service) -> None:
    trial = Trial(installed.shell, TABLE, SECTIONS[0], glance=installed.quick_shell)
    trial.prepare(section)
    begun_ns = SystemClock.monotonic_ns()
    problems = trial.problems(section)
    took_s = (SystemClock.monotonic_ns() - begun_ns) / 1e9
    installed.calm()
    assert problems == [], "\n".join(problems)
    assert took_s < LIMIT_S
