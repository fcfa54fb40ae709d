"""`firmquote symbols`: what a text means, and how each provider writes it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

symbols = typer.Typer(help="Symbols: what a text means, and how each provider writes it.", no_args_is_help=True)


@symbols.command()
def explain(
    text: Annotated[str, typer.Argument(help="A symbol, canonical or as you would type it.")],
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Meant on this day; needs --map-files or --from."),
    ] = None,
    map_files: Annotated[Path | None, typer.Option(help="A folder of ticker histories (map files).")] = None,
    provider: Annotated[
        str | None,
        typer.Option("--from", help="Ask this provider (polygon) what the files do not know; counts as spent."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", envvar="FIRMQUOTE_CONFIG", help="Take overrides, aliases, keys and budgets from here."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain a symbol."""
    import asyncio  # noqa: PLC0415 - so that --help stays quick

    import msgspec  # noqa: PLC0415 - as above

    from firmquote.runtime import explain_symbol  # noqa: PLC0415 - as above

    day = None if as_of is None else as_of.date()
    asked = explain_symbol(text, as_of=day, map_files=map_files, config_path=config, provider=provider)
    found = asyncio.run(asked)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    renamed = "" if found.current == found.canonical else f", now {found.current}"
    typer.echo(f"{found.typed} means {found.canonical} ({found.kind.replace('_', ' ')}{renamed})")
    for name, spelling in found.spellings.items():
        typer.echo(f"  {name:14}{spelling}")
    for name, refusal in found.refusals.items():
        typer.echo(f"  {name:14}- {refusal}")
    for span in found.names:
        typer.echo(f"  {span.name} from {span.first_day} until {span.last_day or 'today'}")
    for note in found.notes:
        typer.echo(f"  {note}")
