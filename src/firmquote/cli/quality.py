"""`firmquote quality`, `actions`, `halt` and `resume`."""

from typing import Annotated, Any

import typer

from firmquote.cli.client import DEFAULT_URL, fetch, operator_token
from firmquote.cli.printing import Json, Url, encode_path, print_json

quality = typer.Typer(help="How good is what arrives: verdicts, rates, examples.", invoke_without_command=True)
actions = typer.Typer(
    help="Corporate actions: what each source tells, and what conflicts.", invoke_without_command=True
)
Symbol = Annotated[str, typer.Argument(help="The symbol.")]
Why = Annotated[str, typer.Option(help="Why; it goes into the audit trail.")]


@quality.callback()
def show_quality(context: typer.Context, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show which provider is unfit for which symbol and why, rates of refusals and mismatches, examples and halts."""
    if context.invoked_subcommand is not None:
        return
    found = fetch(url, "/v1/quality")
    if as_json:
        print_json(found)
        return
    for one in found["providers"]:
        clock = "" if one["clock_offset_ms"] is None else f", clock {one['clock_offset_ms']:+.0f} ms"
        typer.echo(
            f"{one['provider']:14}refused {_rate(one['refused_rate'])}, differs {_rate(one['mismatch_rate'])} "
            f"of {one['compared']}{clock}{_doubt(one)}"
        )
        for reason, count in one["refused_by_reason"].items():
            typer.echo(f"    refused {count} as {reason.replace('_', ' ')}")
        for mismatch in one["mismatches"][:5]:
            typer.echo(f"    differs in {mismatch['symbol']}, {mismatch['session']}: {mismatch['rate']:.2%}")
        for example in one["examples"][-2:]:
            typer.echo(
                f"    e.g. {example['symbol']} {example['bid']:g}/{example['ask']:g} while {example['against']} stood "
                f"between {example['low']:g} and {example['high']:g}: {example['away_bps']:.1f} bps"
            )
    for verdict in found["verdicts"]:
        state = "in quarantine" if verdict["quarantined"] else "unfit" if verdict["excluded"] else "doubted"
        typer.echo(f"{verdict['symbol']:8}{verdict['provider']} is {state} ({verdict['reason']}): {verdict['words']}")
    for halt in found["halts"]:
        causes = "; ".join(f"{source}: {cause}" for source, cause in halt["causes"].items())
        typer.echo(f"{halt['symbol']:8}halted ({causes})")
    if found["own_clock_offset_ms"] is not None:
        typer.echo(f"Our own clock is {found['own_clock_offset_ms']:+.0f} ms off")


@quality.command()
def believe(
    symbol: Annotated[str, typer.Argument(help="A symbol in quarantine.")],
    provider: Annotated[str, typer.Argument(help="Whose price is right.")],
    reason: Why,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Believe the price on which a provider insists; ends a quarantine."""
    body = {"provider": provider, "reason": reason}
    found = fetch(url, f"/v1/quality/{encode_path(symbol)}/believe", body=body, token=operator_token(url))
    _print(found, f"{provider}'s price of {symbol} is believed", as_json=as_json)


@actions.callback()
def show_actions(context: typer.Context, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show corporate actions with their sources."""
    if context.invoked_subcommand is not None:
        return
    found = fetch(url, "/v1/actions")
    if as_json:
        print_json(found)
        return
    if not found["actions"]:
        typer.echo("No corporate action is known.")
    for one in found["actions"]:
        details = ", ".join(f"{k} {v}" for k, v in one["action"].items() if k not in ("type", "symbol", "effective"))
        typer.echo(f"{one['id']:32}{one['state'].replace('_', ' '):12}{details} ({', '.join(one['sources'])})")
    for conflict in found["conflicts"]:
        typer.echo(f"CONFLICT {conflict}")
    for doubt in found["doubts"]:
        typer.echo(f"NOT APPLIED {doubt}")
    for configured, now in found["names"].items():
        typer.echo(f"{configured} is called {now} now")


@actions.command()
def tell(
    action: Annotated[str, typer.Argument(help="JSON: type, symbol, effective and the fields of its type.")],
    reason: Why,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Tell a corporate action; it settles what providers tell differently."""
    import json  # noqa: PLC0415 - only here

    try:
        told: Any = json.loads(action)
    except ValueError as error:
        raise typer.BadParameter(f"{action!r} is no JSON ({error}).") from error
    found = fetch(url, "/v1/actions", body={"action": told, "reason": reason}, token=operator_token(url))
    _print(found, f"told; {len(found['actions'])} actions are known", as_json=as_json)


def halt(
    symbol: Annotated[str, typer.Argument(help="The symbol.")],
    reason: Why,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Halt trading in a symbol, until `resume`; it lasts over restarts."""
    _order_halt(symbol, url, halted=True, reason=reason, as_json=as_json)


def resume(
    symbol: Annotated[str, typer.Argument(help="The symbol.")],
    reason: Why,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Let trading in a symbol go on, whoever halted it, with its next fresh quote."""
    _order_halt(symbol, url, halted=False, reason=reason, as_json=as_json)


def _order_halt(symbol: str, url: str, *, halted: bool, reason: str, as_json: bool) -> None:
    body = {"halted": halted, "reason": reason}
    found = fetch(url, f"/v1/halts/{encode_path(symbol)}", body=body, token=operator_token(url))
    _print(found, f"{found['symbol']} is {'halted' if found['causes'] else 'not halted'}", as_json=as_json)


def _print(document: Any, words: str, *, as_json: bool) -> None:  # noqa: ANN401 - JSON
    if as_json:
        print_json(document)
    else:
        typer.echo(words)


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.3%}"


def _doubt(one: dict[str, Any]) -> str:
    return "" if one["doubt"] is None else f" [{one['doubt']}]"
