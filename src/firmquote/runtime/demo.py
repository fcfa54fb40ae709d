"""The demo's configuration: the packaged file, with the simulators' addresses and key filled in."""

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

from msgspec import structs

from firmquote.runtime.config import Config, KeyReference, ProviderSection
from firmquote.runtime.loading import load_config

KEY_NAME = "FIRMQUOTE_LAB_KEY"
DEMO_PROVIDERS = ("alphavantage", "polygon")
"""The active and the warm provider of the demo."""


def demo_config(settings: Mapping[str, Mapping[str, str]], *, port: int | None = None) -> Config:
    """Return the demo's configuration; `settings` say where each provider's simulator is.

    Whoever has settings takes part; besides the active and the warm provider, as a shadow.
    """
    with as_file(files("firmquote") / "config" / "demo.yaml") as path:
        config = load_config(Path(path))
    key = KeyReference(env=KEY_NAME)
    providers = {name: ProviderSection(api_key=key, settings=dict(own)) for name, own in settings.items()}
    serve = config.serve if port is None else structs.replace(config.serve, port=port)
    return structs.replace(config, providers=providers, serve=serve)
