"""Which broker carries orders out, and whether it holds what our books say."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from urllib.parse import urlsplit

from firmquote.decision import Broker, PaperBroker, Position
from firmquote.errors import ConfigError
from firmquote.model import Clock
from firmquote.runtime.alpaca_broker import NAME, AlpacaBroker
from firmquote.runtime.config import Config
from firmquote.runtime.loading import read_key
from firmquote.wire import is_loopback

PAPER_HOST = "paper-api.alpaca.markets"


def open_broker(config: Config, environ: Mapping[str, str], clock: Clock) -> Broker:
    """Return the configured broker; nothing is connected yet.

    Raises:
        ConfigError: its key cannot be found, or its address is not one for paper trading.
    """
    decision = config.decision
    if decision.broker == "paper":
        return PaperBroker(decision.paper)
    host = urlsplit(decision.alpaca_url).hostname or decision.alpaca_url
    if host != PAPER_HOST and not is_loopback(host):
        raise ConfigError(
            f"decision.alpaca_url: {host} is not Alpaca's paper trading API. This version trades on paper only: "
            f"write https://{PAPER_HOST}."
        )
    section = config.providers.get(NAME)
    key = read_key(NAME, None if section is None else section.api_key, environ)
    return AlpacaBroker(decision.alpaca_url, key, clock)


def differences(
    held: Mapping[str, int], positions: Iterable[Position], unsettled: AbstractSet[str] = frozenset()
) -> list[str]:
    """Say where what a broker holds is not what our books say; `unsettled` symbols are left out."""
    ours = {position.symbol: position.shares for position in positions if position.shares}
    return [
        f"{symbol}: {held.get(symbol, 0)} there, {ours.get(symbol, 0)} in our books"
        for symbol in sorted((held.keys() | ours.keys()) - unsettled)
        if held.get(symbol, 0) != ours.get(symbol, 0)
    ]
