"""Alpha Vantage is asked by HTTP and nothing else (dossier alpha-vantage.md, read 2026-11-24)."""

from collections.abc import Sequence

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, Event, Opening, Request, Response, Secret
from firmquote.providers.alphavantage.config import AlphaVantageConfig, Entitlement, Plan
from firmquote.providers.alphavantage.decode import DELAY_NS, decode, refusal

BULK_MAX = 100
"""More symbols than this in one bulk request are silently ignored by the provider."""


class AlphaVantagePoll:
    """GLOBAL_QUOTE symbol by symbol, or REALTIME_BULK_QUOTES in batches of 100."""

    def __init__(self, opening: Opening) -> None:
        config: AlphaVantageConfig = opening.config
        self._key = needed_key(opening.key)
        self.base_url = config.rest_url
        self.request_interval_ns = request_interval_ns(config)
        self._codec = opening.codec
        self._bulk = config.bulk
        self._entitlement = config.entitlement

    def plan(self, symbols: Sequence[str]) -> Sequence[Request]:
        """Return the requests that ask for all of `symbols` once."""
        if self._bulk:
            batches = [symbols[i : i + BULK_MAX] for i in range(0, len(symbols), BULK_MAX)]
            return [self._request("REALTIME_BULK_QUOTES", batch) for batch in batches]
        return [self._request("GLOBAL_QUOTE", [symbol]) for symbol in symbols]

    def on_response(self, request: Request, response: Response) -> Sequence[Event]:
        """Read last prices, or say what the refusal means."""
        if response.status != 200:
            return [refusal(response.status, response.received_ns)]
        return decode(
            response.body,
            {self._codec.to_provider(symbol): symbol for symbol in request.symbols},
            response.received_ns,
            key_text=self._key.reveal(),
            delay_ns=DELAY_NS if self._entitlement is Entitlement.DELAYED else 0,
        )

    def _request(self, function: str, symbols: Sequence[str]) -> Request:
        spellings = ",".join(self._codec.to_provider(symbol) for symbol in symbols)
        query = [("function", function), ("symbol", spellings)]
        if self._entitlement is not Entitlement.NONE:
            query.append(("entitlement", self._entitlement.value))
        return Request(
            path="/query",
            symbols=tuple(symbols),
            query=tuple(query),
            secret_query=(("apikey", self._key.reveal()),),
        )


def needed_key(key: Secret | None) -> Secret:
    """Return the key. Raises ConfigError where there is none."""
    if key is None:
        raise ConfigError("alphavantage: needs a key. Set FIRMQUOTE_ALPHAVANTAGE_API_KEY.")
    return key


def request_interval_ns(config: AlphaVantageConfig) -> int:
    """Return the shortest time between two requests that the plan allows."""
    return NS_PER_S if config.plan is Plan.FREE else 60 * NS_PER_S // config.requests_per_minute
