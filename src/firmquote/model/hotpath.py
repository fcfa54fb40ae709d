"""Forbids live calls while a decision is made. Context-local: a task that the decision starts is forbidden them too."""

from contextvars import ContextVar, Token
from types import TracebackType
from typing import Protocol

from firmquote.errors import HotpathViolation


class Watcher(Protocol):
    """Who is told of live calls within a decision."""

    def on_live_call(self, what: str) -> None:
        """Somebody tried `what`."""
        ...


_watcher: ContextVar[Watcher | None] = ContextVar("hot_path", default=None)


class NoLiveCalls:
    """`with NoLiveCalls(watcher):` lets every live call within the block raise, and be told to `watcher`."""

    __slots__ = ("_token", "_watcher")

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._token: Token[Watcher | None] | None = None

    def __enter__(self) -> None:
        """Forbid them."""
        self._token = _watcher.set(self._watcher)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Allow them as before."""
        assert self._token is not None
        _watcher.reset(self._token)


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
