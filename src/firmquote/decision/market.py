"""What the engine sees of one symbol, taken from the board; nothing here knows where the board is."""

from msgspec import Struct

from firmquote.model import Grade, Graded, Price


class MarketView(Struct, frozen=True, gc=False):
    """One symbol at one moment. `last` is set where the provider sells no bid and ask."""

    symbol: str
    graded: Graded
    provider: str | None
    bid: Price | None
    ask: Price | None
    last: Price | None
    age_ms: float | None

    @property
    def grade(self) -> Grade:
        """How far the price may be trusted."""
        return self.graded.grade

    @property
    def mid(self) -> Price | None:
        """The middle of bid and ask, or the last price where there are none."""
        if self.bid is not None and self.ask is not None:
            return (self.bid + self.ask) / 2
        return self.last

    @property
    def spread_bps(self) -> float | None:
        """The spread in basis points of the mid, or `None` without two sides."""
        if self.bid is None or self.ask is None:
            return None
        return (self.ask - self.bid) / (self.ask + self.bid) * 20_000
