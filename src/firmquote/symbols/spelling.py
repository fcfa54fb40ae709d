"""How a provider spells symbols, said as a table of patterns instead of code."""

import re

from msgspec import Struct

from firmquote.errors import UnknownSymbolError
from firmquote.symbols.canonical import QUOTE_CURRENCIES, Kind, Symbol, parse_symbol

_PLACE = re.compile(r"\{(root|series)\}")
_ROOT = "(?P<root>[A-Z][A-Z0-9]{0,9}?)"
_SERIES = "(?P<series>[A-Z])"
_QUOTE_CURRENCY = f"(?P<series>{'|'.join(QUOTE_CURRENCIES)})"


class Spelling(Struct, frozen=True, kw_only=True):
    """One provider's way to write each kind, as templates of `{root}` and `{series}`; `None` where it has none.

    Implements `model.SymbolCodec`. The order of kinds below is the order in which a spelling is read, so a more
    specific form comes before a more general one.
    """

    provider: str
    right: str | None = None
    when_issued: str | None = None
    unit: str | None = None
    warrant_series: str | None = None
    warrant: str | None = None
    preferred: str | None = None
    preferred_bare: str | None = None
    klass: str | None = None
    crypto: str | None = None
    index: str | None = None

    def to_provider(self, canonical: str) -> str:
        """Return the provider's spelling of a canonical symbol.

        Raises:
            UnknownSymbolError: the text is not canonical, the provider does not carry that kind, or its spelling
                would be read back as another symbol.
        """
        symbol = parse_symbol(canonical)
        template = self._template(symbol)
        if template is None:
            raise UnknownSymbolError(
                f"{canonical}: {self.provider} has no known spelling for a {symbol.kind.value.replace('_', ' ')}. "
                "Take it from another provider."
            )
        spelling = template.format(root=symbol.root, series=symbol.series)
        if self.from_provider(spelling) != canonical:
            raise UnknownSymbolError(
                f"{canonical}: {self.provider} would write {spelling!r}, which it also uses for "
                f"{self.from_provider(spelling)}. Name its spelling in symbols.overrides.{self.provider}."
            )
        return spelling

    def from_provider(self, spelling: str) -> str:
        """Return the canonical symbol behind a provider's spelling.

        Raises:
            UnknownSymbolError: the provider does not write symbols like that.
        """
        for kind, template in self._readings():
            found = re.fullmatch(_pattern(kind, template), spelling)
            if found is None:
                continue
            symbol = Symbol(found["root"], kind, found.groupdict().get("series") or "")
            if self._template(symbol) == template and _is_canonical(symbol):
                return symbol.text
        raise UnknownSymbolError(f"{spelling!r} is not how {self.provider} writes a symbol.")

    def _template(self, symbol: Symbol) -> str | None:
        match symbol.kind:
            case Kind.COMMON:
                return "{root}"
            case Kind.CLASS:
                return self.klass
            case Kind.PREFERRED:
                return self.preferred if symbol.series else self.preferred_bare
            case Kind.WARRANT:
                return self.warrant_series if symbol.series else self.warrant
            case Kind.UNIT:
                return self.unit
            case Kind.RIGHT:
                return self.right
            case Kind.WHEN_ISSUED:
                return self.when_issued
            case Kind.CRYPTO:
                return self.crypto
            case Kind.INDEX:
                return self.index

    def _readings(self) -> list[tuple[Kind, str]]:
        readings = (
            (Kind.COMMON, "{root}"),
            (Kind.RIGHT, self.right),
            (Kind.WHEN_ISSUED, self.when_issued),
            (Kind.UNIT, self.unit),
            (Kind.WARRANT, self.warrant_series),
            (Kind.WARRANT, self.warrant),
            (Kind.PREFERRED, self.preferred),
            (Kind.PREFERRED, self.preferred_bare),
            (Kind.CRYPTO, self.crypto),
            (Kind.INDEX, self.index),
            (Kind.CLASS, self.klass),
        )
        return [(kind, template) for kind, template in readings if template is not None]


def _pattern(kind: Kind, template: str) -> str:
    groups = {"root": _ROOT, "series": _QUOTE_CURRENCY if kind is Kind.CRYPTO else _SERIES}
    return "".join(groups.get(piece, re.escape(piece)) for piece in _PLACE.split(template))


def _is_canonical(symbol: Symbol) -> bool:
    try:
        return parse_symbol(symbol.text) == symbol
    except UnknownSymbolError:
        return False
