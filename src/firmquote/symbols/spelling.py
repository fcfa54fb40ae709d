"""How a provider spells symbols, said as a table of patterns instead of code."""

import re
from enum import Enum
from functools import cache
from string import ascii_uppercase

from msgspec import Struct

from firmquote.errors import UnknownSymbolError
from firmquote.symbols.canonical import QUOTE_CURRENCIES, Kind, Symbol, parse_symbol

_PLACE = re.compile(r"\{(root|series)\}")


class Case(Enum):
    """What a provider makes of capitals."""

    EXACT = "exact"
    """Capitals carry meaning, or lower case is not known."""
    LOWER = "lower"
    """Written in lower case, read in either."""


class Spelling(Struct, frozen=True, kw_only=True):
    """One provider's way to write each kind, as templates of `{root}` and `{series}`; `None` where it has none.

    Implements `model.SymbolCodec`: whatever it writes it reads back as the same symbol, and a spelling with two
    readings is refused in both directions.
    """

    provider: str
    case: Case = Case.EXACT
    right: str | None = None
    when_issued: str | None = None
    unit: str | None = None
    warrant_series: str | None = None
    warrant: str | None = None
    preferred: str | None = None
    preferred_bare: str | None = None
    klass: str | None = None
    class_letters: str = ascii_uppercase
    """The letters that name classes here, where others after the same separator mean something else."""
    crypto: str | None = None
    index: str | None = None

    def to_provider(self, canonical: str) -> str:
        """Return the provider's spelling of a canonical symbol.

        Raises:
            UnknownSymbolError: the text is not canonical, the provider does not carry that kind, or its spelling
                could be read back as another symbol.
        """
        symbol = parse_symbol(canonical)
        template = self._template(symbol)
        if template is None:
            raise UnknownSymbolError(
                f"{self.provider} has no known spelling for {symbol.description}. Take it from another provider, "
                f"or name its spelling in symbols.overrides.{self.provider}."
            )
        spelling = template.format(root=symbol.root, series=symbol.series)
        if self.case is Case.LOWER:
            spelling = spelling.lower()
        if self.from_provider(spelling) != canonical:
            raise UnknownSymbolError(
                f"{self.provider} would write {canonical} as {spelling!r}, which means {self.from_provider(spelling)} "
                f"there. Name its spelling in symbols.overrides.{self.provider}."
            )
        return spelling

    def from_provider(self, spelling: str) -> str:
        """Return the canonical symbol behind a provider's spelling.

        Raises:
            UnknownSymbolError: the provider does not write symbols like that, or the spelling has two readings.
        """
        text = spelling.upper() if self.case is Case.LOWER and spelling.isascii() else spelling
        found = {
            symbol.text
            for kind, template, pattern in _patterns(self)
            if (match := pattern.fullmatch(text)) is not None
            and self._template(symbol := _symbol(kind, match)) == template
            and _is_canonical(symbol)
        }
        if not found:
            raise UnknownSymbolError(f"{spelling!r} is not how {self.provider} writes a symbol.")
        if len(found) > 1:
            raise UnknownSymbolError(
                f"{spelling!r} can mean {' or '.join(sorted(found))} at {self.provider}. "
                f"Name the one that you serve in symbols.overrides.{self.provider}."
            )
        return found.pop()

    def _template(self, symbol: Symbol) -> str | None:
        match symbol.kind:
            case Kind.COMMON:
                return "{root}"
            case Kind.CLASS:
                return self.klass if symbol.series in self.class_letters else None
            case Kind.TEST:
                return self.klass if symbol.series else "{root}"
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


@cache  # one entry per provider
def _patterns(spelling: Spelling) -> tuple[tuple[Kind, str, re.Pattern[str]], ...]:
    readings = (
        (Kind.COMMON, "{root}"),
        (Kind.CLASS, spelling.klass),
        (Kind.TEST, "{root}"),
        (Kind.TEST, spelling.klass),
        (Kind.PREFERRED, spelling.preferred),
        (Kind.PREFERRED, spelling.preferred_bare),
        (Kind.WARRANT, spelling.warrant_series),
        (Kind.WARRANT, spelling.warrant),
        (Kind.UNIT, spelling.unit),
        (Kind.RIGHT, spelling.right),
        (Kind.WHEN_ISSUED, spelling.when_issued),
        (Kind.CRYPTO, spelling.crypto),
        (Kind.INDEX, spelling.index),
    )
    return tuple((kind, template, _pattern(kind, template)) for kind, template in readings if template is not None)


def _pattern(kind: Kind, template: str) -> re.Pattern[str]:
    series = "|".join(QUOTE_CURRENCIES) if kind is Kind.CRYPTO else "[A-Z]"
    groups = {"root": "(?P<root>[A-Z][A-Z0-9]{0,9}?)", "series": f"(?P<series>{series})"}
    return re.compile("".join(groups.get(piece, re.escape(piece)) for piece in _PLACE.split(template)))


def _symbol(kind: Kind, match: re.Match[str]) -> Symbol:
    return Symbol(match["root"], kind, match.groupdict().get("series") or "")


def _is_canonical(symbol: Symbol) -> bool:
    try:
        return parse_symbol(symbol.text) == symbol
    except UnknownSymbolError:
        return False
