"""Find strategies by entry point, and give each its settings."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import entry_points

import msgspec

from firmquote.decision import Strategy, StrategyPlugin
from firmquote.errors import ConfigError
from firmquote.runtime.loading import explain

GROUP = "firmquote.strategies"


def open_strategies(settings: Mapping[str, Mapping[str, object]]) -> tuple[Strategy, ...]:
    """Return a fresh instance of every configured strategy, in the order of the configuration.

    Raises:
        ConfigError: one is not installed, or its settings are wrong.
    """
    return tuple(_open(name, own) for name, own in settings.items())


def _open(name: str, settings: Mapping[str, object]) -> Strategy:
    found = entry_points(group=GROUP, name=name)
    if not found:
        names = sorted(entry_points(group=GROUP).names)
        near = get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Installed: {', '.join(names)}."
        raise ConfigError(f"decision.strategies.{name}: no such strategy is installed. {hint}")
    plugin = next(iter(found)).load()
    assert isinstance(plugin, StrategyPlugin)
    try:
        config = msgspec.convert(dict(settings), plugin.config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"decision.strategies.{name}: {explain(error, plugin.config)}") from error
    return plugin.make(config)
