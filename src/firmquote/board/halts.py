"""Halts of a symbol: each is somebody's word, and trading goes on only when nobody's is left."""

from collections.abc import Iterable

from firmquote.board.line import Entry


def halt_entry(entry: Entry, source: str, cause: str) -> None:
    """Note that `source` says that trading is halted."""
    entry.halts[source] = cause


def resume_entry(entry: Entry, sources: Iterable[str] | None, *, now_ns: int) -> bool:
    """Take back what these sources (`None`: all) said; says whether that ended the halt.

    What was received before is not tradable any more: a resumption needs a fresh quote.
    """
    before = entry.halted
    for source in list(entry.halts) if sources is None else sources:
        entry.halts.pop(source, None)
    if not entry.halted:
        entry.resumed_ns = now_ns
    return before and not entry.halted


def lift_band(entry: Entry) -> bool:
    """Forget the price limits, which hold in regular hours alone; says whether there were any."""
    had, entry.band = entry.band is not None, None
    return had
