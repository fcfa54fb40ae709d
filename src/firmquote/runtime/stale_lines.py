"""No symbol is shown stale from a polled provider while another has a price of it that can be acted on.

That is no event, and no role moves: who is asked rarely is stale between two answers, and well. It is shown again once
its line has been better than stale for as long as any line must be well.
"""

from collections.abc import Collection

from firmquote.board import Board, Entry, Line
from firmquote.model import USABLE, Grade
from firmquote.quality import grade
from firmquote.routing import ProviderManager
from firmquote.runtime.turns import Turns

SYMBOLS_PER_LOOK = 10
"""Symbols of a look; a larger board is looked at in turns."""
SOURCE = "stale"


class StaleLines:
    """Bounded: one entry for each polled line that is passed over."""

    def __init__(self, board: Board, manager: ProviderManager, polled: Collection[str]) -> None:
        self._board = board
        self._manager = manager
        self._polled = polled
        self._turns = Turns(list(board.entries.values()) if polled else [], SYMBOLS_PER_LOOK)
        self._passed: set[Line] = set()

    def look(self, now_ns: int) -> None:
        """Pass over lines that are stale, and excuse those that are stale no more or that nobody can stand in for."""
        for entry in self._turns.next():
            for name in self._polled:
                line = entry.lines[name]
                passed = line in self._passed
                if not passed and line is not entry.elected:
                    continue
                stale = self._grade(line, now_ns) is Grade.STALE
                if stale and self._stands_in(entry, line, now_ns):
                    if not passed:
                        self._passed.add(line)
                        self._manager.pass_over(name, entry.symbol, SOURCE, "its price is stale")
                elif passed:
                    self._passed.remove(line)
                    self._manager.excuse(name, entry.symbol, SOURCE, None if stale else now_ns)

    def _stands_in(self, entry: Entry, stale: Line, now_ns: int) -> bool:
        members, lines = self._manager.members, self._manager.lines
        return any(
            members[name].usable
            and not members[name].synthetic
            and not lines.against(name, entry.symbol)
            and self._grade(line, now_ns) >= USABLE
            for name, line in entry.lines.items()
            if line is not stale
        )

    def _grade(self, line: Line, now_ns: int) -> Grade:
        return grade(line.standing(), self._board.grading, now_ns=now_ns).grade
