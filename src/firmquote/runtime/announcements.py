"""Announcements of earnings, as an owner's file writes their symbols."""

from collections.abc import Callable, Collection, Sequence

import structlog
from msgspec.structs import replace

from firmquote.decision import Announcement
from firmquote.errors import UnknownSymbolError

SYMBOLS_TOLD = 10
"""Symbols that one line of the log names."""
_log = structlog.get_logger("firmquote")


def of_served(
    announcements: Sequence[Announcement], resolve: Callable[[str], str], served: Collection[str]
) -> list[Announcement]:
    """Return the announcements of what is served, under canonical symbols; say which keep nobody from anything."""
    found: list[Announcement] = []
    others: dict[str, None] = {}
    refused: list[str] = []
    for each in announcements:
        try:
            symbol = resolve(each.symbol)
        except UnknownSymbolError as error:
            refused.append(str(error))
            continue
        if symbol in served:
            found.append(replace(each, symbol=symbol))
        else:
            others[symbol] = None
    if refused:
        _log.error("announcements refused", count=len(refused), why=refused[:SYMBOLS_TOLD])
    if others:
        _log.warning("announcements of what is not served", count=len(others), symbols=list(others)[:SYMBOLS_TOLD])
    return found
