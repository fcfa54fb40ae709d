"""The command line: thin, over `runtime` and the HTTP API."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; an error that has a name is one line on stderr and its own exit code."""
    from firmquote.cli.app import app  # noqa: PLC0415 - so that a traceback of an import is ours to show
    from firmquote.errors import FirmquoteError  # noqa: PLC0415 - likewise

    try:
        app(prog_name="firmquote")
    except FirmquoteError as error:
        print(f"firmquote: {error}", file=sys.stderr)  # noqa: T201 - the command line's own voice
        sys.exit(error.exit_code)
