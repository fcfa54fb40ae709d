"""Pages that are made from the code are as the code is now."""

import subprocess
import sys

from tests.docs.live_demo import ROOT


def test_every_generated_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)
