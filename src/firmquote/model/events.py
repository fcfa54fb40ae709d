"""What a provider tells us, in our words: the values that flow from a decoder to the board.

All are frozen and hold no reference to the frame they came from. Times are nanoseconds since 1970-01-01 UTC:
`event_ns` is when the provider says it happened, `received_ns` is our clock when the frame or response arrived.
"""

from enum import Enum
from typing import Protocol, TypeAlias

from msgspec import Struct

from firmquote.model.price import Price, Shares


class Quote(Struct, frozen=True, gc=False):
    """A bid and an ask. A side that the provider does not have is `None`, never 0.

    Built positionally where speed matters.
    """

    symbol: str
    """Canonical spelling."""
    provider: str
    bid: Price | None
    ask: Price | None
    bid_size_shares: Shares
    ask_size_shares: Shares
    event_ns: int
    received_ns: int
    sequence: int
    """The provider's own number for this quote within the symbol and the day; 0 where it has none."""


class Tick(Protocol):
    """A quote as a streamed provider's decoder makes it: one struct, in the provider's own units and spelling.

    The board keeps ticks as they are, and makes a `Quote` of one only when somebody looks at it.
    A side of 0 is absent. `time` and the sizes count units that the provider's protocol knows.
    """

    @property
    def symbol(self) -> str: ...
    @property
    def bid(self) -> float: ...
    @property
    def ask(self) -> float: ...
    @property
    def bid_size(self) -> int: ...
    @property
    def ask_size(self) -> int: ...
    @property
    def time(self) -> int: ...
    @property
    def sequence(self) -> int: ...


class LastPrice(Struct, frozen=True, gc=False, kw_only=True):
    """A price without bid and ask: the last trade or close, from providers that sell no quotes."""

    symbol: str
    provider: str
    price: Price
    received_ns: int
    event_ns: int | None = None
    """`None` where the provider gives no time of day."""
    trading_day: str | None = None
    """YYYY-MM-DD in the exchange's calendar."""
    delay_ns: int = 0
    """How late the provider says that this is; 0 when it claims real time."""
    volume_shares: Shares | None = None
    previous_close: Price | None = None


class Halt(Struct, frozen=True, gc=False, kw_only=True):
    """Trading in a symbol stopped (`halted`) or resumed."""

    symbol: str
    provider: str
    halted: bool
    received_ns: int
    event_ns: int | None = None
    cause: str = ""


class PriceBand(Struct, frozen=True, gc=False, kw_only=True):
    """Between these prices a symbol may trade (limit up, limit down); told anew whenever they move."""

    symbol: str
    provider: str
    low: Price
    high: Price
    received_ns: int
    event_ns: int | None = None


class LineState(Enum):
    """What the provider says of our connection to it."""

    CONNECTED = "connected"
    """The provider greeted us."""
    READY = "ready"
    """The login was accepted (or none is needed) and subscriptions were sent."""
    SUBSCRIBED = "subscribed"
    """One more subscription was acknowledged; `detail` names it in the provider's spelling."""
    REFUSED_KEY = "refused_key"
    NOT_ENTITLED = "not_entitled"
    LIMITED = "limited"
    """Too many connections or requests; `retry_after_s` where the provider names a time."""
    SLOW_CONSUMER = "slow_consumer"
    """The provider says that we read too slowly."""
    CLOSING = "closing"
    """The provider is about to close, or wants us to go."""
    SERVER_ERROR = "server_error"
    NOTICE = "notice"
    """Anything else that it said; counted and logged, never acted on."""


class LineStatus(Struct, frozen=True, gc=False, kw_only=True):
    """A message about the line itself rather than about a symbol."""

    provider: str
    state: LineState
    received_ns: int
    detail: str = ""
    """The provider's own words, without secrets."""
    retry_after_s: float | None = None


class Unparsed(Struct, frozen=True, gc=False, kw_only=True):
    """A message (or a whole frame) that fits no known shape; it is counted and sampled, and ends nothing."""

    provider: str
    received_ns: int
    sample: bytes
    """The first 200 bytes."""


class UnknownSymbol(Struct, frozen=True, gc=False, kw_only=True):
    """The provider sent, or refused, a symbol that is not in our table, or says that it does not know ours."""

    provider: str
    spelling: str
    """As the provider wrote it."""
    received_ns: int


MarketEvent: TypeAlias = Quote | LastPrice | Halt | PriceBand
LineEvent: TypeAlias = LineStatus | Unparsed | UnknownSymbol
Event: TypeAlias = MarketEvent | LineEvent
