"""Alpaca's corporate actions (dossier alpaca.md section 3; days as rustrade-data 0.12 found them, read 2026-11-24).

A range of days is one of process dates: for splits the ex-date, for dividends the day of payment, weeks after it. So
a wide range is asked for. Kinds that do not say all that an action needs are told and not applied.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeAlias

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from firmquote.errors import ConfigError, UnknownSymbolError
from firmquote.model import NS_PER_S, Opening, Request, Response, SymbolCodec
from firmquote.providers.alpaca.config import AlpacaConfig
from firmquote.providers.alpaca.decode import unparsed
from firmquote.providers.alpaca.rest import batches, headers, refusal
from firmquote.symbols import (
    Acquisition,
    CorporateAction,
    Delisting,
    Dividend,
    Doubtful,
    Rename,
    SpinOff,
    Split,
    Trouble,
    add_up,
    doubt_row,
)

_PATH = "/v1/corporate-actions"
AHEAD_DAYS = 120
"""What is announced for later, and dividends of now that are paid later, are asked for as well."""
PAGE_MAX = "1000"
Spell: TypeAlias = Callable[[str], str]
"""Alpaca's spelling → canonical; raises UnknownSymbolError."""


class _Answer(Struct, frozen=True):
    corporate_actions: dict[str, list[Raw]]
    next_page_token: str | None = None


class _Split(Struct, frozen=True):
    symbol: str
    new_rate: float
    old_rate: float
    ex_date: date

    def read(self, spell: Spell) -> CorporateAction:
        ratio = _fraction(self.new_rate) / _fraction(self.old_rate)
        return Split(symbol=spell(self.symbol), effective=self.ex_date, ratio=ratio)


class _StockDividend(Struct, frozen=True):
    symbol: str
    rate: float
    ex_date: date

    def read(self, spell: Spell) -> CorporateAction:
        return Split(symbol=spell(self.symbol), effective=self.ex_date, ratio=1 + _fraction(self.rate))


class _CashDividend(Struct, frozen=True):
    symbol: str
    rate: float
    ex_date: date

    def read(self, spell: Spell) -> CorporateAction:
        return Dividend(symbol=spell(self.symbol), effective=self.ex_date, cash_usd=self.rate)


class _SpinOff(Struct, frozen=True):
    source_symbol: str
    source_rate: float
    new_symbol: str
    new_rate: float
    ex_date: date

    def read(self, spell: Spell) -> CorporateAction:
        return SpinOff(
            symbol=spell(self.source_symbol),
            effective=self.ex_date,
            child=spell(self.new_symbol),
            child_shares=_fraction(self.new_rate) / _fraction(self.source_rate),
        )


class _CashMerger(Struct, frozen=True):
    acquiree_symbol: str
    rate: float
    effective_date: date

    def read(self, spell: Spell) -> CorporateAction:
        return Acquisition(symbol=spell(self.acquiree_symbol), effective=self.effective_date, cash_usd=self.rate)


class _StockMerger(Struct, frozen=True):
    acquirer_symbol: str
    acquirer_rate: float
    acquiree_symbol: str
    acquiree_rate: float
    effective_date: date
    cash_rate: float = 0.0

    def read(self, spell: Spell) -> CorporateAction:
        if self.cash_rate and self.acquiree_rate != 1:
            raise ConfigError("whether the cash is for one share is not said")
        return Acquisition(
            symbol=spell(self.acquiree_symbol),
            effective=self.effective_date,
            cash_usd=self.cash_rate,
            acquirer=spell(self.acquirer_symbol),
            acquirer_shares=_fraction(self.acquirer_rate) / _fraction(self.acquiree_rate),
        )


class _NameChange(Struct, frozen=True):
    old_symbol: str
    new_symbol: str
    process_date: date

    def read(self, spell: Spell) -> CorporateAction | None:
        old, new = spell(self.old_symbol), spell(self.new_symbol)
        return None if old == new else Rename(symbol=old, effective=self.process_date, new_symbol=new)


