"""What a provider is: a record of facts and two factories of sans-I/O protocols.

A provider is one folder under `firmquote/providers/` (or somebody else's wheel) and one entry point in the group
`firmquote.providers` that names a `Provider`. Nothing else imports it.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from firmquote.model.effects import Effect, Request, Response
from firmquote.model.events import Event, Quote, Tick, UnknownSymbol
from firmquote.model.limits import PlanOffer, ProviderLimits


class FeedClass(Enum):
    """Whose market a provider's price describes; it bounds the grade that its quotes can get."""

    CONSOLIDATED = "consolidated"
    SINGLE_VENUE = "single_venue"
    LAST_PRICE = "last_price"
    DELAYED = "delayed"
    END_OF_DAY = "end_of_day"
    SYNTHETIC = "synthetic"


class Secret(Struct, frozen=True):
    """A key that never shows itself: repr and str are masked; `reveal()` is the one way to read it."""

    _value: str

    def reveal(self) -> str:
        """Return the key itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"


Output: TypeAlias = Event | Effect | Tick


class StreamProtocol(Protocol):
    """One streamed connection of one provider, without its socket.

    Outputs come in wire order; events go to the board, effects are carried out by the caller.
    One instance serves one connection after the other: `on_connected` starts it afresh.
    """

    url: str
    """Where to connect; holds no secret."""
    tick_type: type
    """The struct that `on_frame` returns for a quote; it has the attributes of `Tick`."""
    tick_ns: int
    """Nanoseconds in one unit of a tick's `time`, as documented by the provider."""
    lot_shares: int
    """Shares in one unit of a tick's sizes."""

    def make_quote(self, tick: Tick, received_ns: int) -> Quote | UnknownSymbol:
        """Return what a tick says, in our words and units."""
        ...

    def on_connected(self, now_ns: int) -> Sequence[Output]:
        """Start afresh: the socket is open."""
        ...

    def on_frame(self, frame: bytes | memoryview, received_ns: int) -> Sequence[Output]:
        """Read one text frame; never raises for what the frame holds, and keeps no reference to it."""
        ...

    def subscribe(self, symbols: Sequence[str]) -> Sequence[Output]:
        """Add canonical symbols to the wanted set, now if the line is ready, else once it is."""
        ...

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[Output]:
        """Remove canonical symbols from the wanted set."""
        ...

    def on_timer(self, now_ns: int) -> Sequence[Output]:
        """Say what time alone makes necessary: heartbeats, a login that was never answered."""
        ...


class PollProtocol(Protocol):
    """A provider asked by HTTP, without its connection."""

    base_url: str
    """Scheme, host and port; holds no secret."""
    request_interval_ns: int
    """The shortest time between two requests that the plan allows."""

    def plan(self, symbols: Sequence[str]) -> Sequence[Request]:
        """Return the requests that ask for all of `symbols` once, in whole batches where the provider has them."""
        ...

    def on_response(self, request: Request, response: Response) -> Sequence[Event]:
        """Read an answer; never raises for what it holds."""
        ...


class SyntheticSource(Protocol):
    """A provider that needs no connection, since it makes its quotes up."""

    def quotes(self, symbols: Sequence[str], now_ns: int) -> Sequence[Quote]:
        """Return one quote of each symbol for this moment."""
        ...


class SymbolCodec(Protocol):
    """How one provider spells symbols. Both directions raise `UnknownSymbolError` for what cannot be said."""

    def to_provider(self, canonical: str) -> str: ...

    def from_provider(self, spelling: str) -> str: ...


SymbolTable: TypeAlias = Mapping[str, str]
"""Provider's spelling → canonical, for the symbols that this line carries; built once, read per quote."""


class Opening(Struct, frozen=True, kw_only=True):
    """All that a provider is given to open a line."""

    config: Any
    """An instance of the provider's own `config` type."""
    key: Secret | None
    codec: SymbolCodec
    seed: int = 0


class Provider(Struct, frozen=True, kw_only=True):
    """One seller of market data."""

    name: str
    """Stable key in configuration and metrics: lower case, no spaces."""
    title: str
    """As the provider calls itself."""
    config: type[Struct]
    """Strict frozen struct of its settings; its defaults are its production values."""
    needs_key: bool
    feed_class: Callable[[Any], FeedClass]
    """The class of what the configured plan sends."""
    codec: Callable[[], SymbolCodec]
    limits: Callable[[Any], ProviderLimits] = lambda _: ProviderLimits()
    """What one key may do under the configured plan; `budgets` in the configuration may tighten it."""
    plans: tuple[PlanOffer, ...] = ()
    """What it sells, for `firmquote budget advise`."""
    open_stream: Callable[[Opening], StreamProtocol] | None = None
    open_poll: Callable[[Opening], PollProtocol] | None = None
    open_source: Callable[[Opening], SyntheticSource] | None = None
    open_reference: Callable[[Opening], Any] | None = None
    """Its reference API, a `symbols.ReferenceProtocol`: corporate actions."""
    open_names: Callable[[Opening], Any] | None = None
    """Its ticker history, a `symbols.NamesProtocol`."""
