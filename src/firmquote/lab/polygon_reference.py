"""Polygon's reference endpoints as a simulator, from the dossier (polygon.md sections 1 and 3)."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Protocol

from aiohttp import web

from firmquote.lab.reference import ReferenceBook, figi
from firmquote.lab.times import eastern
from firmquote.model import Clock
from firmquote.symbols import Split

LIMIT_DEFAULT = 10
LIMIT_MAX = 1_000


class Desk(Protocol):
    """Whoever checks keys and limits, and counts."""

    def deny(self, request: web.Request) -> web.Response | None: ...

    def ok(self, body: dict[str, object]) -> web.Response: ...

    def error(self, status: int, word: str, words: str) -> web.Response: ...


class PolygonReferenceRest:
    """Splits, who had a ticker on a day, and what an instrument was called."""

    def __init__(self, book: ReferenceBook, clock: Clock, desk: Desk) -> None:
        self._book = book
        self._clock = clock
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """Return the endpoints."""
        return [
            web.get("/v3/reference/splits", self._checked(self._splits)),
            web.get("/v3/reference/tickers/{ticker}", self._checked(self._details)),
            web.get("/vX/reference/tickers/{identifier}/events", self._checked(self._events)),
        ]

    def _checked(
        self, answer: Callable[[web.Request], web.Response]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                return self._desk.deny(request) or answer(request)
            except ValueError as error:
                return self._desk.error(400, "ERROR", str(error))

        return handle

    def _splits(self, request: web.Request) -> web.Response:
        query = request.query
        first = date.fromisoformat(query.get("execution_date.gte", "0001-01-01"))
        wanted = query.get("ticker")
        rows = [
            {
                "execution_date": each.effective.isoformat(),
                "split_from": each.ratio.denominator,
                "split_to": each.ratio.numerator,
                "ticker": each.symbol,
                "id": f"E{number}",
            }
            for number, each in enumerate(self._book.actions)
            if isinstance(each, Split) and each.effective >= first and wanted in (None, each.symbol)
        ]
        limit = min(int(query.get("limit", LIMIT_DEFAULT)), LIMIT_MAX)
        return self._desk.ok({"results": sorted(rows, key=lambda row: str(row["execution_date"]))[::-1][:limit]})

    def _details(self, request: web.Request) -> web.Response:
        ticker = request.match_info["ticker"]
        today = eastern(self._clock.now_ns()).date()
        day = date.fromisoformat(request.query.get("date", today.isoformat()))
        listing = self._book.listing_on(ticker, day)
        if listing is None:
            return self._desk.error(404, "NOT_FOUND", "Ticker not found.")
        kind = {"market": "stocks", "locale": "us", "type": "CS", "currency_name": "usd"}
        active = listing.last.last_day is None
        return self._desk.ok(
            {
                "results": {
                    "ticker": ticker,
                    "name": listing.key,
                    "active": active,
                    "composite_figi": figi(listing),
                    **kind,
                }
            }
        )

    def _events(self, request: web.Request) -> web.Response:
        """A ticker is that of the instrument that has it today; anything else must be an identifier."""
        identifier = request.match_info["identifier"]
        today = eastern(self._clock.now_ns()).date()
        listing = self._book.listing_of(identifier) or self._book.listing_on(identifier, today)
        if listing is None:
            return self._desk.error(404, "NOT_FOUND", "Ticker not found.")
        events = [
            {"ticker_change": {"ticker": span.name}, "type": "ticker_change", "date": span.first_day.isoformat()}
            for span in listing.spans[::-1]
        ]
        results = {"name": listing.key, "composite_figi": figi(listing), "cik": "0000000000", "events": events}
        return self._desk.ok({"results": results})
