"""Does a provider send what its plan promises? Only ever worse than promised: nobody is upgraded by what arrives."""

from datetime import date

from firmquote.model import FeedClass, Reason, Session
from firmquote.quality.fitness import Finding

COMPARED_MIN = 200
WIDER_SHARE = 0.5
NARROWER_SHARE = 0.02


class SpreadMeter:
    """Compares a provider's bid and ask with those of one that is known to be consolidated.

    A single venue's quote is never better than the market's and often worse; two consolidated ones are alike.
    """

    def __init__(self) -> None:
        self._compared = 0
        self._wider = 0
        self._narrower = 0

    def note(self, spread: float, market_spread: float) -> None:
        """Take both spreads of one symbol at one moment; the past counts for less and less."""
        self._compared += 1
        self._wider += spread > market_spread * 1.01
        self._narrower += spread < market_spread * 0.99
        if self._compared >= 2 * COMPARED_MIN:
            self._compared //= 2
            self._wider //= 2
            self._narrower //= 2

    def judge(self, against: str) -> Finding | None:
        """Say whether this looks like a single venue."""
        if self._compared < COMPARED_MIN or self._wider < WIDER_SHARE * self._compared:
            return None
        if self._narrower > NARROWER_SHARE * self._compared:
            return None
        share = self._wider / self._compared
        words = (
            f"its spread is wider than {against}'s {share:.0%} of the time and hardly ever narrower: one venue only?"
        )
        return Finding(Reason.SINGLE_VENUE, words, excludes=False)


def judge_trading_day(
    promised: FeedClass, trading_day: str | None, today: date | None, session: Session
) -> Finding | None:
    """Say whether a price that should be today's is an earlier day's, in the middle of a session."""
    if promised is FeedClass.END_OF_DAY or trading_day is None or today is None or session is not Session.REGULAR:
        return None
    if trading_day >= today.isoformat():
        return None
    return Finding(Reason.END_OF_DAY, f"its price is of {trading_day} in the session of {today}", excludes=False)
