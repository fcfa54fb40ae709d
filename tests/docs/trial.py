"""Does what a document says, section by section, and holds it to its promises."""

import re
from collections.abc import Callable, Mapping, Sequence
from subprocess import CompletedProcess
from threading import Event

from msgspec import Struct
from tests.docs.documents import PROMISE, Section, Step

from firmquote.runtime import SystemClock

PATIENCE_S = 8.0
"""For how long a promise may be looked for: whoever types the commands takes seconds between them."""
LOOK_EVERY_S = 0.1
OWED = (
    "Add a command that looks behind it, in the same section, "
    f"with a line `{PROMISE} words` of what it shows then and does not show before."
)
NOTHING_PROVEN = (
    "Promise words that only this command brings about, "
    "or let `situations` in the table of the test make what the section is about."
)
Shell = Callable[[str], CompletedProcess[str]]


class Table(Struct, frozen=True, kw_only=True):
    """What a test must know about a document that the document does not say."""

    situations: Mapping[str, Sequence[str]] = {}
    """Section → commands that make what the section is about."""
    not_run: Mapping[str, str] = {}
    """Command → why it cannot be run here."""

    def strangers(self, sections: Sequence[Section]) -> set[str]:
        """Return what it names and the documents no longer have."""
        titles = {section.title for section in sections}
        commands = {step.command for section in sections for step in section.steps}
        return (self.situations.keys() - titles) | (self.not_run.keys() - commands)


class Trial:
    """Runs the sections of one document, one after the other."""

    def __init__(
        self,
        shell: Shell,
        table: Table,
        preface: Section | None = None,
        *,
        glance: Shell | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._patience_s = patience_s
        self._shell = shell
        self._glance = glance or shell  # for what is looked at beforehand
        self._table = table
        self._exports = [step.command for step in preface.steps if step.sets] if preface else []

    def prepare(self, section: Section) -> None:
        """Make the situation that the section is about."""
        for command in self._table.situations.get(section.title, ()):
            done = self._glance("\n".join([*self._exports, command]))
            assert done.returncode == 0, f"{section.title}: {command}\n{done.stdout}{done.stderr}"

    def problems(self, section: Section) -> list[str]:
        """Do what the section says, and return what is wrong with it."""
        steps = [step for step in section.steps if step.command not in self._table.not_run]
        found: list[str] = []
        acted = False
        for at, step in enumerate(steps):
            where = f"{section.document}:{step.line} `{step.command}`"
            if step.sets:
                self._exports.append(step.command)
                continue
            if step.looks:
                found += self._look(step, where)
            else:
                found += [] if acted else self._needs_proof(steps[at + 1 :], where)
                found += self._act(step, where)
            acted = not step.looks
        return found

    def _needs_proof(self, after: Sequence[Step], where: str) -> list[str]:
        """What an act changes is seen by looks behind it, and they must not show it before."""
        looks = [step for step in after if step.looks]
        if not looks:
            return [f"{where} changes something. {OWED}"]
        for step in reversed(looks):  # the last is the likeliest not to be so yet
            seen = self._glance("\n".join([*self._exports, _at_once(step.command)]))
            if step.missing(seen.stdout):
                return []
        shown = "; ".join(f"`{step.command}` → {', '.join(step.promises)}" for step in looks)
        return [f"{where}: what shall prove it ({shown}) was so before. {NOTHING_PROVEN}"]

    def _act(self, step: Step, where: str) -> list[str]:
        done = self._run(step.command)
        return _judge(step, done, where)

    def _look(self, step: Step, where: str) -> list[str]:
        if not step.promises:
            return [f"{where} promises nothing. Add `{PROMISE} words` under it: words that it prints."]
        begun_ns = SystemClock.monotonic_ns()
        while problems := _judge(step, self._run(step.command), where):
            if (SystemClock.monotonic_ns() - begun_ns) / 1e9 > self._patience_s:
                return problems
            Event().wait(LOOK_EVERY_S)
        return []

    def _run(self, command: str) -> CompletedProcess[str]:
        return self._shell("\n".join([*self._exports, command]))


def _judge(step: Step, done: CompletedProcess[str], where: str) -> list[str]:
    output = done.stdout + done.stderr
    missing = step.missing(output)
    if done.returncode == step.exit_code and not missing:
        return []
    why = f"exit code {done.returncode} instead of {step.exit_code}" if done.returncode != step.exit_code else ""
    words = f"{why}{' and ' if why and missing else ''}{'no ' + ', no '.join(map(repr, missing)) if missing else ''}"
    return [f"{where}: {words} in:\n{output}"]


def _at_once(command: str) -> str:
    return re.sub(r"--within \S+", "--within 0s", command)
