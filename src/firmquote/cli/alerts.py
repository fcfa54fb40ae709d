"""`firmquote alerts`: what fires, who is on it, and whether the channels work."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from firmquote.cli.client import DEFAULT_URL, fetch, operator_token

alerts = typer.Typer(help="Alerts: what fires, taking one, trying the channels.", invoke_without_command=True)
Url = Annotated[str, typer.Option(envvar="FIRMQUOTE_URL", help="Where the gateway listens.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DEFAULT_CONFIG = Path("config/live_feeds.yaml")
Reason = Annotated[str, typer.Option(help="Why, or what is being done.")]


@alerts.callback()
def show(context: typer.Context, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show what fires, worst first, and where its runbook section is."""
    if context.invoked_subcommand is not None:
        return
    report = fetch(url, "/v1/alerts")
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    firing = [alert for alert in report["alerts"] if alert["state"] != "resolved"]
    for alert in firing:
        _print(alert)
    if not firing:
        typer.echo("No alert fires.")
    for name, state in report["channels"].items():
        typer.echo(f"channel {name}: {state}")


@alerts.command()
def ack(
    number: Annotated[int, typer.Argument(help="The alert's number.")],
    reason: Reason,
    who: Annotated[str, typer.Option(help="Your name.")] = "operator",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Take an alert: no reminder and no escalation until it resolves."""
    body = {"reason": reason, "who": who}
    alert = fetch(url, f"/v1/alerts/{number}/acknowledge", body=body, token=operator_token(url))
    typer.echo(json.dumps(alert) if as_json else f"{alert['name']} {alert['subject']}: {who} is on it.")


@alerts.command("test")
def try_channels(url: Url = DEFAULT_URL, reason: Reason = "a test of the channels", as_json: Json = False) -> None:
    """Fire an alert that means nothing, so that every channel shows whether it works."""
    report = fetch(url, "/v1/alerts/test", body={"reason": reason}, token=operator_token(url))
    words = (
        ", ".join(report["channels"])
        or "none, so it only goes to the log; see alerts in docs/reference/configuration.md"
    )
    typer.echo(json.dumps(report) if as_json else f"A test alert is on its way. Channels: {words}.")


@alerts.command()
def guard(
    config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's: its channels.")] = DEFAULT_CONFIG,
    url: Url = DEFAULT_URL,
    every: Annotated[str, typer.Option(help="How often the gateway is asked, e.g. 5s.")] = "5s",
    host: Annotated[str, typer.Option(help="Where to listen for those who follow an alert's link.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port for that; 0 takes any free one.")] = 8091,
    as_json: Json = False,
) -> None:
    """Watch a gateway from outside and tell people when it is gone; runs until it is stopped."""
    from firmquote.cli.guarding import stand_guard  # noqa: PLC0415 - so that --help stays quick

    stand_guard(config, url=url, every=every, host=host, port=port, as_json=as_json)


@alerts.command()
def kinds(as_json: Json = False) -> None:
    """List every alert there is."""
    from firmquote.publish.alerting import KINDS  # noqa: PLC0415 - so that --help stays quick

    if as_json:
        typer.echo(json.dumps({k.name: {"severity": k.severity.value, "means": k.means} for k in KINDS.values()}))
        return
    for kind in KINDS.values():
        typer.echo(f"{kind.name:22}{kind.severity.value:10}{kind.means}")


def _print(alert: dict[str, Any]) -> None:
    mine = "" if alert["acknowledged_by"] is None else f" (taken by {alert['acknowledged_by']})"
    typer.echo(f"{alert['severity'].upper()} {alert['name']} {alert['subject']} (alert {alert['id']}){mine}")
    typer.echo(f"  {alert['words']}")
    typer.echo(f"  {alert['runbook']}")
