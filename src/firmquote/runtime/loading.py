"""From a YAML file and the environment to a `Config`: strict, and with an error that says what to do."""

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import structs
from msgspec.structs import fields

from firmquote.errors import ConfigError, UnknownSymbolError
from firmquote.model import Opening, Provider, Secret
from firmquote.model.redaction import REDACTOR
from firmquote.runtime.config import Config, KeyReference, ServeSection, SymbolsSection
from firmquote.runtime.registry import load_provider
from firmquote.symbols import SymbolNormalizer, TickerHistory, parse_symbol

_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]*)`(?: - at `\$\.?(?P<path>[^`]*)`)?")


STATE_VARIABLE = "FIRMQUOTE_STATE_DIR"


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read `path`. Where it names no `serve.state_dir`, FIRMQUOTE_STATE_DIR does, as for the commands.

    Raises:
        ConfigError: unreadable, not YAML, an unknown key (with the nearest known one), a value of a wrong type.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}). Name a configuration file with --config."
        ) from error
    try:
        config = msgspec.yaml.decode(text, type=Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {explain(error, Config)}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    _check_symbols(path, config)
    state_dir = environ.get(STATE_VARIABLE)
    if state_dir and config.serve.state_dir == ServeSection().state_dir:
        return structs.replace(config, serve=structs.replace(config.serve, state_dir=state_dir))
    return config


def explain(
    error: msgspec.ValidationError, root: type[msgspec.Struct], *, page: str = "docs/reference/configuration.md"
) -> str:
    """Return the error's own words, with the nearest known key where an unknown one was given, else with the page."""
    if isinstance(error.__cause__, ConfigError):
        return str(error.__cause__)
    found = _UNKNOWN.search(str(error))
    if found is None:
        return f"{error}. See {page}."
    place = found["path"] or ""
    known = _keys_at(root, place)
    near = get_close_matches(found["field"], known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known keys there: {', '.join(known)}."
    return f"unknown key {found['field']!r} under {place or 'the top level'}. {hint}"


def _keys_at(struct: type[msgspec.Struct], place: str) -> list[str]:
    for step in filter(None, place.split(".")):
        name = step.split("[", 1)[0]
        annotation: Any = next((f.type for f in fields(struct) if f.encode_name == name), None)
        candidates = [annotation, *get_args(annotation)]
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, msgspec.Struct)]
        if not nested:
            return []
        struct = nested[0]
    return [f.encode_name for f in fields(struct)]


def _check_symbols(path: Path, config: Config) -> None:
    where = {
        "feeds.quotes.live_symbols_allowlist": config.feeds.quotes.live_symbols_allowlist,
        "decision.sectors": config.decision.sectors,
    }
    for key, symbols in where.items():
        for symbol in symbols:
            try:
                canonical = parse_symbol(symbol).text
            except UnknownSymbolError as error:
                raise ConfigError(f"{path}: {key}: {error}") from error
            if canonical != symbol:
                raise ConfigError(f"{path}: {key}: {symbol!r} is not canonical. Write {canonical!r}.")


def build_normalizer(
    names: Iterable[str], section: SymbolsSection, history: TickerHistory | None = None
) -> SymbolNormalizer:
    """Return the normalizer of these providers with the owner's exceptions.

    Raises:
        ConfigError: an override of a provider that does not take part, or of a text that is no symbol.
    """
    codecs = {name: load_provider(name).codec() for name in names}
    for name in section.overrides:
        if name not in codecs:
            raise ConfigError(f"symbols.overrides.{name}: takes no part here. Known: {', '.join(sorted(codecs))}.")
    return SymbolNormalizer(codecs, section.overrides, aliases=section.aliases, history=history)


def open_provider(
    name: str, config: Config, environ: Mapping[str, str], normalizer: SymbolNormalizer
) -> tuple[Provider, Opening]:
    """Return provider `name` and all that it needs to open a line.

    Raises:
        ConfigError: it is not installed, its settings are wrong, or its key cannot be found.
    """
    provider, own = configured_provider(name, config)
    section = config.providers.get(name)
    reference = None if section is None else section.api_key
    key = read_key(name, reference, environ) if provider.needs_key else None
    return provider, Opening(config=own, key=key, codec=normalizer.codec(name))


def configured_provider(name: str, config: Config) -> tuple[Provider, msgspec.Struct]:
    """Return provider `name` and its own settings; its key is not asked for.

    Raises:
        ConfigError: it is not installed, or its settings are wrong.
    """
    provider = load_provider(name)
    section = config.providers.get(name)
    try:
        return provider, msgspec.convert({} if section is None else section.settings, provider.config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"providers.{name}.settings: {explain(error, provider.config)}") from error


def read_key(name: str, reference: KeyReference | None, environ: Mapping[str, str]) -> Secret:
    """Return the key of a provider or broker; without a reference, of its usual environment variable.

    Raises:
        ConfigError: it cannot be found.
    """
    if reference is None:
        reference = KeyReference(env=f"FIRMQUOTE_{name.upper()}_API_KEY")
    if (reference.env is None) == (reference.file is None):
        raise ConfigError(f"providers.{name}.api_key: name either env or file.")
    if reference.env is not None:
        value = environ.get(reference.env, "").strip()
        where = f"the environment variable {reference.env}"
    else:
        assert reference.file is not None
        path = Path(reference.file).expanduser()
        try:
            value = path.read_text().strip()
        except OSError as error:
            raise ConfigError(
                f"{name}: the key file {path} cannot be read ({error.strerror}). "
                f"Write the key there, readable by you only, or change providers.{name}.api_key."
            ) from error
        where = f"the file {path}"
    if not value:
        raise ConfigError(
            f"{name}: no key in {where}. Set it there, "
            f"or take {name} out of feeds.quotes.provider_active and provider_warm."
        )
    return REDACTOR.learn(Secret(value))
