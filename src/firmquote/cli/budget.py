"""`firmquote budget`: what was spent, what is left, and how to spend less."""

import json
from pathlib import Path
from typing import Annotated

import typer

from firmquote.cli.client import DEFAULT_URL, fetch
from firmquote.cli.durations import parse_seconds
from firmquote.cli.printing import Json, Url, print_json

ConfigPath = Annotated[Path, typer.Option("--config", "-c", envvar="FIRMQUOTE_CONFIG", help="The configuration file.")]
DEFAULT_CONFIG = Path("config/live_feeds.yaml")
budget = typer.Typer(help="Budgets: what was spent, what is left, and how to spend less.", invoke_without_command=True)


@budget.callback()
def show(context: typer.Context, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show what was spent, what is held back, what is left, and when it ends at today's pace."""
    if context.invoked_subcommand is not None:
        return
    found = fetch(url, "/v1/budget")
    if as_json:
        print_json(found)
        return
    from firmquote.cli.show_budget import print_budget  # noqa: PLC0415 - tables take a while to import

    print_budget(found)


@budget.command()
def advise(
    url: Url = DEFAULT_URL,
    symbols: Annotated[
        int | None, typer.Option(help="How many symbols; without it those that were asked for.", min=1)
    ] = None,
    interval: Annotated[
        str | None, typer.Option(help="How old a price may get, e.g. 10s; without it the present pace.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which plan fits the measured use, what costs most for least, and what would save, with the arithmetic."""
    import msgspec  # noqa: PLC0415 - so that --help stays quick

    from firmquote.model.budget import BudgetView  # noqa: PLC0415 - as above
    from firmquote.runtime import advise as find_advice  # noqa: PLC0415 - loads the providers

    view = msgspec.convert(fetch(url, "/v1/budget"), BudgetView)
    found = find_advice(view, symbols=symbols, interval_s=None if interval is None else parse_seconds(interval))
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    typer.echo(f"For {found.use.symbols} symbols, none older than {found.use.interval_s:g} s:")
    for fit in found.plans:
        typer.echo(f"  {fit.words}")
    typer.echo(f"Cheapest that fits: {found.cheapest.words if found.cheapest else 'none that is known here'}")
    for saving in found.savings:
        typer.echo(f"- {saving.words}")


@budget.command("begin-anew")
def begin_anew(
    config: ConfigPath = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Really forget what was spent.")] = False,
    as_json: Json = False,
) -> None:
    """Put a lost or damaged ledger aside and begin a new one: what was spent so far is forgotten."""
    from firmquote.runtime import ledger_path, load_config, state_dir  # noqa: PLC0415 - the whole product is behind it
    from firmquote.store import forget_ledger  # noqa: PLC0415 - as above

    if not yes:
        typer.echo("This forgets what was spent: every budget begins from 0. Say --yes to do it.", err=True)
        raise typer.Exit(1)
    settings = load_config(config)
    aside = [str(path) for path in forget_ledger(ledger_path(settings, state_dir(settings)))]
    if as_json:
        typer.echo(json.dumps({"put_aside": aside}))
    else:
        typer.echo(f"Put aside: {', '.join(aside) or 'nothing was there'}. The next start begins a new ledger.")
