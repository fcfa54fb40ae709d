"""Write the pages that are made from the code: `python docs/generate.py`; a test fails when one is not up to date."""

import re
import sys
from pathlib import Path
from typing import Any, get_args

import generate_reference
import msgspec
from typer.main import get_command

from firmquote.cli.app import app
from firmquote.publish.alerting import KINDS, MODES
from firmquote.runtime.config import Config

DOCS = Path(__file__).parent
NOTE = "<!-- made by docs/generate.py; edit the code it is made from -->"
FENCE = "```"


def failure_modes() -> str:
    """Return the page of the registry in `publish/alerting/modes.py`."""
    lines = [
        NOTE, "# Failure modes", "",
        "Each way in which Firmquote is known to fail, made from the registry in `publish/alerting/modes.py`.",
        "A drill is a test of `make test` or of `make proof`.",
        "`pytest tests/house/test_failure_modes.py` fails when a column is empty, or a drill is run by neither.",
        "", "| what fails | how it is seen | alert and runbook | what happens by itself | drill |",
        "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for mode in MODES:
        link = f"[`{mode.alert}`](OPERATIONAL-RUNBOOK.md#{mode.alert})"
        drill = mode.drill.replace("::", "`, `")
        lines.append(f"| {mode.name} | {mode.detection} | {link} | {mode.reaction} | `{drill}` |")
    return "\n".join(lines) + "\n"


def alerts() -> str:
    """Return the page of every alert."""
    lines = [
        NOTE, "# Alerts", "",
        "Each links to its section of the [runbook](../OPERATIONAL-RUNBOOK.md).",
        "", "| alert | severity | lasts before it fires | meaning |", "| --- | --- | --- | --- |",
    ]  # fmt: skip
    for kind in KINDS.values():
        link = f"[`{kind.name}`](../OPERATIONAL-RUNBOOK.md#{kind.name})"
        lines.append(f"| {link} | {kind.severity.value} | {kind.after_s:g} s | {kind.means} |")
    return "\n".join(lines) + "\n"


def commands() -> str:
    """Return every command with its options, as the parser knows them."""
    lines = [
        NOTE,
        "# Every command and option",
        "",
        "[Command line](cli.md) has the overview, exit codes and variables.",
    ]
    lines += _command("firmquote", get_command(app))
    return "\n".join(lines) + "\n"


def _command(name: str, command: Any) -> list[str]:  # noqa: ANN401 - click's own types are typer's private matter
    lines: list[str] = []
    if name != "firmquote":
        lines += ["", f"## {name}", "", (command.help or "").strip()]
        rows = [row for parameter in command.params if (row := _parameter(parameter))]
        if rows:
            lines += ["", "| option | meaning |", "| --- | --- |", *rows]
    for sub in sorted(getattr(command, "commands", {})):
        lines += _command(f"{name} {sub}", command.commands[sub])
    return lines


def _parameter(parameter: Any) -> str | None:  # noqa: ANN401 - as above
    if parameter.name == "help":
        return None
    names = ", ".join(f"`{text}`" for text in parameter.opts) if parameter.param_type_name == "option" else (
        f"`{(parameter.metavar or parameter.name).upper()}`"
    )  # fmt: skip
    words = (getattr(parameter, "help", None) or "").replace("|", "\\|")
    variable = f" Or `{parameter.envvar}`." if parameter.envvar else ""
    needed = " Needed." if parameter.required and parameter.param_type_name == "option" else ""
    return f"| {names} | {words}{needed}{variable} |"


def configuration() -> str:
    """Return every key with its type and default, as the decoder knows them."""
    lines = [
        NOTE, "# Every key", "",
        "[Configuration](configuration.md) says what they mean; this list is from the types that decode the file.",
        "", "| key | type | default |", "| --- | --- | --- |", *_keys("", Config),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _keys(prefix: str, struct: type[msgspec.Struct]) -> list[str]:
    rows = []
    for field in msgspec.structs.fields(struct):
        key = f"{prefix}{field.encode_name}"
        nested = _nested(field.type)
        if nested is not None and not _is_mapping(field.type):
            rows += _keys(f"{key}.", nested)
            continue
        default = "needed" if field.required else f"`{_shown(field)}`"
        rows.append(f"| `{key}` | {_type_name(field.type)} | {default} |")
        if nested is not None:
            rows += _keys(f"{key}.NAME.", nested)
    return rows


def _is_mapping(annotation: Any) -> bool:  # noqa: ANN401 - an annotation
    return "dict[" in str(annotation) or "tuple[" in str(annotation)


def _nested(annotation: Any) -> type[msgspec.Struct] | None:  # noqa: ANN401 - an annotation
    for candidate in (annotation, *(deep for part in get_args(annotation) for deep in (part, *get_args(part)))):
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            return candidate
    return None


def _type_name(annotation: Any) -> str:  # noqa: ANN401 - an annotation
    args = get_args(annotation)
    if "Annotated" in str(annotation) and args and hasattr(annotation, "__metadata__"):
        annotation = args[0]
    text = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    text = re.sub(r"typing\.|Annotated\[(\w+), [^\]]*\)\]|firmquote\.[\w.]+\.", lambda m: m[1] or "", text)
    return text.replace("|", "or").replace("NoneType", "None")


def _shown(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return msgspec.json.encode(msgspec.to_builtins(value, enc_hook=str)).decode().replace("|", "\\|")


PAGES = {
    "failure-modes.md": failure_modes,
    "reference/api.md": generate_reference.api,
    "reference/errors.md": generate_reference.error_page,
    "reference/metrics.md": generate_reference.metrics,
    "reference/alerts.md": alerts,
    "reference/commands.md": commands,
    "reference/keys.md": configuration,
}


def main() -> int:
    """Write every page, or with `--check` say which is not up to date."""
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text)
    if "--check" in sys.argv and stale:
        print(f"not up to date: {', '.join(stale)}. Run: python docs/generate.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
