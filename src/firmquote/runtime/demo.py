"""The demo's configuration: the packaged file, with the simulators' addresses and key filled in."""

from importlib.resources import as_file, files
from pathlib import Path

from msgspec import structs

from firmquote.runtime.config import Config, KeyReference, ProviderSection
from firmquote.runtime.loading import load_config

KEY_NAME = "FIRMQUOTE_LAB_KEY"


def demo_config(*, stream_url: str, polygon_url: str, alphavantage_url: str, port: int | None = None) -> Config:
    """Return the demo's configuration for simulators at these addresses."""
    with as_file(files("firmquote") / "config" / "demo.yaml") as path:
        config = load_config(Path(path))
    key = KeyReference(env=KEY_NAME)
    providers = {
        "alphavantage": ProviderSection(api_key=key, settings={"rest_url": alphavantage_url}),
        "polygon": ProviderSection(api_key=key, settings={"stream_url": stream_url, "rest_url": polygon_url}),
    }
    serve = config.serve if port is None else structs.replace(config.serve, port=port)
    return structs.replace(config, providers=providers, serve=serve)
