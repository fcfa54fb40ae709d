"""README and tutorial as a newcomer reads them: every command, against a demo that `make demo` started."""

from collections.abc import Iterator

import pytest
from tests.docs.documents import read_sections
from tests.docs.live_demo import ROOT, live_demo
from tests.docs.quick import Quick
from tests.docs.trial import Table, Trial

pytestmark = pytest.mark.scenario
TABLE = Table(
    not_run={
        "make demo": "the demo of this test is started so, with ARGS for a free port",
        "make test": "it is what runs this test",
        ".venv/bin/firmquote run --config config/live_feeds.yaml": "it would ask real providers, with a key that is none",
    }
)
SECTIONS = {path: read_sections(ROOT / path) for path in ("README.md", "docs/tutorial/index.md")}


@pytest.fixture(scope="module", params=SECTIONS)
def document(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, quick: Quick
) -> Iterator[tuple[str, Trial]]:
    """A demo for each document: both begin with a fresh one."""
    make = ["make", "--silent", "demo", "ARGS=--port 0 --json"]
    home = tmp_path_factory.mktemp("home")
    with live_demo(home, make, programs=quick.folder) as demo:
        yield request.param, Trial(demo.shell, TABLE)


def test_the_table_names_only_what_is_there() -> None:
    assert TABLE.strangers([section for sections in SECTIONS.values() for section in sections]) == set()


def test_it_does_what_it_says(document: tuple[str, Trial]) -> None:
    path, trial = document
    problems = [problem for section in SECTIONS[path] for problem in trial.problems(section)]
    assert problems == [], "\n".join(problems)
