"""The command line: thin, over `runtime` and the HTTP API."""

import sys
from types import TracebackType

__all__ = ["main"]


def main() -> None:
    """Run the command; an error that has a name is one line on stderr and its own exit code.

    Nothing that ends it shows a secret: neither one that was read, nor what has the form of one.
    """
    from typer.main import get_command  # noqa: PLC0415 - so that a traceback of an import is ours to show

    from firmquote.cli.app import app  # noqa: PLC0415 - likewise
    from firmquote.errors import FirmquoteError  # noqa: PLC0415 - likewise
    from firmquote.model.redaction import REDACTOR  # noqa: PLC0415 - likewise

    sys.excepthook = _show_uncaught
    try:
        get_command(app)(prog_name="firmquote")  # calling `app` would install typer's own hook
    except FirmquoteError as error:
        print(f"firmquote: {REDACTOR.text(str(error))}", file=sys.stderr)  # noqa: T201 - the command line's own voice
        sys.exit(error.exit_code)


def _show_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    from traceback import format_exception  # noqa: PLC0415 - only for a defect

    from firmquote.model.redaction import REDACTOR  # noqa: PLC0415 - likewise

    print(REDACTOR.text("".join(format_exception(kind, error, trace))), file=sys.stderr, end="")  # noqa: T201 - likewise
