"""Options that many commands share, and JSON on stdout."""

import json
import sys
from typing import Annotated, Any
from urllib.parse import quote

import typer

Url = Annotated[str, typer.Option(envvar="FIRMQUOTE_URL", help="Where the gateway listens.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def encode_path(text: str) -> str:
    """Return `text` as one step of a URL's path."""
    return quote(text, safe="")


def print_json(document: Any) -> None:  # noqa: ANN401 - JSON
    """Print `document`."""
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")
