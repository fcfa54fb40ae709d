"""`firmquote token`: who may use the API."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from firmquote.cli.durations import parse_seconds
from firmquote.cli.printing import Json, print_json

token = typer.Typer(help="Tokens of the API: named, scoped, with an end.", no_args_is_help=True)
StateDir = Annotated[
    Path, typer.Option(envvar="FIRMQUOTE_STATE_DIR", help="The gateway's serve.state_dir; no gateway need run.")
]
DEFAULT_STATE_DIR = Path("~/.local/state/firmquote")


@token.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what it is for; it goes into the audit trail.")],
    scope: Annotated[str, typer.Option(help="read, operate or admin.")] = "operate",
    for_: Annotated[str, typer.Option("--for", help="How long it holds, e.g. 8h or 90d.")] = "30d",
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Make a token and print it, once: only its hash is kept. A running gateway knows it within a second."""
    from firmquote.model.access import Scope  # noqa: PLC0415 - so that --help stays quick
    from firmquote.runtime import SystemClock  # noqa: PLC0415 - as above
    from firmquote.runtime.tokens import create_token  # noqa: PLC0415 - as above

    scopes = {one.label: one for one in Scope}
    if scope not in scopes:
        raise typer.BadParameter(f"{scope}: choose one of {', '.join(scopes)}.")
    secret = create_token(
        state_dir.expanduser(), name, scopes[scope], for_s=parse_seconds(for_), now_ns=SystemClock().now_ns()
    )
    if as_json:
        print_json({"name": name, "scope": scope, "token": secret.reveal()})
    else:
        typer.echo(secret.reveal())
        typer.echo(f"{name} may {scope} for {for_}. It is not shown again.", err=True)


@token.command("list")
def list_(state_dir: StateDir = DEFAULT_STATE_DIR, as_json: Json = False) -> None:
    """Show who has a token, for what and until when."""
    from firmquote.runtime import SystemClock  # noqa: PLC0415 - so that --help stays quick
    from firmquote.runtime.tokens import read_tokens  # noqa: PLC0415 - as above

    now_ns = SystemClock().now_ns()
    rows: list[dict[str, Any]] = [
        {"name": t.name, "scope": t.scope.label, "expires_ns": t.expires_ns, "good": t.is_good(now_ns)}
        for t in read_tokens(state_dir.expanduser()).tokens
    ]
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("There is no token but the operator's own.")
    for row in rows:
        ends = row["expires_ns"]
        until = "-" if ends is None else datetime.fromtimestamp(ends / 1e9, UTC).strftime("%Y-%m-%d %H:%M UTC")
        typer.echo(f"{row['name']:24}{row['scope']:10}{until}{'' if row['good'] else '  over'}")


@token.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The token's name.")],
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """End a token; a running gateway knows it within a second."""
    from firmquote.runtime import SystemClock  # noqa: PLC0415 - so that --help stays quick
    from firmquote.runtime.tokens import revoke_token  # noqa: PLC0415 - as above

    revoke_token(state_dir.expanduser(), name, now_ns=SystemClock().now_ns())
    if as_json:
        print_json({"name": name, "revoked": True})
    else:
        typer.echo(f"{name} opens nothing any more")