class _WorthlessRemoval(Struct, frozen=True):
    symbol: str
    process_date: date

    def read(self, spell: Spell) -> CorporateAction:
        return Delisting(symbol=spell(self.symbol), effective=self.process_date)


_answer = Decoder(_Answer)
_ROWS: Mapping[str, Decoder[Any]] = {
    "forward_splits": Decoder(_Split),
    "reverse_splits": Decoder(_Split),
    "stock_dividends": Decoder(_StockDividend),
    "cash_dividends": Decoder(_CashDividend),
    "spin_offs": Decoder(_SpinOff),
    "cash_mergers": Decoder(_CashMerger),
    "stock_mergers": Decoder(_StockMerger),
    "stock_and_cash_mergers": Decoder(_StockMerger),
    "name_changes": Decoder(_NameChange),
    "worthless_removals": Decoder(_WorthlessRemoval),
}
"""All other kinds (unit splits, redemptions, rights) do not fit in one action of ours."""


class AlpacaReference:
    """Implements `symbols.ReferenceProtocol`: all kinds of a hundred symbols in one request, page by page."""

    def __init__(self, opening: Opening) -> None:
        config: AlpacaConfig = opening.config
        self.base_url = config.rest_url
        self.request_interval_ns = 60 * NS_PER_S // config.requests_per_minute
        self._headers = headers(opening.key)
        self._codec: SymbolCodec = opening.codec

    def plan_actions(self, symbols: Sequence[str], *, since: date) -> Sequence[Request]:
        """Ask for everything that is processed from `since` on."""
        days = (("start", since.isoformat()), ("end", (since + timedelta(days=AHEAD_DAYS)).isoformat()))
        return [
            Request(
                path=_PATH,
                symbols=batch,
                query=(("symbols", ",".join(map(self._codec.to_provider, batch))), *days, ("limit", PAGE_MAX)),
                headers=self._headers,
            )
            for batch in batches(symbols)
        ]

    def on_actions(
        self, request: Request, response: Response, *, since: date
    ) -> Sequence[CorporateAction | Doubtful | Request | Trouble]:
        """Read a page, and ask for the next one."""
        if response.status != 200:
            return [refusal(response)]
        try:
            answer = _answer.decode(response.body)
        except DecodeError:
            return [unparsed(response.body, response.received_ns)]
        ours = [
            each
            for each in add_up(self._rows(answer))
            if isinstance(each, Doubtful) or (each.symbol in request.symbols and each.effective >= since)
        ]
        if answer.next_page_token is None:
            return ours
        query = tuple(pair for pair in request.query if pair[0] != "page_token")
        token = ("page_token", answer.next_page_token)
        return [*ours, Request(path=_PATH, symbols=request.symbols, query=(*query, token), headers=self._headers)]

    def _rows(self, answer: _Answer) -> Iterator[CorporateAction | Doubtful]:
        for kind, rows in answer.corporate_actions.items():
            decoder = _ROWS.get(kind)
            for raw in rows:
                action: CorporateAction | Doubtful | None
                if decoder is None:
                    action = doubt_row(kind, bytes(raw), "this kind is not applied")
                else:
                    try:
                        action = decoder.decode(raw).read(self._codec.from_provider)
                    except (DecodeError, ConfigError, UnknownSymbolError, ZeroDivisionError) as error:
                        action = doubt_row(kind, bytes(raw), str(error))
                if isinstance(action, Split) and (kind == "reverse_splits") is not (action.ratio < 1):
                    action = doubt_row(kind, bytes(raw), "the ratio is of the other kind")
                if action is not None:
                    yield action


def _fraction(rate: float) -> Fraction:
    """Return a rate as it is written; ConfigError for none that can be meant."""
    if not 0 < rate < float("inf"):
        raise ConfigError(f"a rate of {rate}")
    return Fraction(str(rate))
