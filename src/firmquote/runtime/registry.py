"""Find providers by entry point; nothing in Firmquote imports one by name."""

from difflib import get_close_matches
from importlib.metadata import entry_points

from firmquote.errors import ConfigError
from firmquote.model import Provider

GROUP = "firmquote.providers"


def provider_names() -> list[str]:
    """Return the names of all installed providers, sorted."""
    return sorted(entry_points(group=GROUP).names)


def load_provider(name: str) -> Provider:
    """Return the provider registered under `name`.

    Raises:
        ConfigError: none is; the message names the nearest one.
    """
    found = entry_points(group=GROUP, name=name)
    if not found:
        names = provider_names()
        near = get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Installed: {', '.join(names)}."
        raise ConfigError(f"{name}: no such provider is installed. {hint}")
    provider = next(iter(found)).load()
    assert isinstance(provider, Provider)
    return provider
