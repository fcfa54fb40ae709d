"""What the tests of documents refuse: a promise that is not kept, one that proves nothing, none at all."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.docs.documents import read_sections
from tests.docs.trial import NOTHING_PROVEN, OWED, Table, Trial


class Machine:
    """A shell on which `firmquote activate NAME` changes what `firmquote providers` prints, unless it is broken."""

    def __init__(self, *, broken: bool) -> None:
        self.broken = broken
        self.active = "alphavantage"

    def __call__(self, command: str) -> CompletedProcess[str]:
        words = command.replace("\\\n", "").split()
        if words[1] == "activate" and not self.broken:
            self.active = words[2]
        output = f"{words[2]} serves now" if words[1] == "activate" else f"PROVIDER   ROLE\n{self.active}   active"
        return CompletedProcess(words, 0, output, "")


ACT = "firmquote activate polygon\n# → polygon serves now\n"
LOOK = "firmquote providers\n# → polygon active\n"


@pytest.mark.parametrize(
    ("block", "broken", "words"),
    [
        pytest.param(ACT + LOOK, False, None, id="it does what it says"),
        pytest.param(ACT + LOOK, True, "no 'polygon active'", id="it only says that it did"),
        pytest.param(ACT, False, OWED, id="nothing shows that it did"),
        pytest.param(ACT + "firmquote providers\n# → active\n", False, NOTHING_PROVEN, id="it was so before"),
        pytest.param(ACT + "firmquote providers\n# → (gone: alphavantage active)\n", False, None, id="it is gone"),
        pytest.param(ACT + "firmquote providers\n# → (gone: active)\n", False, "no '(gone", id="it is not gone"),
        pytest.param("firmquote providers\n", False, "promises nothing", id="no promise"),
        pytest.param("firmquote providers   # → PROVIDER … ROLE\n", False, None, id="on the same line"),
        pytest.param("firmquote providers\n# → exit 1\n", False, "exit code 0 instead of 1", id="exit code"),
        pytest.param("firmquote activate \\\n  polygon\n" + LOOK, False, None, id="a command of two lines"),
    ],
)
def test_a_document_is_held_to_its_promises(tmp_path: Path, block: str, broken: bool, words: str | None) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n## Move it\n\n```sh\n{block}```\n\n```text\nfirmquote nonsense\n```\n")
    (section,) = read_sections(page)
    found = Trial(Machine(broken=broken), Table(), patience_s=0).problems(section)
    assert bool(found) == (words is not None), found
    assert words is None or words in found[0]
    assert all(one.startswith("page.md:") for one in found)


def test_what_cannot_be_run_is_named_with_its_reason(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\nfirmquote run\nfirmquote providers\n# → active\n```\n")
    (section,) = read_sections(page)
    table = Table(not_run={"firmquote run": "it needs keys"})
    assert Trial(Machine(broken=False), table).problems(section) == []
