"""Forbids live calls while a decision is made. Context-local: a task that the decision starts is forbidden them too."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from firmquote.errors import HotpathViolation


class Watcher(Protocol):
    """Who is told of live calls within a decision."""

    def on_live_call(self, what: str) -> None:
        """Somebody tried `what`."""
        ...


_watcher: ContextVar[Watcher | None] = ContextVar("hot_path", default=None)


@contextmanager
def no_live_calls(watcher: Watcher) -> Iterator[None]:
    """Let every live call within the block raise, and be told to `watcher`."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def check_live_call(what: str) -> None:
    """Say that a live call is about to be made. Whoever connects, asks or sends calls this first.

    Raises:
        HotpathViolation: a decision is being made.
    """
    watcher = _watcher.get()
    if watcher is not None:
        watcher.on_live_call(what)
        raise HotpathViolation(
            f"{what}: no live call is made while a decision is made. Read the board, or bring it in as advice."
        )
