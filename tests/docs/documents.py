"""The commands of a document, with what it says that they do."""

import re
from pathlib import Path

from msgspec import Struct

PROMISE = "# →"
_HEADING = re.compile(r"^(?P<rank>#{1,4}) (?P<title>.+?)\s*$")
_HEREDOC = re.compile(r"<<-?\s*'?(?P<end>\w+)'?")
_GONE = re.compile(r"\(gone: (?P<words>.+)\)")
_EXIT = re.compile(r"exit (?P<code>\d+)")
_LOOK = re.compile(
    r"""
    (\S*/)? firmquote \s ( quote (?!.*--refresh) | providers | lines | status | doctor | check | wait | symbols
        | switch (\s--json)? $ | rollout (\s--json)? $ | alerts (\s--json|\skinds)? $ | quality (\s--json)? $
        | actions (\s--json)? $ | budget (\s(--json|advise.*))? $ | decisions | audit | token\slist | replay | drill
        | --version ) .*
    | curl \s (?!.*\s(-X|--request|-d|--data)\b).* | (ls|cat|grep|head|tail|stat|readlink|df|tar\s-t\w*) \s .*
    | systemctl \s (is-active|status|show) .* | journalctl .*
    | scripts/ (health-check|monitor-providers|monitor-transition|integrate-multi-provider)\.sh .*
    """,
    re.VERBOSE,
)


class Step(Struct, frozen=True, kw_only=True):
    """One command and the words that must be in what it prints."""

    line: int
    command: str
    promises: tuple[str, ...] = ()

    @property
    def looks(self) -> bool:
        """Whether it only looks; everything else acts."""
        return _LOOK.fullmatch(" ".join(self.command.replace("\\\n", " ").split())) is not None

    @property
    def sets(self) -> bool:
        """Whether it sets variables for what follows."""
        return self.command.startswith(("export ", "set -a"))

    @property
    def exit_code(self) -> int:
        """The exit code that it promises; 0 if it does not say."""
        found = [_EXIT.fullmatch(promise) for promise in self.promises]
        return next((int(one["code"]) for one in found if one), 0)

    def missing(self, output: str) -> list[str]:
        """Return the promises that `output` does not keep: `…` is anything within a line, `(gone: words)` is absent."""
        lines = "\n".join(" ".join(line.split()) for line in output.splitlines())
        return [promise for promise in self.promises if not _kept(promise, lines)]


class Section(Struct, frozen=True, kw_only=True):
    """What stands under one heading, up to the next heading of any rank."""

    document: str
    part: str
    """The heading of rank two above it, or its own."""
    title: str
    steps: tuple[Step, ...]


def read_sections(path: Path) -> list[Section]:
    """Return the sections of a document that have commands in blocks marked `sh`."""
    sections = []
    part = title = path.stem
    steps: list[Step] = []
    inside: str | None = None
    block: list[tuple[int, str]] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            if inside is None:
                inside, block = line.strip().removeprefix("```"), []
            else:
                steps += _steps(block) if inside == "sh" else []
                inside = None
        elif inside is not None:
            block.append((number, line))
        elif heading := _HEADING.match(line):
            sections.append(Section(document=path.name, part=part, title=title, steps=tuple(steps)))
            title, steps = heading["title"].strip("`"), []
            part = title if len(heading["rank"]) <= 2 else part
    sections.append(Section(document=path.name, part=part, title=title, steps=tuple(steps)))
    return [section for section in sections if section.steps]


def _steps(block: list[tuple[int, str]]) -> list[Step]:
    steps: list[Step] = []
    unfinished: list[str] = []
    until: str | None = None
    began = 0
    for number, line in block:
        text = line.strip()
        if not unfinished and (not text or text.startswith("#")):
            if text.startswith(PROMISE):
                promised = text.removeprefix(PROMISE).strip()
                assert steps, f"line {number}: a promise without a command"
                steps[-1] = Step(
                    line=steps[-1].line, command=steps[-1].command, promises=(*steps[-1].promises, promised)
                )
            continue
        began = began if unfinished else number
        unfinished.append(line)
        if until is None and (heredoc := _HEREDOC.search(line)):
            until = heredoc["end"]
        elif until is not None and text == until:
            until = None
        if until is None and not text.endswith("\\"):
            steps.append(_step(began, "\n".join(unfinished)))
            unfinished = []
    assert not unfinished, f"line {began}: a command without an end"
    return steps


def _step(line: int, text: str) -> Step:
    command, _, promised = text.partition(f"  {PROMISE}")
    command = re.sub(r"\s{2,}# .*$", "", command)
    return Step(line=line, command=command.strip(), promises=(promised.strip(),) if promised else ())


def _kept(promise: str, lines: str) -> bool:
    if _EXIT.fullmatch(promise):
        return True  # judged beside the output
    if gone := _GONE.fullmatch(promise):
        return not _kept(gone["words"], lines)
    pattern = "[^\n]*".join(re.escape(part.strip()) for part in " ".join(promise.split()).split("…"))
    return re.search(pattern, lines) is not None
