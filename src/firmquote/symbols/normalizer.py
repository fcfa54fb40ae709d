"""SymbolNormalizer: canonical ↔ every provider's spelling, what people type, and old names."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from msgspec import Struct

from firmquote.errors import ConfigError, UnknownSymbolError
from firmquote.model import SymbolCodec
from firmquote.symbols.canonical import Symbol, parse_symbol, readings
from firmquote.symbols.history import NameSpan, TickerHistory


class Explanation(Struct, frozen=True, kw_only=True):
    """All that is known about a text that should be a symbol."""

    typed: str
    as_of: date | None
    canonical: str
    kind: str
    current: str
    """The newest name of the instrument; another one than `canonical` where it was renamed."""
    last_day: date | None
    """Its last day of listing, where it is not listed any more."""
    spellings: dict[str, str]
    """Provider → how it writes `current`."""
    refusals: dict[str, str]
    """Provider → why it cannot write it."""
    names: tuple[NameSpan, ...]
    """All names of the instrument, oldest first; empty where the history does not know it."""
    notes: tuple[str, ...]


class SymbolNormalizer:
    """Knows each registered provider's codec, and the exceptions that its owner configured.

    `overrides` maps provider → canonical → spelling and wins over the codec, in both directions. `aliases` maps what
    people type → canonical. `history` knows old names.

    Raises:
        ConfigError: an override or alias of a text that is no canonical symbol, or two symbols with one spelling.
    """

    def __init__(
        self,
        codecs: Mapping[str, SymbolCodec] | None = None,
        overrides: Mapping[str, Mapping[str, str]] | None = None,
        *,
        aliases: Mapping[str, str] | None = None,
        history: TickerHistory | None = None,
    ) -> None:
        self._codecs = dict(codecs or {})
        self._overrides = {name: dict(table) for name, table in (overrides or {}).items()}
        self._aliases = {typed.strip().upper(): canonical for typed, canonical in (aliases or {}).items()}
        self._history = history or TickerHistory()
        for name, table in self._overrides.items():
            _check_canonical(f"symbols.overrides.{name}", table)
            if len(set(table.values())) != len(table):
                raise ConfigError(f"symbols.overrides.{name}: two symbols have one spelling. Give each its own.")
        _check_canonical("symbols.aliases", self._aliases.values())
        self._reverse = {name: {s: c for c, s in table.items()} for name, table in self._overrides.items()}

    def register(self, provider: str, codec: SymbolCodec) -> None:
        """Add a provider that was found after the others. Raises ConfigError where the name is taken."""
        if provider in self._codecs:
            raise ConfigError(f"{provider}: two providers have this name. Rename one of them.")
        self._codecs[provider] = codec

    def codec(self, provider: str) -> SymbolCodec:
        """Return `provider`'s codec with the owner's overrides in it."""
        return _Bound(self, provider)

    def to_provider(self, provider: str, canonical: str) -> str:
        """Return `provider`'s spelling.

        Raises:
            UnknownSymbolError: it has none, or an override gives the spelling to another symbol.
        """
        override = self._overrides.get(provider, {}).get(canonical)
        if override is not None:
            return override
        spelling = self._codec(provider).to_provider(canonical)
        owner = self._reverse.get(provider, {}).get(spelling)
        if owner is not None:
            raise UnknownSymbolError(
                f"{provider} spells {canonical} and {owner} alike: {spelling}. "
                f"Serve one, or correct symbols.overrides.{provider}."
            )
        return spelling

    def from_provider(self, provider: str, spelling: str) -> str:
        """Return the canonical symbol.

        Raises:
            UnknownSymbolError: the spelling is not the provider's, or an override names another one for its symbol.
        """
        owner = self._reverse.get(provider, {}).get(spelling)
        if owner is not None:
            return owner
        canonical = self._codec(provider).from_provider(spelling)
        override = self._overrides.get(provider, {}).get(canonical)
        if override is not None:
            raise UnknownSymbolError(
                f"{spelling!r}: symbols.overrides.{provider} says that {provider} writes {canonical} as {override!r}. "
                "Correct it if both are in use."
            )
        return canonical

    def table(self, provider: str, symbols: Iterable[str]) -> dict[str, str]:
        """Return spelling → canonical for `symbols`, to be read once per quote.

        Raises:
            UnknownSymbolError: a symbol that the provider cannot spell.
        """
        return {self.to_provider(provider, canonical): canonical for canonical in symbols}

    def resolve(self, text: str, *, served: Collection[str] | None = None, as_of: date | None = None) -> str:
        """Return the canonical symbol that `text` means: an alias, a canonical text, or anything with one reading.

        Of several readings the only one in `served` is taken. With `as_of`, a name of that day is followed to the
        instrument's newest name.

        Raises:
            UnknownSymbolError: no reading, or several; the message names them.
        """
        canonical = self._read(text, served).text
        listing = None if as_of is None else self._history.listing(canonical, as_of)
        return canonical if listing is None else listing.last.name

    def explain(self, text: str, as_of: date | None = None) -> Explanation:
        """Say what `text` means, meant on `as_of`, and how each provider writes it. Raises like `resolve`."""
        symbol = self._read(text, None)
        listing = None if as_of is None else self._history.listing(symbol.text, as_of)
        current = symbol.text if listing is None else listing.last.name
        spellings: dict[str, str] = {}
        refusals: dict[str, str] = {}
        for provider in sorted(self._codecs):
            try:
                spellings[provider] = self.to_provider(provider, current)
            except UnknownSymbolError as error:
                refusals[provider] = str(error)
        return Explanation(
            typed=text,
            as_of=as_of,
            canonical=symbol.text,
            kind=symbol.kind.value,
            current=current,
            last_day=None if listing is None else listing.last.last_day,
            spellings=spellings,
            refusals=refusals,
            names=() if listing is None else listing.spans,
            notes=tuple(self._notes(symbol.text, as_of)),
        )

    def _read(self, text: str, served: Collection[str] | None) -> Symbol:
        alias = self._aliases.get(text.strip().upper())
        if alias is not None:
            return parse_symbol(alias)
        meant = readings(text)
        if len(meant) > 1 and served is not None:
            meant = tuple(symbol for symbol in meant if symbol.text in served) or meant
        return meant[0] if len(meant) == 1 else parse_symbol(text)  # which says what the choice is

    def _notes(self, name: str, as_of: date | None) -> Iterable[str]:
        """Who else has this name; told so that nobody takes one for the other."""
        for span, listing in self._history.carriers(name):
            if span.covers(as_of) if as_of is not None else span.last_day is None:
                continue
            end, last = listing.last.last_day, listing.last.name
            known = f"what is now {last}" if end is None else f"{last}, listed until {end}"
            until = "" if span.last_day is None else f" until {span.last_day}"
            yield f"From {span.first_day}{until}, {name} was the name of {known}."

    def _codec(self, provider: str) -> SymbolCodec:
        codec = self._codecs.get(provider)
        if codec is None:
            raise UnknownSymbolError(f"{provider}: no spelling is known. Known: {', '.join(sorted(self._codecs))}.")
        return codec


class _Bound:
    """One provider's side of the normalizer."""

    def __init__(self, normalizer: SymbolNormalizer, provider: str) -> None:
        self._normalizer = normalizer
        self._provider = provider

    def to_provider(self, canonical: str) -> str:
        return self._normalizer.to_provider(self._provider, canonical)

    def from_provider(self, spelling: str) -> str:
        return self._normalizer.from_provider(self._provider, spelling)


def _check_canonical(where: str, symbols: Iterable[str]) -> None:
    for symbol in symbols:
        try:
            parse_symbol(symbol)
        except UnknownSymbolError as error:
            raise ConfigError(f"{where}: {error}") from error
