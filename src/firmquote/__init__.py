"""Firmquote: many providers in, one quote you can trade on."""

from firmquote.errors import FirmquoteError

__all__ = ["FirmquoteError", "__version__"]

__version__ = "0.1.0"
