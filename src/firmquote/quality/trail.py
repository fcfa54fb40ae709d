"""What one line said lately: enough to allow for providers that tell the same a little apart in time."""

from array import array

from firmquote.model import Price

SAMPLES = 20
"""Kept per line, three numbers each: half a kilobyte."""


class Trail:
    """A ring of (when, bid, ask), one entry a change, at most one for each twentieth of the window."""

    __slots__ = ("_next", "_ring", "_used", "ask", "at_ns", "bid")

    def __init__(self) -> None:
        self._ring = array("d", bytes(8 * 3 * SAMPLES))
        self._next = 0
        self._used = 0
        self.bid: Price = 0.0
        self.ask: Price = 0.0
        self.at_ns = 0
        """When the newest entry was made; 0 before the first."""

    def note(self, at_ns: int, bid: Price, ask: Price) -> None:
        """Add what is said from `at_ns` on."""
        place = self._next * 3
        self._ring[place : place + 3] = array("d", (at_ns, bid, ask))
        self._next = (self._next + 1) % SAMPLES
        self._used = min(SAMPLES, self._used + 1)
        self.bid, self.ask, self.at_ns = bid, ask, at_ns

    def clear(self) -> None:
        """Forget everything: what was said is in other terms now."""
        self._used = 0
        self.at_ns = 0

    def extent(self, from_ns: int) -> tuple[Price, Price]:
        """Return the lowest bid and the highest ask that stood at any moment since `from_ns`."""
        low, high = self.bid, self.ask
        place = self._next
        for _ in range(self._used):
            place = (place - 1) % SAMPLES
            at_ns, bid, ask = self._ring[place * 3 : place * 3 + 3]
            low = min(low, bid)
            high = max(high, ask)
            if at_ns <= from_ns:  # it stood when the window began
                break
        return low, high
