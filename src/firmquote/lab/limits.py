"""How often a simulated plan may ask."""

from firmquote.model import NS_PER_S


class MinuteLimit:
    """Requests allowed in each wall-clock minute; `None` allows all."""

    def __init__(self, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._minute = -1
        self._used = 0

    def take(self, now_ns: int) -> bool:
        """Count one request and say whether it is within the limit."""
        minute = now_ns // (60 * NS_PER_S)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        return self.per_minute is None or self._used <= self.per_minute
