"""Polygon's stream and REST protocols, without I/O (dossier polygon.md sections 1, 2 and 4, read 2026-11-24)."""

from collections.abc import Iterator, Sequence

import msgspec

from firmquote.errors import ConfigError
from firmquote.model import (
    NS_PER_MS,
    NS_PER_S,
    CloseLine,
    Event,
    LineState,
    LineStatus,
    Opening,
    Output,
    Quote,
    Request,
    Response,
    Secret,
    Send,
    Tick,
    UnknownSymbol,
)
from firmquote.providers.polygon.codes import CLOSES, HTTP
from firmquote.providers.polygon.config import PolygonConfig, SizeUnit
from firmquote.providers.polygon.decode import (
    NAME,
    decode_mixed,
    decode_nbbo,
    decode_quotes,
    decode_snapshot,
    make_bands,
    make_quote,
    unparsed,
)
from firmquote.providers.polygon.messages import BandMessage, ErrorAnswer, QuoteMessage

PARAMS_MAX = 200
"""Channels in one subscribe message: well below any frame limit."""
BATCH_MAX = 100
"""Tickers in one snapshot request: keeps the URL below 1 KB."""
_SNAPSHOT = "/v2/snapshot/locale/us/markets/stocks/tickers"
_NBBO = "/v2/last/nbbo/"
_error = msgspec.json.Decoder(ErrorAnswer)


class _Actions(msgspec.Struct, frozen=True):
    action: str
    params: str


class PolygonStream:
    """connected → auth → auth_success → subscribe → acks and quotes. The wanted set outlives reconnections."""

    tick_type: type = QuoteMessage
    tick_ns = NS_PER_MS

    def __init__(self, opening: Opening) -> None:
        config: PolygonConfig = opening.config
        self.url = config.stream_url
        self._key = _key(opening.key)
        self._codec = opening.codec
        self.lot_shares = _lot_shares(config)
        self._login_timeout_ns = config.login_timeout_ms * NS_PER_MS
        self._channels = ("Q", "LULD") if config.price_bands else ("Q",)
        self._symbols: dict[str, str] = {}
        self._ready = False
        self._login_due_ns: int | None = None

    def on_connected(self, now_ns: int) -> Sequence[Output]:
        """Wait for the greeting; log in when it comes."""
        self._ready = False
        self._login_due_ns = now_ns + self._login_timeout_ns
        return ()

    def on_frame(self, frame: bytes | memoryview, received_ns: int) -> Sequence[Output]:
        """Decode; act on statuses."""
        try:
            return decode_quotes(frame)
        except msgspec.DecodeError:
            outputs: list[Output] = []
        for event in decode_mixed(frame, received_ns):
            if isinstance(event, BandMessage):
                outputs.extend(make_bands(event, received_ns, self._symbols))
                continue
            outputs.append(event)
            if isinstance(event, LineStatus):
                outputs.extend(self._react(event))
        return outputs

    def make_quote(self, tick: Tick, received_ns: int) -> Quote | UnknownSymbol:
        """Return a tick as a quote."""
        assert isinstance(tick, QuoteMessage)
        return make_quote(tick, received_ns, self._symbols, self.lot_shares)

    def subscribe(self, symbols: Sequence[str]) -> Sequence[Output]:
        """Add to the wanted set."""
        new = [spelling for symbol in symbols if (spelling := self._codec.to_provider(symbol)) not in self._symbols]
        self._symbols.update({self._codec.to_provider(symbol): symbol for symbol in symbols})
        return list(_ask("subscribe", self._channels, new)) if self._ready else ()

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[Output]:
        """Remove from the wanted set."""
        gone = [spelling for symbol in symbols if (spelling := self._codec.to_provider(symbol)) in self._symbols]
        for spelling in gone:
            del self._symbols[spelling]
        return list(_ask("unsubscribe", self._channels, gone)) if self._ready else ()

    def on_timer(self, now_ns: int) -> Sequence[Output]:
        """Give up on a login that is never answered: the server accepted the socket and hangs."""
        if self._ready or self._login_due_ns is None or now_ns < self._login_due_ns:
            return ()
        self._login_due_ns = None
        return [CloseLine(cause="the login was not answered in time")]

    def _react(self, status: LineStatus) -> Iterator[Output]:
        match status.state:
            case LineState.CONNECTED:
                yield Send(payload=msgspec.json.encode(_Actions("auth", self._key.reveal())))
            case LineState.READY:
                self._ready = True
                yield from _ask("subscribe", self._channels, list(self._symbols))
            case LineState.REFUSED_KEY:
                yield CloseLine(cause=status.detail, retry=False)
            case _ if status.detail.split(":", 1)[0] in CLOSES:
                yield CloseLine(cause=status.detail)


