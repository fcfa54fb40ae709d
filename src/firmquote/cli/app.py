"""The commands."""

import os
from pathlib import Path
from typing import Annotated

import typer

from firmquote.cli.alerts import alerts
from firmquote.cli.audit import audit
from firmquote.cli.budget import budget
from firmquote.cli.client import CA_VARIABLE, DEFAULT_URL, fetch, operator_token
from firmquote.cli.decisions import decisions
from firmquote.cli.drill import drill
from firmquote.cli.lab import lab
from firmquote.cli.printing import Json, Url, encode_path, print_json
from firmquote.cli.quality import actions, halt, quality, resume
from firmquote.cli.replay import replay
from firmquote.cli.restart import restart
from firmquote.cli.rollout import rollout
from firmquote.cli.state import state
from firmquote.cli.status import doctor, status, watch
from firmquote.cli.switch import switch
from firmquote.cli.symbols import symbols
from firmquote.cli.token import token
from firmquote.cli.waiting import wait

EXIT_CODES = (
    "Exit codes: 0 done · 1 refused or failed · 2 configuration · 3 provider · 4 port in use · "
    "5 no gateway running · 6 unknown symbol · 7 our own files · 8 a budget is spent."
)
app = typer.Typer(
    help="Many providers in, one quote you can trade on.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(budget, name="budget")
app.add_typer(decisions, name="decisions")
app.add_typer(drill, name="drill")
app.add_typer(alerts, name="alerts")
app.add_typer(lab, name="lab")
app.add_typer(symbols, name="symbols")
app.add_typer(audit, name="audit")
app.add_typer(rollout, name="rollout")
app.add_typer(quality, name="quality")
app.add_typer(actions, name="actions")
app.command()(status)
app.command()(watch)
app.command()(doctor)
app.command()(wait)
app.command()(restart)
app.command()(halt)
app.command()(resume)
app.add_typer(switch, name="switch")
app.add_typer(token, name="token")
app.add_typer(state, name="state")
app.command()(replay)

ConfigPath = Annotated[Path, typer.Option("--config", "-c", envvar="FIRMQUOTE_CONFIG", help="The configuration file.")]
DEFAULT_CONFIG = Path("config/live_feeds.yaml")


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ca_file: Annotated[
        Path | None,
        typer.Option(envvar=CA_VARIABLE, help="PEM file of the authority to trust where the gateway is on https."),
    ] = None,
) -> None:
    """Many providers in, one quote you can trade on."""
    if ca_file is not None:
        os.environ[CA_VARIABLE] = str(ca_file)
    if version:
        from firmquote import __version__  # noqa: PLC0415 - only here

        typer.echo(f"firmquote {__version__}")
        raise typer.Exit
    del context


@app.command()
def run(
    config: ConfigPath = DEFAULT_CONFIG,
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this long, e.g. 10s or 5m.")] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Warm up beside the gateway that runs, go on in its place, let it end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the gateway with your providers and keys."""
    from firmquote.cli.running import start  # noqa: PLC0415 - the whole product is behind this import

    start(config, for_=for_, take_over=take_over, as_json=as_json)


@app.command()
def demo(
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this long, e.g. 10s or 5m.")] = None,
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes any free port.")] = 8090,
    tape: Annotated[Path | None, typer.Option(help="A directory with your own tape.")] = None,
    speed: Annotated[float, typer.Option(help="How fast the tape is played.", min=0.1, max=100)] = 1.0,
    as_json: Json = False,
) -> None:
    """Run the gateway with simulated providers that replay real ticks; no keys, no network."""
    from firmquote.cli.running import start_demo  # noqa: PLC0415 - the whole product is behind this import

    start_demo(for_=for_, port=port, tape=tape, speed=speed, as_json=as_json)


@app.command()
def check(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Check a configuration and its keys, and show what is in effect."""
    from firmquote.cli.running import check_config  # noqa: PLC0415 - the whole product is behind this import

    check_config(config, as_json=as_json)


@app.command()
def quote(
    wanted: Annotated[list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="Symbols; none shows all.")] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask the provider for these now, out of the operators' reserve.")
    ] = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show quotes with their grade and the reasons for it."""
    if refresh:
        token = operator_token(url)
        for symbol in wanted or []:
            fetch(url, f"/v1/quotes/{encode_path(symbol)}/refresh", body={}, token=token)
    found = (
        [fetch(url, f"/v1/quotes/{encode_path(symbol)}") for symbol in wanted] if wanted else fetch(url, "/v1/quotes")
    )
    if as_json:
        print_json(found[0] if wanted and len(wanted) == 1 else found)
    else:
        from firmquote.cli.show import print_quotes  # noqa: PLC0415 - tables take a while to import

        print_quotes(found)


@app.command()
def providers(url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show providers with their roles and health."""
    found = fetch(url, "/healthz/providers")
    if as_json:
        print_json(found)
    else:
        from firmquote.cli.show import print_providers  # noqa: PLC0415 - as above

        print_providers(found)


@app.command()
def reload(url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Read the configuration again; say what changed and what needs a restart."""
    found = fetch(url, "/v1/reload", body={}, token=operator_token(url))
    if as_json:
        print_json(found)
        return
    for key in found["changed"]:
        typer.echo(f"{key['key']}: {key['before']} → {key['after']}")
    for name in found["needs_restart"]:
        typer.echo(f"{name}: needs a restart")
    if not found["changed"] and not found["needs_restart"]:
        typer.echo("nothing changed")


@app.command()
def lines(
    provider: Annotated[str, typer.Argument(help="The provider.")], url: Url = DEFAULT_URL, as_json: Json = False
) -> None:
    """Show a provider's symbols one by one: served or not, how old, and why unfit."""
    found = fetch(url, f"/v1/providers/{encode_path(provider)}/lines")
    if as_json:
        print_json(found)
    else:
        from firmquote.cli.show import print_lines  # noqa: PLC0415 - as above

        print_lines(found)


@app.command()
def activate(
    name: Annotated[str, typer.Argument(help="The provider that shall serve.")],
    reason: Annotated[str, typer.Option(help="Why; it goes into the event log.")] = "operator's choice",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Let a provider serve from now on."""
    change = fetch(
        url, f"/v1/providers/{encode_path(name)}/activate", body={"reason": reason}, token=operator_token(url)
    )
    if as_json:
        print_json(change)
    else:
        typer.echo(f"{change['after']} serves now (before: {change['before']}). {change['cause']}")
