"""Pages that are made from the code are as the code is now."""

import re
import subprocess
import sys

from tests.docs.live_demo import ROOT


def test_every_generated_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_every_picture_of_the_page_is_small_and_used_with_words_for_who_cannot_see_it() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    used = [found for page in pages for found in re.findall(r"!\[(.*?)\]\((?:\S*/)?pictures/(\S+)\)", page.read_text())]
    pictures = {path.name: path.stat().st_size for path in (ROOT / "docs" / "pictures").iterdir()}
    assert {name for _, name in used} == set(pictures)
    assert [name for words, name in used if len(words) < 20] == []
    assert [name for name, size in pictures.items() if size > 200_000] == []