class PolygonPoll:
    """Last NBBO by REST: one request for many tickers where there are many."""

    def __init__(self, opening: Opening) -> None:
        config: PolygonConfig = opening.config
        self.base_url = config.rest_url
        self.request_interval_ns = 60 * NS_PER_S // config.requests_per_minute
        self._headers = headers(opening.key)
        self._codec = opening.codec
        self._lot_shares = _lot_shares(config)

    def plan(self, symbols: Sequence[str]) -> Sequence[Request]:
        """Return one last-NBBO request for one symbol, snapshot requests for more."""
        if len(symbols) == 1:
            path = _NBBO + self._codec.to_provider(symbols[0])
            return [Request(path=path, symbols=tuple(symbols), headers=self._headers)]
        batches = [symbols[i : i + BATCH_MAX] for i in range(0, len(symbols), BATCH_MAX)]
        return [
            Request(
                path=_SNAPSHOT,
                symbols=tuple(batch),
                query=(("tickers", ",".join(self._codec.to_provider(symbol) for symbol in batch)),),
                headers=self._headers,
            )
            for batch in batches
        ]

    def on_response(self, request: Request, response: Response) -> Sequence[Event]:
        """Read quotes, or say what the refusal means."""
        received_ns = response.received_ns
        if response.status != 200:
            return [self._refusal(request, response)]
        symbols = {self._codec.to_provider(symbol): symbol for symbol in request.symbols}
        if request.path == _SNAPSHOT:
            return decode_snapshot(response.body, received_ns, symbols, self._lot_shares)
        ticker = request.path.removeprefix(_NBBO)
        return decode_nbbo(response.body, ticker, received_ns, symbols, self._lot_shares)

    def _refusal(self, request: Request, response: Response) -> Event:
        if response.status == 404:
            spelling = self._codec.to_provider(request.symbols[0])
            return UnknownSymbol(provider=NAME, spelling=spelling, received_ns=response.received_ns)
        if response.status < 400:
            return unparsed(response.body, response.received_ns)
        try:
            answer = _error.decode(response.body)
            words = answer.error or answer.message
        except msgspec.DecodeError:
            words = ""
        return LineStatus(
            provider=NAME,
            state=HTTP.get(response.status, LineState.SERVER_ERROR),
            received_ns=response.received_ns,
            detail=f"HTTP {response.status} {words}".strip(),
            retry_after_s=_retry_after_s(response),
        )


def _ask(action: str, channels: Sequence[str], spellings: Sequence[str]) -> Iterator[Send]:
    wanted = [f"{channel}.{spelling}" for channel in channels for spelling in spellings]
    for start in range(0, len(wanted), PARAMS_MAX):
        params = ",".join(wanted[start : start + PARAMS_MAX])
        yield Send(payload=msgspec.json.encode(_Actions(action, params)))


def _retry_after_s(response: Response) -> float | None:
    text = dict(response.headers).get("retry-after", "")
    return float(text) if text.isdecimal() else None


def headers(key: Secret | None) -> tuple[tuple[str, str], ...]:
    """Return what every request carries. Raises ConfigError where there is no key."""
    return (("authorization", f"Bearer {_key(key).reveal()}"),)


def _key(key: Secret | None) -> Secret:
    if key is None:
        raise ConfigError("polygon: needs a key. Set FIRMQUOTE_POLYGON_API_KEY.")
    return key


def _lot_shares(config: PolygonConfig) -> int:
    return config.lot_shares if config.size_unit is SizeUnit.LOTS else 1
