"""A test of a mean that may be looked at at any time: betting against the limit (e-processes).

Each observation x in [0, 1] multiplies a stake by 1 + bet * (x - limit). Were the true mean at the limit, no betting
could make the stake grow: it exceeds 1/alpha at any time with a probability of at most alpha (Ville). One stake is bet
on "more than the limit", one on "less"; each is the mean of stakes with several bets, so that none has to be chosen in
advance. The observations may depend on each other as long as each one's expectation, given those before, obeys the
limit.
"""

from math import exp, log

BETS = (0.03, 0.1, 0.25, 0.5, 0.9)
"""Bets as shares of the largest that can never lose everything."""


class SequentialMean:
    """Compares the mean of what is observed with `limit`, in (0, 1)."""

    __slots__ = ("_above", "_below", "_limit", "_steps_above", "_steps_below", "n", "total")

    def __init__(self, limit: float) -> None:
        assert 0 < limit < 1
        self.n = 0
        self.total = 0.0
        self._limit = limit
        self._steps_above = tuple(bet / limit for bet in BETS)
        self._steps_below = tuple(bet / (1 - limit) for bet in BETS)
        self._above = [0.0] * len(BETS)
        self._below = [0.0] * len(BETS)

    def observe(self, x: float) -> None:
        """Take one observation in [0, 1]."""
        assert 0 <= x <= 1
        self.n += 1
        self.total += x
        apart = x - self._limit
        self._above = [
            stake + log(1 + step * apart) for stake, step in zip(self._above, self._steps_above, strict=True)
        ]
        self._below = [
            stake + log(1 - step * apart) for stake, step in zip(self._below, self._steps_below, strict=True)
        ]

    @property
    def mean(self) -> float | None:
        """The mean so far, or `None` without observations."""
        return self.total / self.n if self.n else None

    def is_above(self, alpha: float) -> bool:
        """Say whether the mean is proven to exceed the limit; wrong with a probability of at most `alpha`, ever."""
        return _log_mean(self._above) >= -log(alpha)

    def is_below(self, alpha: float) -> bool:
        """Say whether the mean is proven to stay below the limit; wrong with a probability of at most `alpha`, ever."""
        return _log_mean(self._below) >= -log(alpha)

    def needed(self, alpha: float) -> int:
        """Return how many observations of 0 more would prove that the mean stays below."""
        gains = [log(1 + step * self._limit) for step in self._steps_below]
        target = -log(alpha) + log(len(BETS))
        waits = [(target - stake) / gain for stake, gain in zip(self._below, gains, strict=True)]
        return max(0, int(min(waits)) + 1)


def _log_mean(stakes: list[float]) -> float:
    most = max(stakes)
    return most + log(sum(exp(stake - most) for stake in stakes) / len(stakes))
