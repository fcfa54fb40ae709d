"""Polygon's reference API: splits and ticker changes (dossier polygon.md section 3 and trap 12, read 2026-11-24).

Events of a ticker are those of the instrument that has it now; who had it on an earlier day is told by its details.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from firmquote.errors import UnknownSymbolError
from firmquote.model import NS_PER_S, LineState, LineStatus, Opening, Request, Response, SymbolCodec
from firmquote.providers.polygon.codes import HTTP
from firmquote.providers.polygon.config import PolygonConfig
from firmquote.providers.polygon.decode import NAME, unparsed
from firmquote.providers.polygon.protocol import headers
from firmquote.symbols import CorporateAction, Rename, Split, TickerChange, Trouble

_SPLITS = "/v3/reference/splits"
_EVENTS = "/vX/reference/tickers/"
_DETAILS = "/v3/reference/tickers/"
_SATURDAY = 5


class _SplitRow(Struct, frozen=True):
    ticker: str
    execution_date: date
    split_from: float
    split_to: float


class _Splits(Struct, frozen=True):
    results: tuple[_SplitRow, ...] = ()


class _Change(Struct, frozen=True):
    ticker: str


class _Event(Struct, frozen=True):
    type: str
    date: date
    ticker_change: _Change | None = None


class _Events(Struct, frozen=True):
    events: tuple[_Event, ...] = ()


class _Details(Struct, frozen=True):
    composite_figi: str | None = None


class _DetailsAnswer(Struct, frozen=True):
    results: _Details = _Details()


class _EventsAnswer(Struct, frozen=True):
    results: _Events = _Events()


_splits = Decoder(_Splits)
_events = Decoder(_EventsAnswer)
_details = Decoder(_DetailsAnswer)


class PolygonReference:
    """Implements `symbols.ReferenceProtocol` and `NamesProtocol`: a request for all splits, one a symbol for names."""

    def __init__(self, opening: Opening) -> None:
        config: PolygonConfig = opening.config
        self.base_url = config.rest_url
        self.request_interval_ns = 60 * NS_PER_S // config.requests_per_minute
        self._headers = headers(opening.key)
        self._codec: SymbolCodec = opening.codec

    def plan_actions(self, symbols: Sequence[str], *, since: date) -> Sequence[Request]:
        """Ask for everything that takes effect from `since` on."""
        query = (("execution_date.gte", since.isoformat()), ("limit", "1000"))
        splits = Request(path=_SPLITS, symbols=tuple(symbols), query=query, headers=self._headers)
        return [splits, *(self._events_of(self._codec.to_provider(symbol), symbol) for symbol in symbols)]

    def plan_names(self, symbol: str, *, day: date) -> Sequence[Request]:
        """Ask which instrument it was on `day`."""
        path = _DETAILS + self._codec.to_provider(symbol)
        return [Request(path=path, symbols=(symbol,), query=(("date", day.isoformat()),), headers=self._headers)]

    def on_actions(self, request: Request, response: Response, *, since: date) -> Sequence[CorporateAction | Trouble]:
        """Read splits or ticker changes; a ticker without events is answered by 404, which says nothing."""
        if response.status != 200:
            return _refusal(response)
        try:
            if request.path == _SPLITS:
                return list(self._splits(response.body, frozenset(request.symbols), since))
            return list(_renames(self._names(response.body), since))
        except DecodeError:
            return [unparsed(response.body, response.received_ns)]

    def on_names(self, request: Request, response: Response) -> Sequence[TickerChange | Request | Trouble]:
        """Read who it was, and ask for that instrument's names; or read these, oldest first."""
        if response.status != 200:
            return _refusal(response)
        (symbol,) = request.symbols
        try:
            if not request.path.startswith(_DETAILS):
                return self._names(response.body)
            figi = _details.decode(response.body).results.composite_figi
            return [self._events_of(figi or self._codec.to_provider(symbol), symbol)]
        except DecodeError:
            return [unparsed(response.body, response.received_ns)]

    def _events_of(self, identifier: str, symbol: str) -> Request:
        path = f"{_EVENTS}{identifier}/events"
        return Request(path=path, symbols=(symbol,), query=(("types", "ticker_change"),), headers=self._headers)

    def _names(self, body: bytes) -> Sequence[TickerChange]:
        found = []
        for event in _events.decode(body).results.events:
            if event.ticker_change is None:
                continue
            try:
                name = self._codec.from_provider(event.ticker_change.ticker)
            except UnknownSymbolError:
                continue
            found.append(TickerChange(name, event.date))
        return sorted(found, key=lambda change: change.effective)

    def _splits(self, body: bytes, symbols: frozenset[str], since: date) -> Iterator[CorporateAction]:
        for row in _splits.decode(body).results:
            try:
                symbol = self._codec.from_provider(row.ticker)
            except UnknownSymbolError:
                continue
            if symbol in symbols and row.execution_date >= since and row.split_from > 0:
                ratio = Fraction(str(row.split_to)) / Fraction(str(row.split_from))
                if ratio > 0 and ratio != 1:
                    yield Split(symbol=symbol, effective=row.execution_date, ratio=ratio)


def _refusal(response: Response) -> Sequence[LineStatus]:
    if response.status == 404:
        return ()
    state = HTTP.get(response.status, LineState.SERVER_ERROR)
    words = f"HTTP {response.status}"
    return [LineStatus(provider=NAME, state=state, received_ns=response.received_ns, detail=words)]


def _renames(names: Sequence[TickerChange], since: date) -> Iterator[Rename]:
    for before, after in pairwise(names):
        if after.effective >= since and before.name != after.name:
            yield Rename(symbol=before.name, effective=_weekday(after.effective), new_symbol=after.name)


def _weekday(day: date) -> date:
    """Some changes are dated on a Saturday: what counts is the next day that may be a trading day."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= _SATURDAY else day
