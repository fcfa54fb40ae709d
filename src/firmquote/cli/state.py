"""`firmquote state`: back it up while the gateway runs; restore it, or take it back for an older version, while not."""

from pathlib import Path
from typing import Annotated

import typer

from firmquote.cli.client import DEFAULT_STATE
from firmquote.cli.printing import Json, print_json

state = typer.Typer(
    help="The state: ledger, switches, stage, books, audit. Back up, restore, downgrade.", no_args_is_help=True
)
Directory = Annotated[Path, typer.Option("--state-dir", envvar="FIRMQUOTE_STATE_DIR", help="serve.state_dir.")]
Archive = Annotated[Path, typer.Argument(help="The backup, a .tar.gz.")]


@state.command()
def backup(archive: Archive, state_dir: Directory = Path(DEFAULT_STATE), as_json: Json = False) -> None:
    """Copy the whole state; the gateway may go on running."""
    from firmquote.runtime.state_backup import back_up  # noqa: PLC0415 - so that --help stays quick

    files = back_up(state_dir.expanduser(), archive).files
    if as_json:
        print_json(files)
    else:
        typer.echo(f"{archive}: {len(files)} files of {state_dir}. Tokens are not in it.")


@state.command()
def restore(archive: Archive, state_dir: Directory = Path(DEFAULT_STATE), as_json: Json = False) -> None:
    """Put a backup in place of the state; the gateway must be stopped, and the old state is kept beside."""
    from firmquote.runtime.state_backup import restore as put_back  # noqa: PLC0415 - so that --help stays quick

    files = put_back(archive, state_dir.expanduser()).files
    if as_json:
        print_json(files)
    else:
        typer.echo(f"{state_dir}: {len(files)} files are back. The state before is in {state_dir}.before-restore.")


@state.command()
def downgrade(
    file: Annotated[Path, typer.Argument(help="The database that an older version refuses; it names it.")],
    to: Annotated[int, typer.Option(help="The version that the older Firmquote knows; it says so.", min=1)],
    state_dir: Directory = Path(DEFAULT_STATE),
    as_json: Json = False,
) -> None:
    """Take a database back for an older Firmquote, with everything in it; the gateway must be stopped."""
    from firmquote.runtime.state_backup import take_back  # noqa: PLC0415 - so that --help stays quick

    name = take_back(file.expanduser(), state_dir.expanduser(), to=to)
    if as_json:
        print_json({"file": str(file), "is": name, "version": to})
    else:
        typer.echo(f"{file}: the {name} is of version {to} again. Its copy from before is beside it.")
