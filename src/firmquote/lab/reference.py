"""What the simulated providers know of instruments beside their prices: corporate actions and old names."""

from datetime import date
from zlib import crc32

from firmquote.symbols import CorporateAction, Listing


class ReferenceBook:
    """Empty until somebody writes in it; each provider tells what it would tell of it, in its own words."""

    def __init__(self) -> None:
        self.actions: list[CorporateAction] = []
        self.listings: list[Listing] = []

    def of(self, symbol: str) -> list[CorporateAction]:
        """Return the actions of one symbol, the latest first."""
        found = [each for each in self.actions if each.symbol == symbol]
        return sorted(found, key=lambda each: each.effective, reverse=True)

    def listing_on(self, name: str, day: date) -> Listing | None:
        """Return what was called `name` on `day`."""
        return next((each for each in self.listings if each.name_on(day) == name), None)

    def listing_of(self, identifier: str) -> Listing | None:
        """Return the instrument that has this identifier."""
        return next((each for each in self.listings if figi(each) == identifier), None)


def figi(listing: Listing) -> str:
    """Return an identifier in the form of a FIGI."""
    return f"BBG{crc32(listing.key.encode()):09d}"[:12]
