"""What a provider's reference API is asked: corporate actions of the symbols that are served."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from firmquote.model import LineStatus, Request, Response, Unparsed
from firmquote.symbols.actions import CorporateAction
from firmquote.symbols.history import TickerChange


class ReferenceProtocol(Protocol):
    """A provider's reference API, without its connection."""

    base_url: str
    """Scheme, host and port; holds no secret."""
    request_interval_ns: int

    def plan_actions(self, symbols: Sequence[str], *, since: date) -> Sequence[Request]:
        """Return the requests that ask for everything that takes effect from `since` on."""
        ...

    def on_actions(
        self, request: Request, response: Response, *, since: date
    ) -> Sequence[CorporateAction | LineStatus | Unparsed]:
        """Read an answer; never raises for what it holds."""
        ...

    def on_names(self, response: Response) -> Sequence[TickerChange]:
        """Read an answer that tells the names of one instrument; empty where it tells none."""
        ...
