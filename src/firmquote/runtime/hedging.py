"""Hedged requests: when an answer takes longer than nearly all before it, somebody else is asked meanwhile.

After Dean and Barroso, "The Tail at Scale", 2013. The symbol is shown from the second provider only while the first
answer is overdue and the second has something newer; that is no event, since it happens to one request in twenty.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from firmquote.board import Board, Line
from firmquote.routing import ProviderManager

SOURCE = "overdue"


class Asker(Protocol):
    """A polled provider that can be asked out of turn; `runtime.poll.Poll` is one."""

    def hedge(self, symbol: str) -> None:
        """Ask for `symbol` soon, within the budget's ordinary means."""
        ...

    def spare(self, symbol: str) -> None:
        """Ask no more, if that was not done yet."""
        ...


class Hedger:
    """Bounded: one entry a symbol whose answer is overdue. Runs in the event loop's thread and waits for nothing."""

    def __init__(self, board: Board, manager: ProviderManager, polls: Mapping[str, Asker]) -> None:
        self.counts: Counter[str] = Counter()
        """How often each provider was overdue."""
        self._board = board
        self._manager = manager
        self._polls = polls
        self._overdue: dict[tuple[str, str], Asker | None] = {}
        """Who was asked instead, where somebody can be."""

    def on_overdue(self, provider: str, symbols: Sequence[str]) -> None:
        """An answer takes longer than nearly all before it."""
        for symbol in symbols:
            order = self._manager.showing(symbol).order
            if len(order) < 2 or order[0] != provider:
                continue  # nobody waits for it, or nobody else can help
            self.counts[provider] += 1
            second = self._overdue[provider, symbol] = self._polls.get(order[1])
            if second is not None:
                second.hedge(symbol)

    def on_settled(self, provider: str, symbols: Sequence[str], *, answered: bool) -> None:
        """The answer came, or will not; a second one is wanted only in its stead."""
        for symbol in symbols:
            if (provider, symbol) in self._overdue:
                second = self._overdue.pop((provider, symbol))
                if answered and second is not None:
                    second.spare(symbol)
                self._manager.excuse(provider, symbol, SOURCE)

    def look(self) -> None:
        """Let the second provider be shown wherever it has something newer than the one that is overdue."""
        for provider, symbol in self._overdue:
            lines = self._board.entries[symbol].lines
            order = self._manager.showing(symbol).order
            others = [name for name in order if name != provider]
            if others and _received_ns(lines[others[0]]) > _received_ns(lines[provider]):
                self._manager.pass_over(provider, symbol, SOURCE, "its answer is overdue")


def _received_ns(line: Line) -> int:
    price = line.price
    return 0 if price is None else price.received_ns
