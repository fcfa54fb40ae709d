"""The canonical spelling of a symbol: one text for one instrument, whoever sells its quotes.

    IBM        common stock             BAC.PRL    preferred, series L (`.PR` without a series)
    BRK.B      class B                  XYZ.WS     warrant (`.WS.A` of series A)
    XYZ.U      unit                     XYZ.RT     right
    XYZ.WI     when issued              BTC-USD    crypto pair
    I:SPX      index                    ZVZZT      an exchange's test symbol

A root is 1 to 5 capital letters or digits beginning with a letter: no US listing has a longer one, and `BTCUSD` must
not pass for a stock. `.U` is always a unit, never a class, and a class is one letter: what could be read in two ways
is not canonical. Nasdaq's fifth letter (`ABCDW`, a warrant) is part of the root: the text alone cannot tell its kind.
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
    TEST = "test"
    CRYPTO = "crypto"
    INDEX = "index"

    @property
    def label(self) -> str:
        """The kind in a sentence."""
        return self.value.replace("_", " ")


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
            case Kind.TEST:
                return f"{self.root}.{self.series}" if self.series else self.root
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

    @property
    def description(self) -> str:
        """The text with its kind and series, for messages."""
        series = f" {self.series}" if self.series and self.kind is not Kind.CRYPTO else ""
        return f"{self.text} ({self.kind.label}{series})"


QUOTE_CURRENCIES = ("USDT", "USDC", "USD", "EUR", "GBP", "BTC")
"""None ends in another, so that a pair written without a separator has one reading."""

TEST_ROOTS = frozenset(
    {"ZBZZT", "ZJZZT", "ZVZZT", "ZWZZT", "ZXZZT", "ZXYZ", "ZBZX", "ZTEST", "ZTST", "ZVV", "ZZK", "ZZZ"}
    | {"ATEST", "CTEST", "NTEST", "CBO", "CBX", "IBO", "IGZ", "FAKEPACA"}
)
"""Traded on the tapes like stocks to test systems, and worth nothing; FAKEPACA is Alpaca's own."""

_ROOT = "(?P<root>[A-Z][A-Z0-9]{0,4})"
_PAIR_ROOT = "(?P<root>[A-Z][A-Z0-9]{0,9}?)"
_QUOTE = f"(?P<series>{'|'.join(QUOTE_CURRENCIES)})"
_SHAPES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.TEST, re.compile(rf"(?P<root>{'|'.join(sorted(TEST_ROOTS))})(?:\.(?P<series>[A-TV-Z]))?")),
    (Kind.COMMON, re.compile(_ROOT)),
    (Kind.UNIT, re.compile(rf"{_ROOT}\.U")),
    (Kind.RIGHT, re.compile(rf"{_ROOT}\.RT")),
    (Kind.WHEN_ISSUED, re.compile(rf"{_ROOT}\.WI")),
    (Kind.WARRANT, re.compile(rf"{_ROOT}\.WS(?:\.(?P<series>[A-Z]))?")),
    (Kind.PREFERRED, re.compile(rf"{_ROOT}\.PR(?P<series>[A-Z]?)")),
    (Kind.CLASS, re.compile(rf"{_ROOT}\.(?P<series>[A-TV-Z])")),
    (Kind.CRYPTO, re.compile(f"{_PAIR_ROOT}-{_QUOTE}")),
    (Kind.INDEX, re.compile(r"I:(?P<root>[A-Z][A-Z0-9]{0,9})")),
)

