"""One folder a provider, each found by its entry point; none knows another."""

__all__: list[str] = []
