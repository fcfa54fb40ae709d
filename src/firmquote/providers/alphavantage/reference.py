"""Alpha Vantage's splits and dividends (dossier alpha-vantage.md section 3, read 2026-11-24): one symbol a request.

Its splits hold spin-offs as factors that no split has; these are told and not applied. It tells no ticker changes.
"""

from collections.abc import Sequence
from datetime import date

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from firmquote.errors import ConfigError
from firmquote.model import LineStatus, Opening, Request, Response, SymbolCodec
from firmquote.providers.alphavantage.config import AlphaVantageConfig
from firmquote.providers.alphavantage.decode import decode_answer, read_notice, refusal, unparsed
from firmquote.providers.alphavantage.messages import DividendRow, SplitRow
from firmquote.providers.alphavantage.protocol import needed_key, request_interval_ns
from firmquote.symbols import (
    CorporateAction,
    Dividend,
    Doubtful,
    Split,
    Trouble,
    add_up,
    doubt_row,
    read_split_factor,
)

_SPLITS, _DIVIDENDS = ("function", "SPLITS"), ("function", "DIVIDENDS")
_UNKNOWN_DAY = "None"
_rows = Decoder(list[Raw])
_split = Decoder(SplitRow)
_dividend = Decoder(DividendRow)


class AlphaVantageReference:
    """Implements `symbols.ReferenceProtocol`; asks nothing unless `corporate_actions` is on."""

    def __init__(self, opening: Opening) -> None:
        config: AlphaVantageConfig = opening.config
        self.base_url = config.rest_url
        self.request_interval_ns = request_interval_ns(config)
        self._key = needed_key(opening.key)
        self._codec: SymbolCodec = opening.codec
        self._asks = config.corporate_actions

    def plan_actions(self, symbols: Sequence[str], *, since: date) -> Sequence[Request]:
        """Ask for all splits and dividends of each symbol, since a range cannot be named."""
        del since
        return [
            Request(
                path="/query",
                symbols=(symbol,),
                query=(function, ("symbol", self._codec.to_provider(symbol))),
                secret_query=(("apikey", self._key.reveal()),),
            )
            for function in (_SPLITS, _DIVIDENDS)
            for symbol in (symbols if self._asks else ())
        ]

    def on_actions(
        self, request: Request, response: Response, *, since: date
    ) -> Sequence[CorporateAction | Doubtful | Trouble]:
        """Read the rows of one symbol from `since` on; one that it does not know has none."""
        if response.status != 200:
            return [refusal(response.status, response.received_ns)]
        (symbol,) = request.symbols
        try:
            answer = decode_answer(response.body)
            notice = read_notice(answer, {symbol: symbol}, response.received_ns, self._key.reveal())
            if notice is not None:
                return [notice] if isinstance(notice, LineStatus) else ()
            rows = _rows.decode(answer.data) if bytes(answer.data) else []
        except DecodeError:
            return [unparsed(response.body, response.received_ns)]
        read = _read_split if _SPLITS in request.query else _read_dividend
        return add_up(each for raw in rows if (each := read(symbol, raw, since)) is not None)


def _read_split(symbol: str, raw: Raw, since: date) -> Split | Doubtful | None:
    try:
        row = _split.decode(raw)
    except DecodeError as error:
        return doubt_row(symbol, bytes(raw), str(error))
    if row.effective_date < since:
        return None
    ratio = read_split_factor(row.split_factor)
    if ratio is None:
        return doubt_row(symbol, bytes(raw), "no split has this factor; if it is a spin-off, tell it")
    return Split(symbol=symbol, effective=row.effective_date, ratio=ratio)


def _read_dividend(symbol: str, raw: Raw, since: date) -> Dividend | Doubtful | None:
    try:
        row = _dividend.decode(raw)
        if row.ex_dividend_date == _UNKNOWN_DAY:
            return None
        day = date.fromisoformat(row.ex_dividend_date)
        return None if day < since else Dividend(symbol=symbol, effective=day, cash_usd=float(row.amount))
    except (DecodeError, ConfigError, ValueError) as error:
        return doubt_row(symbol, bytes(raw), str(error))
