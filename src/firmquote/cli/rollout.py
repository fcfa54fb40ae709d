"""`firmquote rollout`: how far live quotes are trusted, and why not further."""

from typing import Annotated, Any

import typer

from firmquote.cli.client import DEFAULT_URL, fetch, operator_token
from firmquote.cli.printing import Json, Url, print_json

rollout = typer.Typer(help="Stages off, shadow, canary, priority, full; their gates.", invoke_without_command=True)
Reason = Annotated[str, typer.Option(help="Why; it goes into the audit trail.")]


@rollout.callback()
def show(context: typer.Context, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show the stage, the gates, and what stands in the way of the next stage."""
    if context.invoked_subcommand is None:
        _tell(fetch(url, "/v1/rollout"), as_json=as_json)


@rollout.command()
def promote(
    reason: Reason,
    force: Annotated[bool, typer.Option("--force", help="Although gates have not passed.")] = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Go one stage further."""
    _order("promote", {"reason": reason, "forced": force}, url, as_json=as_json)


@rollout.command()
def rollback(
    reason: Reason,
    to: Annotated[str | None, typer.Option(help="off, shadow, canary or priority; without it one stage.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Go back at once."""
    _order("rollback", {"reason": reason, "to": to}, url, as_json=as_json)


@rollout.command()
def hold(reason: Reason, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Let nothing be promoted. A breach still rolls back."""
    _order("hold", {"reason": reason}, url, as_json=as_json)


@rollout.command()
def resume(reason: Reason, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Let the rollout go on after a hold."""
    _order("hold", {"reason": reason, "held": False}, url, as_json=as_json)


@rollout.command()
def readmit(
    symbol: Annotated[str, typer.Argument(help="The symbol in quarantine.")],
    reason: Reason,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Take a symbol out of quarantine."""
    _order("readmit", {"reason": reason, "symbol": symbol}, url, as_json=as_json)


def _order(verb: str, body: object, url: str, *, as_json: bool) -> None:
    _tell(fetch(url, f"/v1/rollout/{verb}", body=body, token=operator_token(url)), as_json=as_json)


def _tell(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    from rich.console import Console  # noqa: PLC0415 - tables take a while to import
    from rich.table import Table  # noqa: PLC0415 - as above

    console = Console()
    console.print(f"Stage [bold]{found['stage']}[/], promoted by {found['approval']}")
    table = Table(box=None, header_style="bold")
    for name in ("GATE", "STATUS", "NOW", "LIMIT", "UNIT", "SAMPLES", "WHY"):
        table.add_column(name)
    for name, gate in found["gates"].items():
        now = "-" if gate["current"] is None else f"{gate['current']:.4g}"
        row = (name, gate["status"], now, f"{gate['threshold']:.4g}", gate["unit"], str(gate["samples"]))
        table.add_row(*row, gate["message"])
    console.print(table)
    if found["held"] is not None:
        console.print(f"Held: {found['held']}", highlight=False)
    if found["fallen"] is not None:
        fallen = found["fallen"]
        console.print(
            f"Fell by itself from {fallen['before']} to {fallen['after']}: {fallen['reason']}", highlight=False
        )
    for symbol, why in found["quarantined"].items():
        console.print(f"In quarantine: {symbol}: {why}", highlight=False)
    for obstacle in found["obstacles"]:
        console.print(f"In the way: {obstacle}", highlight=False)
