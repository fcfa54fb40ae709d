"""`firmquote audit`: who did what, and whether somebody touched the record of it. Reads files; no gateway need run."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from firmquote.cli.printing import Json, print_json
from firmquote.cli.token import DEFAULT_STATE_DIR, StateDir

audit = typer.Typer(help="The audit trail: who did what, and whether somebody touched it.", no_args_is_help=True)
Port = Annotated[int, typer.Option(help="The port of the gateway whose trail it is.")]


@audit.command()
def show(
    after: Annotated[int, typer.Option(help="Only records numbered above this.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100_000)] = 100,
    port: Port = 8090,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Show audit records, oldest first."""
    import msgspec  # noqa: PLC0415 - so that --help stays quick

    from firmquote.runtime.keeper import read_audit  # noqa: PLC0415 - as above

    entries = read_audit(_directory(state_dir, port), after=after, limit=limit)
    if as_json:
        print_json(msgspec.to_builtins(entries))
        return
    for entry in entries:
        at = datetime.fromtimestamp(entry.at_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
        r = entry.record
        typer.echo(f"{entry.n:>6} {at} {r.what:20} {r.target:20} {r.who} ({r.where}): {r.why}")


@audit.command()
def verify(
    head: Annotated[str | None, typer.Option(help="A hash that was kept elsewhere: finds a rewritten trail.")] = None,
    port: Port = 8090,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Read every byte of the trail and say what is wrong with it, and where; exit code 1 if anything is."""
    import msgspec  # noqa: PLC0415 - so that --help stays quick

    from firmquote.runtime.keeper import verify_audit  # noqa: PLC0415 - as above

    found = verify_audit(_directory(state_dir, port), head=head)
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        for problem in found.problems:
            typer.echo(f"{problem.kind}: {problem.file} line {problem.line}: {problem.words}")
        words = "nobody touched it" if found.good else "NOT AS IT WAS WRITTEN"
        typer.echo(f"{found.links} records in {found.segments} files, head {found.head_n} {found.head_hash}: {words}")
    if not found.good:
        raise typer.Exit(1)


def _directory(state_dir: Path, port: int) -> Path:
    return state_dir.expanduser() / f"gateway-{port}"
