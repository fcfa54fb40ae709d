"""Records the board's quotes while the gateway runs: noted in the event loop, written by a thread every minute."""

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path

import structlog

from firmquote.board import Reader
from firmquote.errors import StoreError
from firmquote.history import QuoteRow, Recorder
from firmquote.model import NS_PER_S, Clock, LastPrice, Quote

WRITE_EVERY_NS = 60 * NS_PER_S
_log = structlog.get_logger("firmquote")


class Recording:
    """Owned by the gateway; synthetic quotes are not worth keeping."""

    def __init__(self, reader: Reader, directory: Path, clock: Clock, day_at: Callable[[int], date]) -> None:
        self._reader = reader
        self.recorder = Recorder(directory)
        self._clock = clock
        self._day_at = day_at

    def note(self, *, keep: bool) -> None:
        """Keep what the symbols that changed show now, or pass it over; a row's time is when it was shown."""
        entries = self._reader.take()
        now_ns = self._clock.now_ns()
        for entry in entries if keep else ():
            line = entry.elected
            price = None if line is None or line.feed.synthetic else line.price
            if price is not None:
                self.recorder.note(_row(price, now_ns))

    async def run(self) -> None:
        """Write every minute, and what is left when cancelled."""
        try:
            while True:
                await self._clock.sleep_until(self._clock.monotonic_ns() + WRITE_EVERY_NS)
                await asyncio.to_thread(self._write)
        finally:
            self._write()

    def _write(self) -> None:
        rows = self.recorder.take()
        try:
            self.recorder.write(rows, self._day_at(self._clock.now_ns()))
        except StoreError as error:
            _log.error("quotes not recorded", rows=len(rows), error=str(error))


def _row(price: Quote | LastPrice, shown_ns: int) -> QuoteRow:
    if isinstance(price, LastPrice):
        return QuoteRow(shown_ns, price.symbol, price.provider, None, 0, None, 0, price.price, price.event_ns, 0)
    return QuoteRow(
        shown_ns,
        price.symbol,
        price.provider,
        price.bid,
        price.bid_size_shares,
        price.ask,
        price.ask_size_shares,
        None,
        price.event_ns,
        price.sequence,
    )
