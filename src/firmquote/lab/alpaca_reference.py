"""Alpaca's corporate actions as a simulator, from the dossier (alpaca.md section 3)."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from aiohttp import web

from firmquote.lab.reference import ReferenceBook
from firmquote.lab.times import eastern
from firmquote.model import Clock
from firmquote.symbols import (
    Acquisition,
    CorporateAction,
    Delisting,
    Dividend,
    Rename,
    SpinOff,
    Split,
    action_id,
)

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
PAID_AFTER = timedelta(days=30)
"""A dividend is processed when it is paid."""
CUSIP = "000000000"


class Desk(Protocol):
    """Whoever checks keys and limits, and counts."""

    def deny(self, request: web.Request) -> web.Response | None: ...

    def ok(self, body: dict[str, object]) -> web.Response: ...

    def error(self, status: int, words: str) -> web.Response: ...


class AlpacaReferenceRest:
    """`/v1/corporate-actions`, in pages, by process date."""

    def __init__(self, book: ReferenceBook, clock: Clock, desk: Desk) -> None:
        self._book = book
        self._clock = clock
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """Return the endpoint."""
        return [web.get("/v1/corporate-actions", self._handle)]

    async def _handle(self, request: web.Request) -> web.Response:
        denied = self._desk.deny(request)
        if denied is not None:
            return denied
        query = request.query
        today = eastern(self._clock.now_ns()).date().isoformat()
        try:
            first, last = (date.fromisoformat(query.get(name, today)) for name in ("start", "end"))
            limit, offset = int(query.get("limit", LIMIT_DEFAULT)), int(query.get("page_token", 0))
        except ValueError as error:
            return self._desk.error(400, str(error))
        if not 1 <= limit <= LIMIT_MAX:
            return self._desk.error(400, f"limit must be between 1 and {LIMIT_MAX}")
        symbols, kinds = (set(filter(None, query.get(name, "").split(","))) for name in ("symbols", "types"))
        rows = sorted(
            (
                (kind, row)
                for action in self._book.actions
                for kind, row in _rows(action)
                if (not symbols or symbols & {str(value) for key, value in row.items() if key.endswith("symbol")})
                and (not kinds or kind.removesuffix("s") in kinds)
                and first.isoformat() <= str(row["process_date"]) <= last.isoformat()
            ),
            key=lambda each: str(each[1]["process_date"]),
            reverse=query.get("sort") == "desc",
        )
        page: dict[str, list[dict[str, object]]] = {}
        for kind, row in rows[offset : offset + limit]:
            page.setdefault(kind, []).append(row)
        more = str(offset + limit) if offset + limit < len(rows) else None
        return self._desk.ok({"corporate_actions": page, "next_page_token": more})


def _rows(action: CorporateAction) -> Iterator[tuple[str, dict[str, object]]]:
    day = action.effective.isoformat()
    common = {"id": str(uuid5(NAMESPACE_URL, action_id(action))), "process_date": day}
    one = {**common, "symbol": action.symbol}
    merger = {**common, "acquiree_symbol": action.symbol, "acquiree_cusip": CUSIP, "effective_date": day}
    match action:
        case Split(ratio=ratio):
            rates = {"new_rate": float(ratio.numerator), "old_rate": float(ratio.denominator), "ex_date": day}
            if ratio > 1:
                yield "forward_splits", {**one, **rates, "cusip": CUSIP}
            else:
                yield "reverse_splits", {**one, **rates, "old_cusip": CUSIP, "new_cusip": CUSIP}
        case Dividend(cash_usd=usd):
            paid = (action.effective + PAID_AFTER).isoformat()
            kind = {"cusip": CUSIP, "special": False, "foreign": False}
            days = {"ex_date": day, "record_date": day, "payable_date": paid, "process_date": paid}
            yield "cash_dividends", {**one, **kind, "rate": usd, **days}
        case SpinOff(child=child, child_shares=shares):
            source = {"source_symbol": action.symbol, "source_cusip": CUSIP, "source_rate": float(shares.denominator)}
            new = {"new_symbol": child, "new_cusip": CUSIP, "new_rate": float(shares.numerator)}
            yield "spin_offs", {**common, **source, **new, "ex_date": day}
        case Acquisition(acquirer=None, cash_usd=usd):
            yield "cash_mergers", {**merger, "rate": usd}
        case Acquisition(acquirer=acquirer, acquirer_shares=shares, cash_usd=usd):
            buyer = {"acquirer_symbol": acquirer, "acquirer_cusip": CUSIP, "acquirer_rate": float(shares)}
            stock: dict[str, object] = {**merger, **buyer, "acquiree_rate": 1.0}
            yield ("stock_and_cash_mergers", {**stock, "cash_rate": usd}) if usd else ("stock_mergers", stock)
        case Rename(new_symbol=new_symbol):
            names = {"old_symbol": action.symbol, "new_symbol": new_symbol}
            yield "name_changes", {**common, **names, "old_cusip": CUSIP, "new_cusip": CUSIP}
        case Delisting():
            yield "worthless_removals", {**one, "cusip": CUSIP}
        case _:
            return
