"""Watches the switch file in a thread of its own, so that a disk that hangs stops neither quotes nor switches."""

import threading
from collections.abc import Callable
from pathlib import Path

from firmquote.model import NS_PER_MS, NS_PER_S, Clock

LOOK_NS = 40 * NS_PER_MS
HUNG_NS = 5 * NS_PER_S
"""A look that takes longer than this counts as a file that cannot be read."""
BYTES_MAX = 64 * 1024


class WatchedFile:
    """Calls `changed(names, trouble)` in the event loop: the names in the file, or why it cannot be read."""

    def __init__(self, path: Path, clock: Clock, changed: Callable[[tuple[str, ...], str | None], None]) -> None:
        self.path = path
        self._clock = clock
        self._changed = changed
        self._stop = threading.Event()
        self._looked_ns: int | None = None
        self._seen: tuple[tuple[str, ...], str | None] = ((), None)

    def look(self) -> None:
        """Read the file once, now."""
        self._compare(self._read())

    def start(self, call_in_loop: Callable[[Callable[[], None]], object]) -> None:
        """Look again and again until `stop`."""

        def watch() -> None:
            while not self._stop.wait(LOOK_NS / NS_PER_S):
                found = self._read()
                self._looked_ns = self._clock.monotonic_ns()
                if found != self._seen:
                    call_in_loop(lambda found=found: self._compare(found))  # type: ignore[misc]  # mypy: no lambda defaults

        self._looked_ns = self._clock.monotonic_ns()
        threading.Thread(target=watch, name="switch-file", daemon=True).start()

    def stop(self) -> None:
        """End the thread with its next look."""
        self._stop.set()

    def hung(self) -> bool:
        """Say whether the thread has not looked for too long: it waits for a disk."""
        return self._looked_ns is not None and self._clock.monotonic_ns() - self._looked_ns > HUNG_NS

    def _compare(self, found: tuple[tuple[str, ...], str | None]) -> None:
        if found != self._seen:
            self._seen = found
            self._changed(*found)

    def _read(self) -> tuple[tuple[str, ...], str | None]:
        try:
            with self.path.open("rb") as file:
                text = file.read(BYTES_MAX).decode()
        except FileNotFoundError:
            return (), None
        except (OSError, UnicodeDecodeError) as error:
            return (), f"{self.path} cannot be read: {error}"
        lines = (line.partition("#")[0].strip() for line in text.splitlines())
        return tuple(line for line in lines if line), None
