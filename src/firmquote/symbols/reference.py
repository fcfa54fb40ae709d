"""What a provider's reference API is asked: corporate actions of the symbols that are served; old names."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol, TypeAlias

from msgspec import Struct

from firmquote.errors import SAMPLE_BYTES_MAX
from firmquote.model import LineStatus, Request, Response, Unparsed
from firmquote.symbols.actions import CorporateAction
from firmquote.symbols.history import TickerChange


class Doubtful(Struct, frozen=True):
    """A row that is no action we can be sure of: it is counted and told, and never applied."""

    what: str
    """The symbol or the kind of row, as well as it could be read."""
    words: str
    """What it says, and why it is doubted."""

    def __str__(self) -> str:
        return f"{self.what}: {self.words}"


def doubt_row(what: str, row: bytes, why: str) -> Doubtful:
    """Return the doubt about a row as it came."""
    text = " ".join(row[:SAMPLE_BYTES_MAX].decode(errors="replace").split())
    return Doubtful(what, f"{text} ({why})")


Trouble: TypeAlias = LineStatus | Unparsed
"""Why there is no answer."""


class ReferenceProtocol(Protocol):
    """A provider's reference API, without its connection. A `Request` in an answer is what must be asked next."""

    base_url: str
    """Scheme, host and port; holds no secret."""
    request_interval_ns: int

    def plan_actions(self, symbols: Sequence[str], *, since: date) -> Sequence[Request]:
        """Return the requests that ask for everything that takes effect from `since` on."""
        ...

    def on_actions(
        self, request: Request, response: Response, *, since: date
    ) -> Sequence[CorporateAction | Doubtful | Request | Trouble]:
        """Read an answer; never raises for what it holds."""
        ...


class NamesProtocol(Protocol):
    """A provider's ticker history, without its connection. A `Request` in an answer is what must be asked next."""

    base_url: str
    """Scheme, host and port; holds no secret."""

    def plan_names(self, symbol: str, *, day: date) -> Sequence[Request]:
        """Return what to ask for all names of the instrument that `symbol` meant on `day`."""
        ...

    def on_names(self, request: Request, response: Response) -> Sequence[TickerChange | Request | Trouble]:
        """Read an answer; never raises for what it holds."""
        ...
