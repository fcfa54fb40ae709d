"""Shadow comparison: how often does a provider tell another price than the one that is shown, and when?"""

from collections import deque

from msgspec import Struct

from firmquote.model import BPS, Price, Session

EXAMPLES_KEPT = 5


class Example(Struct, frozen=True, kw_only=True):
    """One mismatch as it was seen; `low` and `high` are what the other said around that time."""

    at_ns: int
    symbol: str
    session: str
    bid: Price
    ask: Price
    against: str
    low: Price
    high: Price
    away_bps: float


class Tally(Struct):
    """Comparisons and mismatches."""

    compared: int = 0
    mismatched: int = 0

    @property
    def rate(self) -> float | None:
        """Mismatches per comparison; `None` before the first."""
        return self.mismatched / self.compared if self.compared else None


class ShadowMeter:
    """One provider's comparisons with what was shown, by symbol and session, and its newest mismatches.

    Bounded by the number of symbols and the four sessions.
    """

    def __init__(self) -> None:
        self.tallies: dict[tuple[str, Session], Tally] = {}
        self.examples: deque[Example] = deque(maxlen=EXAMPLES_KEPT)

    def compare(
        self,
        symbol: str,
        session: Session,
        own: tuple[Price, Price],
        other: tuple[Price, Price],
        *,
        against: str,
        tolerance_bps: float,
        now_ns: int,
    ) -> bool:
        """Compare bid and ask with the lowest bid and highest ask that the other had around that time.

        Returns whether they match: they overlap, or nearly so.
        """
        tally = self.tallies.setdefault((symbol, session), Tally())
        tally.compared += 1
        (bid, ask), (low, high) = own, other
        away_bps = max(0.0, bid - high, low - ask) / ((low + high) / 2) * BPS
        if away_bps <= tolerance_bps:
            return True
        tally.mismatched += 1
        self.examples.append(
            Example(
                at_ns=now_ns,
                symbol=symbol,
                session=session.value,
                bid=bid,
                ask=ask,
                against=against,
                low=low,
                high=high,
                away_bps=away_bps,
            )
        )
        return False

    def total(self) -> Tally:
        """Return the sum over symbols and sessions."""
        tallies = self.tallies.values()
        return Tally(sum(t.compared for t in tallies), sum(t.mismatched for t in tallies))
