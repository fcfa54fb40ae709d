"""`firmquote lab`: the provider simulators on their own, and what goes wrong with them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from firmquote.cli.client import fetch
from firmquote.cli.durations import parse_seconds

lab = typer.Typer(help="Provider simulators on loopback, and faults to inject into them.", no_args_is_help=True)


@lab.command()
def serve(
    ports: Annotated[
        list[str] | None, typer.Option("--port", help="Where one listens: NAME=PORT, 0 takes any; may be repeated.")
    ] = None,
    tape: Annotated[Path | None, typer.Option(help="A directory with your own tape.")] = None,
    schedule: Annotated[Path | None, typer.Option(help="A file that says what goes wrong when.")] = None,
    speed: Annotated[float, typer.Option(help="How fast the tape is played.", min=0.1, max=100)] = 1.0,
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this long, e.g. 10s or 5m.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Serve a simulator of every provider, all replaying the same real ticks, for any client."""
    from firmquote.cli.running import serve_lab  # noqa: PLC0415 - the whole product is behind this import

    serve_lab(ports=_ports(ports or []), tape=tape, schedule=schedule, speed=speed, for_=for_, as_json=as_json)


@lab.command()
def fault(
    provider: Annotated[str, typer.Argument(help="Whose simulator, e.g. polygon.")],
    name: Annotated[str, typer.Argument(help="The fault, e.g. disconnect, freeze, http-429; `clear` ends all.")],
    for_: Annotated[str | None, typer.Option("--for", help="For how long, e.g. 10s; without it until cleared.")] = None,
    symbols: Annotated[list[str] | None, typer.Option("--symbol", help="Only this symbol; may be repeated.")] = None,
    magnitude: Annotated[float | None, typer.Option(help="How strong; its unit is the fault's own.")] = None,
    port: Annotated[int | None, typer.Option(help="The simulator's port, if it is not the usual one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Break a running simulator (of `firmquote demo` or `firmquote lab serve`) in a named manner."""
    url = f"http://127.0.0.1:{port or _usual_port(provider)}"
    if name == "clear":
        status = fetch(url, "/lab/clear", body={})
    else:
        order: dict[str, object] = {"fault": name, "symbols": symbols or []}
        if for_ is not None:
            order["for_s"] = parse_seconds(for_)
        if magnitude is not None:
            order["magnitude"] = magnitude
        status = fetch(url, "/lab/fault", body=order)
    if as_json:
        typer.echo(json.dumps(status))
    elif "error" in status:
        raise typer.BadParameter(status["error"])
    else:
        typer.echo(f"{provider}: {', '.join(status['faults']) or 'no fault'} now")


def _usual_port(provider: str) -> int:
    from firmquote.lab import KINDS  # noqa: PLC0415 - the simulators are behind this import

    if provider not in KINDS:
        raise typer.BadParameter(f"{provider}: no such simulator. Choose one of: {', '.join(KINDS)}.")
    return KINDS[provider].port


def _ports(given: list[str]) -> dict[str, int]:
    ports = {}
    for text in given:
        name, _, number = text.partition("=")
        _usual_port(name)
        if not number.isdecimal() or int(number) > 65_535:
            raise typer.BadParameter(f"--port {text}: write NAME=PORT, e.g. polygon=9001, or polygon=0 for any.")
        ports[name] = int(number)
    return ports
