"""Plays a tape: which rows are due by now, with their times moved to the present. Pure."""

from firmquote.lab.tape import Tape, TapeRow
from firmquote.model import NS_PER_MS, NS_PER_S


class Player:
    """Row `ts_ns` of the tape happens at `at_ns(ts_ns)`; after its end the tape starts again, later.

    `from_s` seconds of the tape lie before the start, so that every symbol has a price at once.
    """

    def __init__(self, tape: Tape, *, now_ns: int, speed: float = 1.0, from_s: float = 60.0, loop: bool = True) -> None:
        self.tape = tape
        self.loops = 0
        self._loop = loop
        self._speed = speed
        self._next = 0
        # Whole milliseconds, so that the millisecond of a row stays its own at speed 1.
        self._base_ns = (now_ns - int(from_s * NS_PER_S / speed)) // NS_PER_MS * NS_PER_MS
        self._length_ns = int((tape.end_ns - tape.start_ns + NS_PER_S) / speed)

    def at_ns(self, ts_ns: int) -> int:
        """Return when a row happens, in this turn of the tape."""
        moved = int((ts_ns - self.tape.start_ns) / self._speed)
        return self._base_ns + self.loops * self._length_ns + moved

    def due(self, now_ns: int) -> list[tuple[int, TapeRow]]:
        """Return the rows that have happened since the last call, with their times, in order."""
        rows = self.tape.rows
        found: list[tuple[int, TapeRow]] = []
        while True:
            while self._next < len(rows):
                at_ns = self.at_ns(rows[self._next].ts_ns)
                if at_ns > now_ns:
                    return found
                found.append((at_ns, rows[self._next]))
                self._next += 1
            if not self._loop:
                return found
            self._next = 0
            self.loops += 1
