"""Explain a symbol from the installed providers, the configuration, and ticker histories on disk or of a provider."""

import os
from datetime import date, datetime
from pathlib import Path

from firmquote.errors import ConfigError
from firmquote.model import NS_PER_S, Clock
from firmquote.runtime.asking import ask_listing
from firmquote.runtime.clock import SystemClock
from firmquote.runtime.config import SymbolsSection
from firmquote.runtime.loading import build_normalizer, load_config
from firmquote.runtime.registry import provider_names
from firmquote.symbols import EASTERN, Explanation, TickerHistory, decode_map_file

_PREFIX = "map_files-"


async def explain_symbol(
    text: str,
    *,
    as_of: date | None = None,
    map_files: Path | None = None,
    config_path: Path | None = None,
    provider: str | None = None,
) -> Explanation:
    """Say what `text` means and how each installed provider writes it.

    Files come first. What they do not know is asked of `provider`, if one is named, about today if no day is.

    Raises:
        UnknownSymbolError: no reading, or several.
        ConfigError: a configuration or a history that cannot be read.
        BudgetError: nothing may be asked of the provider now.
        ProviderError: it gave no answer that can be used.
    """
    config = None if config_path is None else load_config(config_path)
    section = SymbolsSection() if config is None else config.symbols
    history = _read_history(map_files)
    if provider is not None:
        if config is None:
            raise ConfigError(f"--from {provider}: needs the configuration with its key and budget. Name it: --config.")
        clock = SystemClock()
        as_of = as_of or _today(clock)
        symbol = build_normalizer(provider_names(), section).resolve(text)
        if history.listing(symbol, as_of) is None:
            listing = await ask_listing(provider, symbol, as_of, config, os.environ, clock)
            history = TickerHistory(() if listing is None else (listing,))
    return build_normalizer(provider_names(), section, history).explain(text, as_of)


def _today(clock: Clock) -> date:
    return datetime.fromtimestamp(clock.now_ns() / NS_PER_S, EASTERN).date()


def _read_history(folder: Path | None) -> TickerHistory:
    if folder is None:
        return TickerHistory()
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise ConfigError(f"{folder}: no ticker histories there. It needs map files, one CSV an instrument.")
    return TickerHistory([decode_map_file(path.stem.removeprefix(_PREFIX), path.read_bytes()) for path in files])
