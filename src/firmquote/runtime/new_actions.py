"""Corporate actions that have come into effect since the start: what was learnt of prices before them is over."""

from collections.abc import Sequence
from datetime import date

from firmquote.symbols import CorporateAction


class NewActions:
    """Tells of each action once, whenever it became known."""

    def __init__(self, since: date) -> None:
        self._since = since
        self._asked: tuple[date, Sequence[CorporateAction]] = (since, ())
        self._told: frozenset[CorporateAction] = frozenset()

    def take(self, actions: Sequence[CorporateAction], today: date) -> set[str]:
        """Return the symbols of the actions that are in effect and were not told of; cheap where nothing changed."""
        if self._asked == (today, actions):
            return set()
        self._asked = (today, actions)
        in_effect = frozenset(action for action in actions if self._since <= action.effective <= today)
        new = in_effect - self._told
        self._told |= in_effect
        return {action.symbol for action in new}
