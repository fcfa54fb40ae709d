"""Symbols: the canonical form, every provider's spelling of it, old names, corporate actions and sessions."""

from firmquote.symbols.canonical import Kind, Symbol, parse_symbol, readings
from firmquote.symbols.history import (
    Listing,
    NameSpan,
    TickerChange,
    TickerHistory,
    decode_map_file,
    listing_of_changes,
)
from firmquote.symbols.normalizer import Explanation, SymbolNormalizer
from firmquote.symbols.sessions import CalendarTable, TradingCalendar, decode_calendar, xnys_calendar
from firmquote.symbols.spelling import Case, Spelling

__all__ = [
    "CalendarTable",
    "Case",
    "Explanation",
    "Kind",
    "Listing",
    "NameSpan",
    "Spelling",
    "Symbol",
    "SymbolNormalizer",
    "TickerChange",
    "TickerHistory",
    "TradingCalendar",
    "decode_calendar",
    "decode_map_file",
    "listing_of_changes",
    "parse_symbol",
    "readings",
    "xnys_calendar",
]
