"""What a provider lets one key do, and what its plans cost. Money is integer micro-dollars; 0 never means unlimited."""

from enum import Enum

from msgspec import Struct

from firmquote.model.price import NS_PER_S

USD_MICROS = 1_000_000
"""Micro-dollars in a dollar."""


class Window(Enum):
    """A span in which requests are counted. Seconds and minutes slide; days and months begin in the provider's zone."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"

    @property
    def sliding_ns(self) -> int | None:
        """Its length where it slides; `None` where it begins at midnight."""
        return _SLIDING_NS.get(self)


_SLIDING_NS = {Window.SECOND: NS_PER_S, Window.MINUTE: 60 * NS_PER_S}


class ProviderLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one key may do under the configured plan; `None` is no limit."""

    requests_per_second: int | None = None
    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    requests_per_month: int | None = None
    zone: str = "UTC"
    """IANA name of the zone in which the provider's days and months begin."""
    request_usd_micros: int = 0
    """What one request costs beside the plan's fee."""
    connections: int | None = None
    """Streams that one key may hold open at once."""
    symbols: int | None = None
    """Symbols that may be subscribed at once."""

    def requests(self, window: Window) -> int | None:
        """Return how many requests fit into one `window`."""
        by_window = {
            Window.SECOND: self.requests_per_second,
            Window.MINUTE: self.requests_per_minute,
            Window.DAY: self.requests_per_day,
            Window.MONTH: self.requests_per_month,
        }
        return by_window[window]


class PlanOffer(Struct, frozen=True, kw_only=True):
    """One plan that a provider sells, as its price list said on `read_on`."""

    name: str
    usd_micros_per_month: int
    limits: ProviderLimits
    real_time: bool
    """Whether it has real-time US stock prices at all."""
    symbols_per_request: int = 1
    read_on: str
    """YYYY-MM-DD: prices change, so this date is shown wherever the price is."""
    note: str = ""
