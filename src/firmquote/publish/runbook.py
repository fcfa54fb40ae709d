"""The operational runbook, as the package carries it: whole, or the section of one alert."""

import re
from functools import cache
from pathlib import Path

_NAME = "OPERATIONAL-RUNBOOK.md"
_PACKAGED = Path(__file__).parent / _NAME
"""Where a wheel has it."""
_IN_THE_REPOSITORY = Path(__file__).parents[3] / "docs" / _NAME
_HEADING = re.compile(r"^(#{2,4}) (.+?)\s*$", re.MULTILINE)


@cache
def runbook_text() -> str:
    """Return the whole runbook."""
    return (_PACKAGED if _PACKAGED.is_file() else _IN_THE_REPOSITORY).read_text()


def runbook_section(name: str) -> str | None:
    """Return the section whose heading is `name`, up to the next heading of its rank or above; `None` without one."""
    text = runbook_text()
    headings = list(_HEADING.finditer(text))
    for at, heading in enumerate(headings):
        if heading[2].strip("`") != name:
            continue
        following = (h for h in headings[at + 1 :] if len(h[1]) <= len(heading[1]))
        end = next(following, None)
        return text[heading.start() : None if end is None else end.start()].rstrip() + "\n"
    return None
