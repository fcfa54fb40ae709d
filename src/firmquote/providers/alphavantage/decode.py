"""Bytes → events. Success is proven by the expected key, never by status 200 (dossier trap 1). Pure; never raises."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from firmquote.errors import SAMPLE_BYTES_MAX
from firmquote.model import NS_PER_S, NS_PER_US, Event, LastPrice, LineState, LineStatus, UnknownSymbol, Unparsed
from firmquote.providers.alphavantage.codes import INVALID_CALL, classify
from firmquote.providers.alphavantage.messages import Answer, BulkRow, GlobalQuote

NAME = "alphavantage"
DELAY_NS = 15 * 60 * NS_PER_S
_QUOTE_KEY = "Global Quote"
_DELAYED_WORD = "DELAYED"
_ABSENT = frozenset({"", "-", "None", "N/A", "null"})
_EASTERN = ZoneInfo("America/New_York")

TOO_MANY_REQUESTS = 429
decode_answer = Decoder(Answer).decode
"""Read what every answer may hold; raises `msgspec.DecodeError`."""
_keys = Decoder(dict[str, Raw])
_global_quote = Decoder(GlobalQuote)
_rows = Decoder(list[BulkRow])


def decode(body: bytes, symbols: dict[str, str], received_ns: int, *, key_text: str, delay_ns: int) -> Sequence[Event]:
    """Read any answer. `symbols` maps the spellings asked for; `key_text` is removed from what the provider echoes."""
    try:
        answer = decode_answer(body)
    except DecodeError:
        return [unparsed(body, received_ns)]
    notice = read_notice(answer, symbols, received_ns, key_text)
    if notice is not None:
        return [notice]
    if bytes(answer.data):
        return _bulk(answer, symbols, received_ns, key_text, delay_ns)
    return [_global(body, symbols, received_ns, delay_ns)]


def read_notice(
    answer: Answer, symbols: dict[str, str], received_ns: int, key_text: str
) -> LineStatus | UnknownSymbol | None:
    """Return what the provider says instead of data, if it does."""
    sentence = next((each for each in (answer.error, answer.information, answer.note) if each is not None), None)
    return None if sentence is None else _notice(sentence, symbols, received_ns, key_text)


def _notice(sentence: str, symbols: dict[str, str], received_ns: int, key_text: str) -> LineStatus | UnknownSymbol:
    if INVALID_CALL in sentence.lower() and len(symbols) == 1:
        return UnknownSymbol(provider=NAME, spelling=next(iter(symbols)), received_ns=received_ns)
    notice = classify(sentence)
    return LineStatus(
        provider=NAME,
        state=notice.state,
        received_ns=received_ns,
        detail=sentence.replace(key_text, "***") if key_text else sentence,
        retry_after_s=notice.retry_after_s,
    )


def _global(body: bytes, symbols: dict[str, str], received_ns: int, delay_ns: int) -> Event:
    keys = _keys.decode(body)
    name = next((key for key in keys if key.startswith(_QUOTE_KEY)), None)
    if name is None:
        return unparsed(body, received_ns)
    try:
        row = _global_quote.decode(keys[name])
    except DecodeError:
        return unparsed(body, received_ns)
    price = _number(row.price)
    if row.symbol is None or price is None:
        return UnknownSymbol(provider=NAME, spelling=next(iter(symbols), ""), received_ns=received_ns)
    symbol = symbols.get(row.symbol)
    if symbol is None:
        return UnknownSymbol(provider=NAME, spelling=row.symbol, received_ns=received_ns)
    return LastPrice(
        symbol=symbol,
        provider=NAME,
        price=price,
        received_ns=received_ns,
        trading_day=_text(row.latest_trading_day),
        delay_ns=DELAY_NS if _DELAYED_WORD in name else delay_ns,
        volume_shares=_whole(row.volume),
        previous_close=_number(row.previous_close),
    )


def _bulk(answer: Answer, symbols: dict[str, str], received_ns: int, key_text: str, delay_ns: int) -> Sequence[Event]:
    if answer.message != "success":  # a free key gets a sample payload of made-up prices with advice in `message`
        return [_notice(answer.message or "premium endpoint", symbols, received_ns, key_text)]
    try:
        rows = _rows.decode(answer.data)
    except DecodeError:
        return [unparsed(bytes(answer.data), received_ns)]
    return [_bulk_row(row, symbols, received_ns, delay_ns) for row in rows]


def _bulk_row(row: BulkRow, symbols: dict[str, str], received_ns: int, delay_ns: int) -> Event:
    symbol = symbols.get(row.symbol)
    extended = _number(row.extended_hours_quote)
    price = extended if extended is not None else _number(row.close)
    if symbol is None or price is None:
        return UnknownSymbol(provider=NAME, spelling=row.symbol, received_ns=received_ns)
    event_ns = eastern_ns(row.timestamp, received_ns)
    return LastPrice(
        symbol=symbol,
        provider=NAME,
        price=price,
        received_ns=received_ns,
        event_ns=event_ns,
        trading_day=row.timestamp[:10] or None,
        delay_ns=delay_ns,
        volume_shares=_whole(row.volume),
        previous_close=_number(row.previous_close),
    )


def eastern_ns(text: str, received_ns: int) -> int | None:
    """Return UTC nanoseconds of an US/Eastern wall-clock text, or `None` where it is none.

    In the hour that occurs twice each autumn it is the reading nearest to `received_ns`.
    """
    try:
        wall = datetime.fromisoformat(text).replace(tzinfo=_EASTERN)
    except ValueError:
        return None
    readings = {_utc_ns(wall.replace(fold=fold)) for fold in (0, 1)}
    return min(readings, key=lambda ns: abs(ns - received_ns))


def _utc_ns(moment: datetime) -> int:
    return int(moment.replace(microsecond=0).timestamp()) * NS_PER_S + moment.microsecond * NS_PER_US


def _number(text: str | None) -> float | None:
    if text is None or text in _ABSENT:
        return None
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        return None
    return value if value == value else None  # noqa: PLR0124 - NaN is the one value that differs from itself


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _text(text: str | None) -> str | None:
    return None if text is None or text in _ABSENT else text


def unparsed(body: bytes, received_ns: int) -> Unparsed:
    """Return the event for bytes that fit nothing."""
    return Unparsed(provider=NAME, received_ns=received_ns, sample=body[:SAMPLE_BYTES_MAX])


def refusal(status: int, received_ns: int) -> LineStatus:
    """Return the event for an HTTP status other than 200: real 503s with HTML were seen; 429 is what proxies say."""
    state = LineState.LIMITED if status == TOO_MANY_REQUESTS else LineState.SERVER_ERROR
    return LineStatus(provider=NAME, state=state, received_ns=received_ns, detail=f"HTTP {status}")
