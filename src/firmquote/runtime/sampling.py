"""Lets a message that repeats itself through a few times in each window, and counts what is left out."""

from collections import deque
from collections.abc import Callable, MutableMapping
from threading import Lock
from typing import Any

from structlog import DropEvent

from firmquote.model import NS_PER_S

KEYS_MAX = 1_024
"""Different messages that are counted at a time; above it the oldest is forgotten, and its count told."""
SAME = (
    "provider",
    "symbol",
    "channel",
    "alert",
    "subject",
    "path",
    "status",
    "kind",
    "logger",
    "of",
    "before",
    "after",
)
"""Two messages are the same when their event, their level and these fields are."""
NEVER_LEFT_OUT = frozenset({"audit", "audit_head", "left_out"})


class _Window:
    __slots__ = ("begun_ns", "event", "left_out", "passed")

    def __init__(self, event: str, begun_ns: int) -> None:
        self.event = event
        self.begun_ns = begun_ns
        self.passed = 1
        self.left_out = 0


class Sampler:
    """A structlog processor. Loggers of other threads may come too."""

    def __init__(self, *, repeats_max: int, window_s: float, monotonic_ns: Callable[[], int]) -> None:
        self._repeats_max = repeats_max
        self._window_ns = int(window_s * NS_PER_S)
        self._monotonic_ns = monotonic_ns
        self._windows: dict[tuple[object, ...], _Window] = {}
        """In the order in which they began."""
        self._ended: deque[tuple[str, int]] = deque(maxlen=KEYS_MAX)
        self._lock = Lock()

    def __call__(self, _logger: object, level: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Let the message through, or raise DropEvent (structlog)."""
        same_as = fields.pop("same_as", None)
        event = str(fields.get("event", ""))
        if event in NEVER_LEFT_OUT:
            return fields
        key = (level, same_as or event, *(str(fields.get(name)) for name in SAME))
        with self._lock:
            now_ns = self._monotonic_ns()
            self._end(now_ns)
            window = self._windows.get(key)
            if window is None:
                self._windows[key] = _Window(str(same_as or event), now_ns)
            elif window.passed < self._repeats_max:
                window.passed += 1
            else:
                window.left_out += 1
                raise DropEvent
        return fields

    def take_left_out(self, *, ended_only: bool = True) -> list[tuple[str, int]]:
        """Return the messages of windows that have ended, or of all, with how often each was left out."""
        with self._lock:
            self._end(self._monotonic_ns() + (0 if ended_only else self._window_ns))
            told = list(self._ended)
            self._ended.clear()
        return told

    def _end(self, now_ns: int) -> None:
        while self._windows:
            key, oldest = next(iter(self._windows.items()))
            if now_ns - oldest.begun_ns < self._window_ns and len(self._windows) < KEYS_MAX:
                return
            del self._windows[key]
            if oldest.left_out:
                self._ended.append((oldest.event, oldest.left_out))