# What people type, upper-cased. Suffixes: nasdaqtrader.com "CQS Symbol Convention" (CMS and Nasdaq columns), Yahoo's
# dashes; read 2026-11-24. Nasdaq writes a preferred as BAC-L, everybody else a class as BRK-B: a dash means either.
_BREAK = r"[./_ -]"
_TYPED: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.COMMON, re.compile(_ROOT)),
    (Kind.CLASS, re.compile(rf"{_ROOT}{_BREAK}(?P<series>[A-TV-Z])")),
    (Kind.PREFERRED, re.compile(rf"{_ROOT}-(?P<series>[A-TV-Z])")),
    (Kind.PREFERRED, re.compile(rf"{_ROOT}{_BREAK}PR(?:{_BREAK}?(?P<series>[A-Z]))?")),
    (Kind.PREFERRED, re.compile(rf"{_ROOT}{_BREAK}P{_BREAK}?(?P<series>[A-Z])")),
    (Kind.WARRANT, re.compile(rf"{_ROOT}(?:{_BREAK}W[ST]{_BREAK}?|\+)(?P<series>[A-Z]?)")),
    (Kind.UNIT, re.compile(rf"{_ROOT}(?:{_BREAK}UN?|=)")),
    (Kind.RIGHT, re.compile(rf"{_ROOT}(?:{_BREAK}RT|\^)")),
    (Kind.WHEN_ISSUED, re.compile(rf"{_ROOT}(?:{_BREAK}WI|#)")),
    (Kind.CRYPTO, re.compile(rf"(?:X:)?{_PAIR_ROOT}[/_ -]?{_QUOTE}")),
    (Kind.INDEX, re.compile(r"(?:I:|[$^])(?P<root>[A-Z][A-Z0-9]{0,9})")),
)
_CQS_PREFERRED = re.compile(rf"{_ROOT}p(?P<series>[A-Z]?)")
"""`BACpL`: the one form whose case says more than its letters."""


def parse_symbol(text: str) -> Symbol:
    """Read a canonical text.

    Raises:
        UnknownSymbolError: it is none; where canonical spellings of what was typed exist, the message names them.
    """
    symbol = _first(_SHAPES, text)
    if symbol is None:
        raise UnknownSymbolError(f"{text!r} is not a canonical symbol. {_advice(readings(text))}")
    return symbol


def readings(text: str) -> tuple[Symbol, ...]:
    """Return every instrument that somebody may mean by `text`; a canonical text means itself and nothing else.

    Any case and the separators `. / - _` and space are read, with the suffixes of the CMS and Nasdaq conventions:
    `brk/b`, `BAC PRL`, `bac-p-l`, `XYZ+`, `btc/usd`, `^SPX`. `BRK-B` has two readings: class B, preferred B.
    """
    exact = _first(_SHAPES, text)
    if exact is not None:
        return (exact,)
    text = text.strip()
    if not text.isascii():  # some foreign letters turn into ours when upper-cased
        return ()
    preferred = _CQS_PREFERRED.fullmatch(text)
    if preferred is not None:
        return (Symbol(preferred["root"], Kind.PREFERRED, preferred["series"]),)
    typed = text.upper()
    exact = _first(_SHAPES, typed)
    if exact is not None:
        return (exact,)
    found = [_symbol(kind, match) for kind, shape in _TYPED if (match := shape.fullmatch(typed)) is not None]
    return tuple(dict.fromkeys(symbol for symbol in found if _first(_SHAPES, symbol.text) == symbol))


def _first(shapes: tuple[tuple[Kind, re.Pattern[str]], ...], text: str) -> Symbol | None:
    for kind, shape in shapes:
        found = shape.fullmatch(text)
        if found is not None:
            return _symbol(kind, found)
    return None


def _symbol(kind: Kind, found: re.Match[str]) -> Symbol:
    if kind in (Kind.COMMON, Kind.CLASS) and found["root"] in TEST_ROOTS:
        kind = Kind.TEST
    return Symbol(found["root"], kind, found.groupdict().get("series") or "")


def _advice(meant: tuple[Symbol, ...]) -> str:
    if not meant:
        return (
            "Write the root in capitals, a class as BRK.B, a preferred as BAC.PRL, a warrant as XYZ.WS, a unit XYZ.U."
        )
    if len(meant) == 1:
        return f"Write {meant[0].text!r}."
    return f"Write {' or '.join(symbol.description for symbol in meant)}."
