"""Symbols: the canonical form, and every provider's spelling of it."""

from firmquote.symbols.canonical import Kind, Symbol, parse_symbol
from firmquote.symbols.normalizer import SymbolNormalizer
from firmquote.symbols.spelling import Spelling

__all__ = ["Kind", "Spelling", "Symbol", "SymbolNormalizer", "parse_symbol"]
