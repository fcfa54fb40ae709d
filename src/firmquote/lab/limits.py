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

    def standing(self, now_ns: int) -> tuple[int, int, int]:
        """Return the limit, what is left of it, and the second at which the minute ends; 0, 0 where there is none."""
        minute = now_ns // (60 * NS_PER_S)
        used = self._used if minute == self._minute else 0
        limit = self.per_minute or 0
        return limit, max(0, limit - used), (minute + 1) * 60
