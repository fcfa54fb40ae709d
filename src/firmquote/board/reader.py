"""A reader of the board sees each changed symbol once, with its newest quote, however slow it is."""

from firmquote.board.line import Entry


class Reader:
    """Conflating: what is pending is bounded by the number of symbols, and what was skipped is counted exactly."""

    __slots__ = ("_pending", "_seen", "conflated", "delivered", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.delivered = 0
        self.conflated = 0
        """Updates that were replaced by a newer one before this reader took them."""
        self._pending: dict[str, Entry] = {}
        self._seen: dict[str, int] = {}

    def mark(self, entries: list[Entry]) -> None:
        """Note that `entries` changed."""
        for entry in entries:
            self._pending[entry.symbol] = entry

    def take(self) -> list[Entry]:
        """Return each changed entry once, oldest change first, and forget it."""
        pending, self._pending = self._pending, {}
        seen, conflated = self._seen, 0
        for symbol, entry in pending.items():
            updates = entry.updates
            conflated += updates - seen.get(symbol, 0) - 1
            seen[symbol] = updates
        self.delivered += len(pending)
        self.conflated += conflated
        return list(pending.values())

    def __len__(self) -> int:
        return len(self._pending)
