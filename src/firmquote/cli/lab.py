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
    delays: Annotated[
        list[str] | None,
        typer.Option("--wire-delay", help="How late one is: NAME=MILLISECONDS; may be repeated."),
    ] = None,
    free: Annotated[
        list[str] | None, typer.Option("--free-plan", help="Who sells only its free plan; may be repeated.")
    ] = None,
    tape: Annotated[Path | None, typer.Option(help="A directory with your own tape.")] = None,
    schedule: Annotated[Path | None, typer.Option(help="A file that says what goes wrong when.")] = None,
    speed: Annotated[float, typer.Option(help="How fast the tape is played.", min=0.1, max=100)] = 1.0,
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this long, e.g. 10s or 5m.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Serve a simulator of every provider, all replaying the same real ticks, for any client."""
    from firmquote.cli.running import serve_lab  # noqa: PLC0415 - the whole product is behind this import
    from firmquote.cli.simulators import lab_config, read_delays_ms, read_ports  # noqa: PLC0415 - and the simulators

    config = lab_config(speed, ports=read_ports(ports or []), delays_ms=read_delays_ms(delays or []), free=free or [])
    serve_lab(config, tape=tape, schedule=schedule, for_=for_, as_json=as_json)


@lab.command()
def fault(
    provider: Annotated[str, typer.Argument(help="Whose simulator, e.g. polygon.")],
    name: Annotated[str, typer.Argument(help="The fault, e.g. disconnect, freeze, http-429; `clear` ends all.")],
    for_: Annotated[str | None, typer.Option("--for", help="For how long, e.g. 10s; without it until cleared.")] = None,
    symbols: Annotated[list[str] | None, typer.Option("--symbol", help="Only this symbol; may be repeated.")] = None,
    magnitude: Annotated[float | None, typer.Option(help="How strong; its unit is the fault's own.")] = None,
    port: Annotated[
        int | None, typer.Option(envvar="FIRMQUOTE_LAB_PORT", help="The simulator's port, if it is not the usual one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Break a running simulator (of `firmquote demo` or `firmquote lab serve`) in a named manner."""
    from firmquote.cli.simulators import usual_port  # noqa: PLC0415 - the simulators are behind this import

    url = f"http://127.0.0.1:{port or usual_port(provider)}"
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
