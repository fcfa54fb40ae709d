"""Does a polled provider repeat one price although the market has left it? A frozen answer raises no error. Pure.

A last trade may be old and still be the last, so its age says nothing. But who quotes bid and ask and agreed with it
once, then went away and stays away while answer after answer repeats it, is followed rather than doubted.
"""

from msgspec import Struct

from firmquote.model import BPS, NS_PER_MS, Price, Reason
from firmquote.quality.fitness import Finding, FitnessPolicy

ANSWERS_MIN = 2
"""So many answers must repeat the price after bid and ask elsewhere have left it …"""
QUOTES_MIN = 3
"""… which must have changed so often since …"""
AWAY_MS_MIN = 2_000
"""… and be away without a break for so long, beyond the window in which one may tell later than another."""


class _Left(Struct, frozen=True):
    """How things stood when a witness went away."""

    at_ns: int
    answers: int
    quotes: int


class Standstill:
    """One last-price line. Remembers at most one entry for each other provider."""

    __slots__ = ("_agreed", "_answers", "_found", "_left")

    def __init__(self) -> None:
        self._answers = 0
        self._agreed: set[str] = set()
        self._left: dict[str, _Left] = {}
        self._found = False

    def note_answer(self, *, same: bool) -> None:
        """Count an answer; `same` is whether it repeats the price of the one before.

        A new price does not stand still: if it contradicts the others too, they may be as wrong as it is.
        """
        if same:
            self._answers += 1
        else:
            self.forget()

    def note_agreement(self, provider: str) -> None:
        """What `provider` quotes fits the price; so the price is right."""
        self._agreed.add(provider)
        self._left.clear()
        self._found = False

    def note_away(self, provider: str, price: Price, mid: Price, quotes: int, *, now_ns: int) -> Finding | None:
        """`provider` quotes something else, in its quote number `quotes`; say so once that is proof."""
        if not self._found:
            if provider not in self._agreed:
                return None
            left = self._left.setdefault(provider, _Left(now_ns, self._answers, quotes))
            if self._answers - left.answers < ANSWERS_MIN or quotes - left.quotes < QUOTES_MIN:
                return None
            if now_ns - left.at_ns < AWAY_MS_MIN * NS_PER_MS:
                return None
            self._found = True
        away_bps = abs(price / mid - 1) * BPS
        words = f"its answers repeat {price:.4f} while {provider} has moved to {mid:.4f}, {away_bps:.1f} bps away"
        return Finding(Reason.UNCHANGED, words)

    def forget(self) -> None:
        """Begin anew: there is a new price, or the market rests, and an old one is right."""
        self._answers = 0
        self._agreed.clear()
        self._left.clear()
        self._found = False


def is_left(price: Price, low: Price, high: Price, spread: Price, policy: FitnessPolicy) -> bool:
    """Say whether a last price lies farther from bid and ask than the last trade of a quiet market may."""
    away = max(low - price, price - high)
    bps = policy.divergent_bps_min + policy.last_price_bps
    return away > max(policy.divergent_spreads * spread, bps / BPS * price)
