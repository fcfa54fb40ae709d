"""Bytes → events. Pure; never raises for what the bytes hold."""

from collections.abc import Iterator, Sequence

from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder

from firmquote.errors import SAMPLE_BYTES_MAX
from firmquote.model import (
    NS_PER_MS,
    Event,
    Halt,
    LineState,
    LineStatus,
    PriceBand,
    Quote,
    SymbolTable,
    UnknownSymbol,
    Unparsed,
)
from firmquote.providers.polygon.codes import HALTED, NASDAQ_TAPE, NOT_ENTITLED_WORDS, RESUMED, STATUS
from firmquote.providers.polygon.messages import (
    BandMessage,
    LastQuote,
    NbboAnswer,
    OtherMessage,
    QuoteMessage,
    SnapshotAnswer,
    StatusMessage,
)

NAME = "polygon"

decode_quotes = Decoder(list[QuoteMessage]).decode
"""Decode a frame that holds quotes alone, as nearly every frame does; raises `msgspec.DecodeError` for any other."""
_messages = Decoder(list[QuoteMessage | StatusMessage | BandMessage])
_raws = Decoder(list[Raw])
_message = Decoder(QuoteMessage | StatusMessage | BandMessage)
_other = Decoder(OtherMessage)
_nbbo = Decoder(NbboAnswer)
_snapshot = Decoder(SnapshotAnswer)


def decode_mixed(frame: bytes | memoryview, received_ns: int) -> Sequence[QuoteMessage | BandMessage | Event]:
    """Turn a stream frame that does not hold quotes alone into ticks and events, in wire order.

    A message that fits no schema becomes `Unparsed`, and the rest of its frame survives; an event type that we do
    not know is passed over.
    """
    try:
        messages = _messages.decode(frame)
    except ValidationError:  # one odd message would cost the whole frame
        return _decode_one_by_one(frame, received_ns)
    except DecodeError:
        return [unparsed(frame, received_ns)]
    return [_event(message, received_ns) for message in messages]


def make_quote(tick: QuoteMessage, received_ns: int, symbols: SymbolTable, lot_shares: int) -> Quote | UnknownSymbol:
    """Return a tick as a quote; `lot_shares` is what one unit of its sizes stands for."""
    symbol = symbols.get(tick.symbol)
    if symbol is None:
        return UnknownSymbol(provider=NAME, spelling=tick.symbol, received_ns=received_ns)
    sizes = tick.bid_size * lot_shares, tick.ask_size * lot_shares
    return Quote(symbol, NAME, tick.bid or None, tick.ask or None, *sizes, to_ns(tick.time), received_ns, tick.sequence)


def make_bands(message: BandMessage, received_ns: int, symbols: SymbolTable) -> Iterator[Event]:
    """Return price limits, a halt or its end, in our words."""
    symbol = symbols.get(message.ticker)
    if symbol is None:
        yield UnknownSymbol(provider=NAME, spelling=message.ticker, received_ns=received_ns)
        return
    event_ns = to_ns(message.time)
    told = message.tape == NASDAQ_TAPE and {HALTED, RESUMED}.intersection(message.indicators)
    if told:
        halted = HALTED in told
        cause = "trading halt" if halted else "trading resumption"
        yield Halt(symbol=symbol, provider=NAME, halted=halted, received_ns=received_ns, event_ns=event_ns, cause=cause)
    if not told or message.high > 0:
        low, high = message.low, message.high
        yield PriceBand(symbol=symbol, provider=NAME, low=low, high=high, received_ns=received_ns, event_ns=event_ns)


def decode_nbbo(body: bytes, ticker: str, received_ns: int, symbols: SymbolTable, lot_shares: int) -> Sequence[Event]:
    """Read `/v2/last/nbbo/{ticker}`."""
    try:
        answer = _nbbo.decode(body)
    except DecodeError:
        return [unparsed(body, received_ns)]
    return [_last_quote(ticker, answer.results, received_ns, symbols, lot_shares)]


def decode_snapshot(body: bytes, received_ns: int, symbols: SymbolTable, lot_shares: int) -> Sequence[Event]:
    """Read a many-ticker snapshot; a ticker without `lastQuote` says nothing."""
    try:
        answer = _snapshot.decode(body)
    except DecodeError:
        return [unparsed(body, received_ns)]
    return [
        _last_quote(item.ticker, item.last_quote, received_ns, symbols, lot_shares)
        for item in answer.tickers
        if item.last_quote is not None
    ]


def unparsed(body: bytes | memoryview, received_ns: int) -> Unparsed:
    """Return the event for bytes that fit nothing."""
    return Unparsed(provider=NAME, received_ns=received_ns, sample=bytes(body[:SAMPLE_BYTES_MAX]))


def to_ns(t: int) -> int:
    """Return nanoseconds from a time whose unit is told by its magnitude: s, ms, µs or ns (dossier section 3)."""
    for limit, factor in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3)):
        if t < limit:
            return t * factor
    return t


def _decode_one_by_one(frame: bytes | memoryview, received_ns: int) -> Sequence[QuoteMessage | BandMessage | Event]:
    try:
        raws = _raws.decode(frame)
    except DecodeError:  # JSON, but no array
        return [unparsed(frame, received_ns)]
    events: list[QuoteMessage | BandMessage | Event] = []
    for raw in raws:
        try:
            events.append(_event(_message.decode(raw), received_ns))
        except DecodeError:
            if not _is_other(raw):
                events.append(unparsed(bytes(raw), received_ns))
    return events


def _is_other(raw: Raw) -> bool:
    try:
        return _other.decode(raw).ev not in ("Q", "status", "LULD")
    except DecodeError:
        return False


def _event(message: QuoteMessage | StatusMessage | BandMessage, received_ns: int) -> QuoteMessage | BandMessage | Event:
    if isinstance(message, QuoteMessage | BandMessage):
        return message
    state = STATUS.get(message.status)
    if state is None:
        denied = message.status == "error" and any(word in message.message for word in NOT_ENTITLED_WORDS)
        state = LineState.NOT_ENTITLED if denied else LineState.NOTICE
    detail = f"{message.status}: {message.message}"
    return LineStatus(provider=NAME, state=state, received_ns=received_ns, detail=detail)


def _last_quote(ticker: str, q: LastQuote, received_ns: int, symbols: SymbolTable, lot_shares: int) -> Event:
    symbol = symbols.get(ticker)
    if symbol is None:
        return UnknownSymbol(provider=NAME, spelling=ticker, received_ns=received_ns)
    sizes = q.s * lot_shares, q.ask_size * lot_shares
    # To the millisecond, as on the stream: else a quote of the same millisecond would seem to go back in time.
    event_ns = to_ns(q.t) // NS_PER_MS * NS_PER_MS
    return Quote(symbol, NAME, q.p or None, q.ask or None, *sizes, event_ns, received_ns, q.q)
