"""SymbolNormalizer: canonical ↔ every provider's spelling."""

from collections.abc import Iterable, Mapping

from firmquote.errors import ConfigError, UnknownSymbolError
from firmquote.model import SymbolCodec


class SymbolNormalizer:
    """Knows each provider's codec, and the exceptions that its owner configured.

    `overrides` maps provider → canonical → spelling; it wins over the codec, in both directions.
    """

    def __init__(
        self, codecs: Mapping[str, SymbolCodec], overrides: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self._codecs = dict(codecs)
        self._overrides = {name: dict(table) for name, table in (overrides or {}).items()}
        for name, table in self._overrides.items():
            if len(set(table.values())) != len(table):
                raise ConfigError(f"symbols.overrides.{name}: two symbols have one spelling. Give each its own.")
        self._reverse = {name: {s: c for c, s in table.items()} for name, table in self._overrides.items()}

    def to_provider(self, provider: str, canonical: str) -> str:
        """Return `provider`'s spelling. Raises UnknownSymbolError where it has none."""
        override = self._overrides.get(provider, {}).get(canonical)
        return override if override is not None else self._codec(provider).to_provider(canonical)

    def from_provider(self, provider: str, spelling: str) -> str:
        """Return the canonical symbol. Raises UnknownSymbolError where the spelling is not the provider's."""
        override = self._reverse.get(provider, {}).get(spelling)
        return override if override is not None else self._codec(provider).from_provider(spelling)

    def table(self, provider: str, symbols: Iterable[str]) -> dict[str, str]:
        """Return spelling → canonical for `symbols`, to be read once per quote.

        Raises:
            UnknownSymbolError: a symbol that the provider cannot spell, or two that it spells alike.
        """
        table: dict[str, str] = {}
        for canonical in symbols:
            spelling = self.to_provider(provider, canonical)
            other = table.setdefault(spelling, canonical)
            if other != canonical:
                raise UnknownSymbolError(f"{provider} spells {other} and {canonical} alike: {spelling}. Serve one.")
        return table

    def _codec(self, provider: str) -> SymbolCodec:
        codec = self._codecs.get(provider)
        if codec is None:
            raise UnknownSymbolError(f"{provider}: no spelling is known. Known: {', '.join(sorted(self._codecs))}.")
        return codec
