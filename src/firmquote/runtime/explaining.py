"""Explain a symbol from the installed providers, the configuration and ticker histories on disk."""

from datetime import date
from pathlib import Path

from firmquote.errors import ConfigError
from firmquote.runtime.config import SymbolsSection
from firmquote.runtime.loading import load_config
from firmquote.runtime.registry import load_provider, provider_names
from firmquote.symbols import Explanation, SymbolNormalizer, TickerHistory, decode_map_file

_PREFIX = "map_files-"


def explain_symbol(
    text: str, *, as_of: date | None = None, map_files: Path | None = None, config_path: Path | None = None
) -> Explanation:
    """Say what `text` means and how each installed provider writes it.

    Raises:
        UnknownSymbolError: no reading, or several.
        ConfigError: a configuration or a history that cannot be read.
    """
    section = SymbolsSection() if config_path is None else load_config(config_path).symbols
    codecs = {name: load_provider(name).codec() for name in provider_names()}
    normalizer = SymbolNormalizer(codecs, section.overrides, aliases=section.aliases, history=_read_history(map_files))
    return normalizer.explain(text, as_of)


def _read_history(folder: Path | None) -> TickerHistory:
    if folder is None:
        return TickerHistory()
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise ConfigError(f"{folder}: no ticker histories there. It needs map files, one CSV an instrument.")
    return TickerHistory([decode_map_file(path.stem.removeprefix(_PREFIX), path.read_bytes()) for path in files])
