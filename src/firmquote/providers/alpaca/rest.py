"""Alpaca's REST API, without I/O: the latest quotes, and what all requests share (dossier sections 1 to 6)."""

from collections.abc import Sequence

import msgspec

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, Event, LineState, LineStatus, Opening, Request, Response, Secret, Unparsed
from firmquote.providers.alpaca.codes import HTTP, WRONG_KEY_WORDS
from firmquote.providers.alpaca.config import AlpacaConfig, SizeUnit
from firmquote.providers.alpaca.decode import NAME, decode_latest, unparsed
from firmquote.providers.alpaca.messages import ErrorAnswer
from firmquote.providers.alpaca.plans import BATCH_MAX

_LATEST = "/v2/stocks/quotes/latest"
_error = msgspec.json.Decoder(ErrorAnswer)


class AlpacaPoll:
    """The latest quotes by REST, many symbols in one request."""

    def __init__(self, opening: Opening) -> None:
        config: AlpacaConfig = opening.config
        self.base_url = config.rest_url
        self.request_interval_ns = 60 * NS_PER_S // config.requests_per_minute
        self._headers = headers(opening.key)
        self._feed = config.feed.value
        self._codec = opening.codec
        self._lot_shares = lot_shares(config)

    def plan(self, symbols: Sequence[str]) -> Sequence[Request]:
        """Return requests of at most BATCH_MAX symbols."""
        return [
            Request(
                path=_LATEST,
                symbols=batch,
                query=(("symbols", ",".join(self._codec.to_provider(s) for s in batch)), ("feed", self._feed)),
                headers=self._headers,
            )
            for batch in batches(symbols)
        ]

    def on_response(self, request: Request, response: Response) -> Sequence[Event]:
        """Read quotes, or say what the refusal means."""
        if response.status == 200:
            symbols = {self._codec.to_provider(symbol): symbol for symbol in request.symbols}
            return decode_latest(response.body, response.received_ns, symbols, self._lot_shares)
        return [refusal(response)]


def batches(symbols: Sequence[str]) -> list[tuple[str, ...]]:
    """Return what fits in one request each."""
    return [tuple(symbols[i : i + BATCH_MAX]) for i in range(0, len(symbols), BATCH_MAX)]


def refusal(response: Response) -> LineStatus | Unparsed:
    """Return what an answer other than 200 means."""
    if response.status < 400:
        return unparsed(response.body, response.received_ns)
    try:
        words = _error.decode(response.body).message
    except msgspec.DecodeError:
        words = ""
    state = HTTP.get(response.status, LineState.SERVER_ERROR)
    if state is LineState.NOT_ENTITLED and words.startswith(WRONG_KEY_WORDS):
        state = LineState.REFUSED_KEY
    return LineStatus(
        provider=NAME,
        state=state,
        received_ns=response.received_ns,
        detail=f"HTTP {response.status} {words}".strip(),
        retry_after_s=_retry_after_s(response) if state is LineState.LIMITED else None,
    )


def headers(key: Secret | None) -> tuple[tuple[str, str], ...]:
    """Return what every request carries."""
    key_id, secret = split_key(key)
    return ("apca-api-key-id", key_id), ("apca-api-secret-key", secret.reveal())


def split_key(key: Secret | None) -> tuple[str, Secret]:
    """Return both parts of a key. Raises ConfigError."""
    key_id, colon, secret = ("", "", "") if key is None else key.reveal().partition(":")
    if not (key_id and colon and secret):
        raise ConfigError(
            "alpaca: the key has two parts. Write KEY_ID:SECRET in FIRMQUOTE_ALPACA_API_KEY, "
            "or where providers.alpaca.api_key points."
        )
    return key_id, Secret(secret)


def lot_shares(config: AlpacaConfig) -> int:
    """Return what one unit of a size stands for."""
    return config.lot_shares if config.size_unit is SizeUnit.LOTS else 1


def _retry_after_s(response: Response) -> float | None:
    text = dict(response.headers).get("x-ratelimit-reset", "")
    return max(0.0, float(text) - response.received_ns / NS_PER_S) if text.isdecimal() else None
