"""The canonical spelling of a symbol: one text for one instrument, whoever sells its quotes.

    IBM        common stock             BAC.PRL    preferred, series L (`.PR` without a series)
    BRK.B      class B                  XYZ.WS     warrant (`.WS.A` of series A)
    XYZ.U      unit                     XYZ.RT     right
    XYZ.WI     when issued              BTC-USD    crypto pair
    I:SPX      index

A root is 1 to 6 capital letters or digits beginning with a letter. `.U` is always a unit, never a class, and a
class is one letter: what could be read in two ways is not canonical.
"""

import re
from enum import Enum

from msgspec import Struct

from firmquote.errors import UnknownSymbolError


class Kind(Enum):
    """What kind of instrument a symbol names."""

    COMMON = "common"
    CLASS = "class"
    PREFERRED = "preferred"
    WARRANT = "warrant"
    UNIT = "unit"
    RIGHT = "right"
    WHEN_ISSUED = "when_issued"
    CRYPTO = "crypto"
    INDEX = "index"


class Symbol(Struct, frozen=True):
    """A parsed symbol. `series` is the class or series letter, or the quote currency of a crypto pair."""

    root: str
    kind: Kind = Kind.COMMON
    series: str = ""

    @property
    def text(self) -> str:
        """The canonical text; `parse_symbol` of it gives this symbol back."""
        match self.kind:
            case Kind.COMMON:
                return self.root
            case Kind.CLASS:
                return f"{self.root}.{self.series}"
            case Kind.PREFERRED:
                return f"{self.root}.PR{self.series}"
            case Kind.WARRANT:
                return f"{self.root}.WS.{self.series}" if self.series else f"{self.root}.WS"
            case Kind.UNIT:
                return f"{self.root}.U"
            case Kind.RIGHT:
                return f"{self.root}.RT"
            case Kind.WHEN_ISSUED:
                return f"{self.root}.WI"
            case Kind.CRYPTO:
                return f"{self.root}-{self.series}"
            case Kind.INDEX:
                return f"I:{self.root}"


QUOTE_CURRENCIES = ("USDT", "USDC", "USD", "EUR", "GBP", "BTC")
_ROOT = "(?P<root>[A-Z][A-Z0-9]{0,5})"
_SHAPES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.COMMON, re.compile(_ROOT)),
    (Kind.UNIT, re.compile(rf"{_ROOT}\.U")),
    (Kind.RIGHT, re.compile(rf"{_ROOT}\.RT")),
    (Kind.WHEN_ISSUED, re.compile(rf"{_ROOT}\.WI")),
    (Kind.WARRANT, re.compile(rf"{_ROOT}\.WS(?:\.(?P<series>[A-Z]))?")),
    (Kind.PREFERRED, re.compile(rf"{_ROOT}\.PR(?P<series>[A-Z]?)")),
    (Kind.CLASS, re.compile(rf"{_ROOT}\.(?P<series>[A-TV-Z])")),
    (Kind.CRYPTO, re.compile(rf"(?P<root>[A-Z][A-Z0-9]{{0,9}})-(?P<series>{'|'.join(QUOTE_CURRENCIES)})")),
    (Kind.INDEX, re.compile(r"I:(?P<root>[A-Z][A-Z0-9]{0,9})")),
)
_AS_TYPED = str.maketrans({"/": ".", "-": ".", " ": "."})


def parse_symbol(text: str) -> Symbol:
    """Read a canonical text.

    Raises:
        UnknownSymbolError: it is none; where an obvious canonical spelling exists, the message names it.
    """
    for kind, shape in _SHAPES:
        found = shape.fullmatch(text)
        if found is not None:
            return Symbol(found["root"], kind, found.groupdict().get("series") or "")
    raise UnknownSymbolError(f"{text!r} is not a canonical symbol. {_suggest(text)}")


def _suggest(text: str) -> str:
    typed = text.strip().upper().translate(_AS_TYPED)
    for _, shape in _SHAPES:
        if shape.fullmatch(typed):
            return f"Write {typed!r}."
    return "Write the root in capitals, a class as BRK.B, a preferred as BAC.PRL, a warrant as XYZ.WS, a unit as XYZ.U."
