"""Bytes → events. Pure; never raises for what the bytes hold."""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder

from firmquote.errors import SAMPLE_BYTES_MAX
from firmquote.model import Event, Halt, PriceBand, Quote, SymbolTable, UnknownSymbol, Unparsed
from firmquote.providers.alpaca.codes import HALTED, RESUMED
from firmquote.providers.alpaca.messages import (
    BandMessage,
    ErrorMessage,
    LatestQuote,
    LatestQuotes,
    OtherMessage,
    QuoteMessage,
    StatusMessage,
    SubscriptionMessage,
    SuccessMessage,
    read_moment,
)

NAME = "alpaca"

Message: TypeAlias = QuoteMessage | StatusMessage | BandMessage | SuccessMessage | ErrorMessage | SubscriptionMessage
_OURS = frozenset({"q", "s", "l", "success", "error", "subscription"})

decode_quotes = Decoder(list[QuoteMessage], dec_hook=read_moment).decode
"""Decode a frame that holds quotes alone, as nearly every frame does; raises `msgspec.DecodeError` for any other."""
_messages = Decoder(list[Message], dec_hook=read_moment)
_raws = Decoder(list[Raw])
_message: Decoder[Message] = Decoder(Message, dec_hook=read_moment)
_other = Decoder(OtherMessage)
_latest = Decoder(LatestQuotes)
_quote = Decoder(LatestQuote | None, dec_hook=read_moment)


def decode_mixed(frame: bytes | memoryview, received_ns: int) -> Sequence[Message | Unparsed]:
    """Turn a stream frame that does not hold quotes alone into messages, in wire order.

    A message that fits no schema becomes `Unparsed`, and the rest of its frame survives; a type that we do not know
    is passed over.
    """
    try:
        return _messages.decode(frame)
    except ValidationError:  # one odd message would cost the whole frame
        return _decode_one_by_one(frame, received_ns)
    except DecodeError:
        return [unparsed(frame, received_ns)]


def make_quote(tick: QuoteMessage, received_ns: int, symbols: SymbolTable, lot_shares: int) -> Quote | UnknownSymbol:
    """Return a tick as a quote; `lot_shares` is what one unit of its sizes stands for."""
    symbol = symbols.get(tick.symbol)
    if symbol is None:
        return UnknownSymbol(provider=NAME, spelling=tick.symbol, received_ns=received_ns)
    sizes = tick.bid_size * lot_shares, tick.ask_size * lot_shares
    return Quote(symbol, NAME, tick.bid or None, tick.ask or None, *sizes, int(tick.time), received_ns, 0)


def make_halt(status: StatusMessage, received_ns: int, symbols: SymbolTable) -> Halt | UnknownSymbol | None:
    """Return what a trading status means for trading; most mean nothing."""
    symbol = symbols.get(status.symbol)
    if symbol is None:
        return UnknownSymbol(provider=NAME, spelling=status.symbol, received_ns=received_ns)
    if status.code not in HALTED | RESUMED:
        return None
    return Halt(
        symbol=symbol,
        provider=NAME,
        halted=status.code in HALTED,
        received_ns=received_ns,
        event_ns=int(status.time),
        cause=status.cause or status.words,
    )


def make_band(message: BandMessage, received_ns: int, symbols: SymbolTable) -> PriceBand | UnknownSymbol:
    """Return price limits in our words."""
    symbol = symbols.get(message.symbol)
    if symbol is None:
        return UnknownSymbol(provider=NAME, spelling=message.symbol, received_ns=received_ns)
    return PriceBand(
        symbol=symbol,
        provider=NAME,
        low=message.low,
        high=message.high,
        received_ns=received_ns,
        event_ns=int(message.time),
    )


def decode_latest(body: bytes, received_ns: int, symbols: SymbolTable, lot_shares: int) -> Sequence[Event]:
    """Read `/v2/stocks/quotes/latest`; each of `symbols` that is not there is reported as unknown."""
    try:
        quotes = _latest.decode(body).quotes
    except DecodeError:
        return [unparsed(body, received_ns)]
    missing = [name for name in symbols if name not in quotes]
    return [
        *(_latest_quote(name, raw, received_ns, symbols, lot_shares) for name, raw in quotes.items()),
        *(UnknownSymbol(provider=NAME, spelling=name, received_ns=received_ns) for name in missing),
    ]


def unparsed(body: bytes | memoryview, received_ns: int) -> Unparsed:
    """Return the event for bytes that fit nothing."""
    return Unparsed(provider=NAME, received_ns=received_ns, sample=bytes(body[:SAMPLE_BYTES_MAX]))


def _decode_one_by_one(frame: bytes | memoryview, received_ns: int) -> Sequence[Message | Unparsed]:
    try:
        raws = _raws.decode(frame)
    except DecodeError:  # JSON, but no array
        return [unparsed(frame, received_ns)]
    messages: list[Message | Unparsed] = []
    for raw in raws:
        try:
            messages.append(_message.decode(raw))
        except DecodeError:
            if not _is_other(raw):
                messages.append(unparsed(bytes(raw), received_ns))
    return messages


def _is_other(raw: Raw) -> bool:
    try:
        return _other.decode(raw).T not in _OURS
    except DecodeError:
        return False


def _latest_quote(name: str, raw: Raw, received_ns: int, symbols: SymbolTable, lot_shares: int) -> Event:
    try:
        quote = _quote.decode(raw)
    except DecodeError:
        return unparsed(bytes(raw), received_ns)
    symbol = symbols.get(name)
    if symbol is None or quote is None:
        return UnknownSymbol(provider=NAME, spelling=name, received_ns=received_ns)
    sizes = quote.bs * lot_shares, quote.ask_size * lot_shares
    return Quote(symbol, NAME, quote.bp or None, quote.ap or None, *sizes, int(quote.t), received_ns, 0)
