"""`firmquote switch`: stop something at once, and let it go again."""

from typing import Annotated, Any

import typer

from firmquote.cli.client import DEFAULT_URL, fetch, operator_token
from firmquote.cli.durations import parse_seconds
from firmquote.cli.printing import Json, Url, encode_path, print_json

switch = typer.Typer(help="Kill switches: stop something at once, and let it go again.", invoke_without_command=True)
Name = Annotated[
    str,
    typer.Argument(
        help="quotes, halts, news, decisions, force_mock, all, provider:NAME or symbol:SYMBOL.", metavar="SWITCH"
    ),
]


@switch.callback()
def show(context: typer.Context, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show all switches, who holds them, and what they forbid together."""
    if context.invoked_subcommand is not None:
        return
    found = fetch(url, "/v1/switches")
    if as_json:
        print_json(found)
        return
    for one in found["switches"]:
        typer.echo(f"{one['name']:20}{_holders(one)}")
    forbidden = [name.replace("_", " ") for name, off in found["forbidden"].items() if off]
    typer.echo(f"Forbidden: {', '.join(forbidden) or 'nothing'}")
    if found["lease_left_s"] is not None:
        typer.echo(f"Lease: {found['lease_left_s']:.0f} s left")
    if not found["persisted"]:
        typer.echo(f"NOT ON THE DISK: {found['trouble'] or 'being written'}")


@switch.command()
def engage(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it goes into the audit trail.")] = "",
    for_: Annotated[str | None, typer.Option("--for", help="Release by itself after this long, e.g. 10m.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Pull a switch. It is in effect before this returns, and stays until it is released."""
    body: dict[str, object] = {"engaged": True, "reason": reason}
    if for_ is not None:
        body["for_s"] = parse_seconds(for_)
    _order(name, body, url, as_json=as_json)


@switch.command()
def release(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why it is safe again; it goes into the audit trail.")],
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Let go of a switch."""
    _order(name, {"engaged": False, "reason": reason}, url, as_json=as_json)


@switch.command()
def renew(url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Renew the dead man's lease (safety.dead_man_s)."""
    found = fetch(url, "/v1/lease", body={}, token=operator_token(url))
    if as_json:
        print_json(found)
    elif found["lease_left_s"] is None:
        typer.echo("no lease is configured (safety.dead_man_s)")
    else:
        typer.echo(f"renewed: {found['lease_left_s']:.0f} s")


def _order(name: str, body: object, url: str, *, as_json: bool) -> None:
    found = fetch(url, f"/v1/switches/{encode_path(name)}", body=body, token=operator_token(url))
    if as_json:
        print_json(found)
        return
    took_ms = (found["effective_ns"] - found["accepted_ns"]) / 1e6
    kept = "" if found["persisted"] else " NOT ON THE DISK: it would not survive a restart."
    typer.echo(f"{found['words']} (in effect after {took_ms:.1f} ms).{kept}")


def _holders(one: dict[str, Any]) -> str:
    if not one["engaged"]:
        return "-"
    held = "; ".join(f"{h['by']} ({h['source']}): {h['reason']}" for h in one["held"])
    proposal = one["release_proposed_by"]
    return f"ENGAGED by {held}" + (f" [release proposed by {proposal}]" if proposal else "")
