"""The strategies of an engine, each asked behind a fence: what one does wrong costs its own opinion and no more."""

from collections.abc import Sequence

from firmquote.decision.fusion import WEIGHT_MAX, Contribution
from firmquote.decision.market import MarketView
from firmquote.decision.strategies import Strategy
from firmquote.errors import HotpathViolation

WORDS_MAX = 200
"""Characters of a fault that are kept."""


class Panel:
    """Asks every strategy, drops what is no opinion, and counts that."""

    def __init__(self, strategies: Sequence[Strategy]) -> None:
        self.strategies = strategies
        self.faults = {strategy.name: 0 for strategy in strategies}
        """Strategy → how often it raised, or said what is no opinion."""
        self._untold: list[tuple[str, str]] = []

    def opinions(self, view: MarketView, now_ns: int) -> list[Contribution]:
        """Return what the strategies make of `view`. Raises HotpathViolation where one tries a live call."""
        found = []
        for strategy in self.strategies:
            try:
                opinion = strategy.on_view(view, now_ns)
                if opinion is None:
                    continue
                score, weight = opinion.score, opinion.weight
                if not (
                    type(score) is type(weight) is float
                    and -1.0 <= score <= 1.0
                    and 0.0 <= weight <= WEIGHT_MAX
                    and type(opinion.source) is str
                ):
                    opinion = _admit(opinion)
                found.append(opinion)
            except HotpathViolation:
                raise
            except Exception as error:  # noqa: BLE001 - somebody else's code: whatever it raises is its own fault
                self._note(strategy.name, error)
        return found

    def forget(self, symbol: str) -> None:
        """What was learnt of a symbol's prices means nothing any more; who remembers none has no `forget`."""
        for strategy in self.strategies:
            forget = getattr(strategy, "forget", None)
            if forget is None:
                continue
            try:
                forget(symbol)
            except Exception as error:  # noqa: BLE001 - as above
                self._note(strategy.name, error)

    def take_untold(self) -> list[tuple[str, str]]:
        """Return the first fault of each strategy, in words, once."""
        untold, self._untold = self._untold, []
        return untold

    def _note(self, name: str, error: Exception) -> None:
        if not self.faults[name]:
            self._untold.append((name, f"{type(error).__name__}: {error}"[:WORDS_MAX]))
        self.faults[name] += 1


def _admit(opinion: Contribution) -> Contribution:
    """Return the opinion in plain numbers, as a receipt keeps no others. Raises ValueError where it is none."""
    score, weight = float(opinion.score), float(opinion.weight)
    if not (-1.0 <= score <= 1.0 and 0.0 <= weight <= WEIGHT_MAX):  # nor is NaN
        raise ValueError(f"score {score:g}, weight {weight:g}: a score is -1 to 1, a weight 0 to {WEIGHT_MAX:g}")
    return Contribution(str(opinion.source), score, weight)
