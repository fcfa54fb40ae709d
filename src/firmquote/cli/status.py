"""`firmquote status`, `firmquote doctor` and `firmquote watch`: what an operator looks at first."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from firmquote.cli.client import DEFAULT_URL, fetch
from firmquote.cli.printing import Json, Url, print_json

GRADES = ("firm", "indicative", "stale", "mock", "none")


def status(
    provider: Annotated[
        str | None, typer.Option(help="Judge this provider alone: exit 1 unless it is healthy.")
    ] = None,
    field: Annotated[str | None, typer.Option(help="Print one value of the JSON, e.g. health.active_provider.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show everything on one screen. Exit 1 when nothing can be traded on."""
    health = fetch(url, "/healthz/providers")
    quotes = fetch(url, "/v1/quotes")
    alerts = [alert for alert in fetch(url, "/v1/alerts")["alerts"] if alert["state"] != "resolved"]
    switches = [switch for switch in fetch(url, "/v1/switches")["switches"] if switch["engaged"]]
    named = [p for p in health["providers"] if p["name"] == provider]
    if provider is not None and not named:
        known = ", ".join(p["name"] for p in health["providers"])
        raise typer.BadParameter(f"{provider}: no such provider here. Choose one of: {known}.")
    well = named[0]["status"] == "healthy" if named else health["status"] != "failed"
    grades = {grade: sum(quote["grade"] == grade for quote in quotes) for grade in GRADES}
    document = {"health": health, "grades": grades, "alerts": alerts, "switches": switches, "well": well}
    names = {"providers": [p["name"] for p in health["providers"]], "symbols": [quote["symbol"] for quote in quotes]}
    if field is not None:
        typer.echo(_pick(document | names, field))
    elif as_json:
        print_json(document)
    else:
        for line in summary(health, quotes, alerts, switches, only=provider):
            typer.echo(line)
    if not well:
        raise typer.Exit(1)


def summary(
    health: dict[str, Any],
    quotes: list[dict[str, Any]],
    alerts: list[dict[str, Any]],
    switches: list[dict[str, Any]],
    *,
    only: str | None = None,
) -> list[str]:
    """Return the lines of the one screen."""
    grades = [f"{count} {g}" for g in GRADES if (count := sum(q["grade"] == g for q in quotes))]
    stage = f"stage {health['expansion_state']}, session {health['session']}"
    lines = [f"{health['status'].upper()}  {health['active_provider'] or 'nobody'} serves, {stage}"]
    lines += [f"because   {reason}" for reason in health["reasons"]]
    lines.append(f"board     {', '.join(grades)}")
    for p in health["providers"]:
        if only is None or p["name"] == only:
            budget = "" if p["budget_left_pct"] is None else f", {p['budget_left_pct']:.0f} % of its budget left"
            why = f": {p['why']}" if p["why"] else ""
            lines.append(f"provider  {p['name']:14}{p['role']:8}{p['status']}{why}{budget}")
    lines += [f"switch    {s['name']} is engaged: {s['held'][0]['reason'] or 'no reason'}" for s in switches]
    lines += [f"alert     {a['severity']} {a['name']} {a['subject']} ({a['id']}): {a['words']}" for a in alerts]
    if not alerts:
        lines.append("alert     none")
    return lines


def _pick(document: Any, field: str) -> str:  # noqa: ANN401 - JSON
    for step in field.split("."):
        if not isinstance(document, dict) or step not in document:
            known = ", ".join(document) if isinstance(document, dict) else "nothing below it"
            raise typer.BadParameter(f"--field {field}: there is no {step}; there is {known}.")
        document = document[step]
    return " ".join(map(str, document)) if isinstance(document, list) else str(document)


def doctor(
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="FIRMQUOTE_CONFIG", help="The configuration file.")
    ] = Path("config/live_feeds.yaml"),
    as_json: Json = False,
) -> None:
    """Say what stands in the way of `firmquote run` here: clock, limits, port, disk, state, keys, network."""
    from firmquote.runtime.doctor import examine  # noqa: PLC0415 - so that --help stays quick

    findings = examine(config, os.environ)
    if as_json:
        print_json([{"name": f.name, "verdict": f.verdict.value, "saw": f.saw, "do": f.do} for f in findings])
    else:
        width = max(len(finding.name) for finding in findings) + 2
        for finding in findings:
            advice = f" → {finding.do}" if finding.do else ""
            typer.echo(f"{finding.verdict.value:6}{finding.name:{width}}{finding.saw}{advice}")
    fails = sum(finding.verdict.value == "FAIL" for finding in findings)
    if not as_json:
        found = f"What has FAILed ({fails}) stands" if fails else "Nothing stands"
        typer.echo(f"{found} in the way of `firmquote run --config {config}` here. `firmquote demo` needs no keys.")
    if fails:
        raise typer.Exit(1)


def watch(url: Url = DEFAULT_URL) -> None:
    """Watch the gateway in this terminal: providers, board, alerts, live; q leaves."""
    from firmquote.cli.watching import Watching  # noqa: PLC0415 - the terminal's library takes a while to import

    Watching(url).run()
