"""What goes wrong with providers, as named faults. Pure: a fault changes what a simulator is about to send."""

from enum import Enum

from msgspec import Struct, structs

from firmquote.model import NS_PER_S

HELD_MAX = 100_000
"""Quotes that a delayed stream may hold back; beyond it the oldest are lost, as at a provider."""


class Fault(Enum):
    """One manner in which a provider fails. The values are names in the CLI, in drills and in reports."""

    # the connection
    DISCONNECT = "disconnect"
    """Every stream is aborted, and new ones are refused while it lasts."""
    CLOSE_CLEAN = "close-clean"
    """Every stream is closed with 1000, as if all were well."""
    REFUSE = "refuse"
    """New streams are refused; those that are open stay."""
    HANG = "hang"
    """New streams are accepted and never greeted; requests are never answered."""
    BLACKHOLE = "blackhole"
    """Nothing comes through in either direction, pings neither, while every connection stays open; what is on its way
    arrives when it ends."""
    EVICT = "evict"
    """Another process has the same key: every stream is told so and closed, and each new one again, after `magnitude`
    seconds (default 1) or, where the first connection stays, at its login."""
    BAD_LOGIN = "bad-login"
    """Keys are refused; streams that are open stay."""
    REVOKE_KEY = "revoke-key"
    """The key is withdrawn in the middle: open streams are told and closed, and it is refused from then on."""
    # silence
    FREEZE = "freeze"
    """Nothing more is sent, though pings are answered."""
    FREEZE_SYMBOLS = "freeze-symbols"
    """The named symbols are no longer sent."""
    DROP_SUBSCRIPTION = "drop-subscription"
    """The subscriptions of open streams are forgotten without a word; only subscribing again (or `clear`) mends it."""
    DRIP = "drip"
    """One quote in five is lost and the rest come later and later, by `magnitude` more seconds each second (0.2)."""
    REPEAT = "repeat"
    """The last quote of each symbol again and again, with fresh times."""
    # time
    DELAY = "delay"
    """Everything comes `magnitude` seconds late (default 900)."""
    LAG = "lag"
    """Everything comes late, by `magnitude` more seconds each second (default 0.2)."""
    WRONG_CLOCK = "wrong-clock"
    """Source times are `magnitude` seconds off (default -3600)."""
    # content
    GARBAGE = "garbage"
    """Frames and bodies that are no JSON."""
    TRUNCATE = "truncate"
    """Frames and bodies cut in the middle."""
    DUPLICATE = "duplicate"
    """Every quote twice."""
    REORDER = "reorder"
    """Neighbouring quotes change places, sequence numbers and all."""
    DUPLICATE_NUMBERS = "duplicate-numbers"
    """Two quotes share each sequence number."""
    REORDER_NUMBERS = "reorder-numbers"
    """Neighbouring sequence numbers change places, and the quotes do not."""
    DRIFT = "drift"
    """Prices leave the truth by `magnitude` basis points a second (default 5)."""
    CROSS = "cross"
    """Bid and ask change places."""
    ZERO = "zero"
    """Prices are 0."""
    MIX_UP = "mix-up"
    """Each symbol carries the quotes of the next."""
    SCALE = "scale"
    """Prices are `magnitude` times the truth (default 10, a split that was not applied; 100 is cents)."""
    SIZES = "sizes"
    """Sizes are `magnitude` times the truth (default 100, lots of lots)."""
    # requests
    SLOW = "slow"
    """Every answer takes `magnitude` seconds longer (0.5); streams are as they were."""
    HTTP_429 = "http-429"
    HTTP_500 = "http-500"
    HTTP_NOTE = "http-note"
    """HTTP 200 with a quota notice instead of data."""


DEFAULT_MAGNITUDE = {
    Fault.EVICT: 1.0,
    Fault.DRIP: 0.2,
    Fault.DELAY: 900.0,
    Fault.LAG: 0.2,
    Fault.WRONG_CLOCK: -3600.0,
    Fault.DRIFT: 5.0,
    Fault.SCALE: 10.0,
    Fault.SIZES: 100.0,
    Fault.SLOW: 0.5,
}
"""The faults that have a magnitude, in each one's own unit."""


_LATE = (Fault.DELAY, Fault.LAG, Fault.DRIP)


class SimQuote(Struct, frozen=True, gc=False):
    """A quote on its way out of a simulator; symbols are canonical, `sequence` is per symbol."""

    symbol: str
    bid: float
    bid_size_shares: int
    ask: float
    ask_size_shares: int
    event_ns: int
    sequence: int


class ActiveFault(Struct, frozen=True, kw_only=True):
    """A fault with its extent; `until_ns` of `None` lasts until cleared, no symbols means all."""

    fault: Fault
    since_ns: int
    until_ns: int | None = None
    symbols: frozenset[str] = frozenset()
    magnitude: float = 0.0

    def touches(self, symbol: str) -> bool:
        """Say whether `symbol` suffers from it."""
        return not self.symbols or symbol in self.symbols


class FaultSet:
    """The faults of one simulator, and the quotes that they hold back."""

    def __init__(self) -> None:
        self._active: dict[Fault, ActiveFault] = {}
        self._held: list[tuple[int, SimQuote]] = []
        self._last: dict[str, SimQuote] = {}
        self._count = 0

    def inject(self, fault: ActiveFault) -> None:
        """Begin a fault; the same fault again replaces it."""
        self._active[fault.fault] = fault

    def clear(self) -> None:
        """End all faults at once; what was held back is lost."""
        self._active.clear()
        self._held.clear()

    def active(self, fault: Fault, now_ns: int) -> ActiveFault | None:
        """Return the fault if it is on now."""
        found = self._active.get(fault)
        if found is not None and found.until_ns is not None and now_ns >= found.until_ns:
            del self._active[fault]
            return None
        return found

    def names(self, now_ns: int) -> list[str]:
        """Return what is on now."""
        return [fault.value for fault in list(self._active) if self.active(fault, now_ns)]

    def refuses_keys(self, now_ns: int) -> bool:
        """Say whether no key is good now."""
        return bool(self.active(Fault.BAD_LOGIN, now_ns) or self.active(Fault.REVOKE_KEY, now_ns))

    def distort(self, quotes: list[SimQuote], now_ns: int) -> list[SimQuote]:
        """Return what is sent now in place of `quotes`."""
        freeze = self.active(Fault.FREEZE, now_ns)
        if freeze is not None and not freeze.symbols:
            return []
        if self._active or self._held:
            quotes = [quote for quote in quotes if not self._is_silenced(quote, now_ns)]
            quotes = [self._change(self._repeat(quote, now_ns), now_ns) for quote in quotes]
            quotes = [copy for quote in quotes for copy in self._copies(quote, now_ns)]
            quotes = self._hold(self._reorder(quotes, now_ns), now_ns)
        self._last.update({quote.symbol: quote for quote in quotes})
        return quotes

    def corrupt(self, body: bytes, now_ns: int) -> bytes:
        """Return what a frame or an answer becomes."""
        if self.active(Fault.GARBAGE, now_ns):
            return b"\x00<html>502 Bad Gateway"
        if self.active(Fault.TRUNCATE, now_ns):
            return body[: len(body) // 2]
        return body

    def _touching(self, fault: Fault, symbol: str, now_ns: int) -> ActiveFault | None:
        found = self.active(fault, now_ns)
        return found if found is not None and found.touches(symbol) else None

    def _is_silenced(self, quote: SimQuote, now_ns: int) -> bool:
        if any(self._touching(fault, quote.symbol, now_ns) for fault in (Fault.FREEZE, Fault.FREEZE_SYMBOLS)):
            return True
        return self._touching(Fault.DRIP, quote.symbol, now_ns) is not None and self._next_number() % 5 == 0

    def _repeat(self, quote: SimQuote, now_ns: int) -> SimQuote:
        if self._touching(Fault.REPEAT, quote.symbol, now_ns) is None:
            return quote
        last = self._last.get(quote.symbol, quote)
        return structs.replace(last, event_ns=quote.event_ns, sequence=quote.sequence)

    def _change(self, quote: SimQuote, now_ns: int) -> SimQuote:
        symbol = quote.symbol
        clock = self._touching(Fault.WRONG_CLOCK, symbol, now_ns)
        if clock is not None:
            quote = structs.replace(quote, event_ns=quote.event_ns + int(clock.magnitude * NS_PER_S))
        drift = self._touching(Fault.DRIFT, symbol, now_ns)
        if drift is not None:
            factor = 1 + drift.magnitude / 10_000 * (now_ns - drift.since_ns) / NS_PER_S
            quote = structs.replace(quote, bid=round(quote.bid * factor, 2), ask=round(quote.ask * factor, 2))
        quote = self._scale(quote, now_ns)
        if self._touching(Fault.CROSS, symbol, now_ns):
            quote = structs.replace(quote, bid=quote.ask + 0.01, ask=quote.bid)
        if self._touching(Fault.ZERO, symbol, now_ns):
            quote = structs.replace(quote, bid=0.0, ask=0.0)
        if self._touching(Fault.DUPLICATE_NUMBERS, symbol, now_ns):
            quote = structs.replace(quote, sequence=quote.sequence + quote.sequence % 2)
        if self._touching(Fault.REORDER_NUMBERS, symbol, now_ns):
            quote = structs.replace(quote, sequence=quote.sequence + (1 if quote.sequence % 2 else -1))
        if self._touching(Fault.MIX_UP, symbol, now_ns):
            names = sorted({*self._last, symbol})
            quote = structs.replace(quote, symbol=names[(names.index(symbol) + 1) % len(names)])
        return quote

    def _scale(self, quote: SimQuote, now_ns: int) -> SimQuote:
        prices = self._touching(Fault.SCALE, quote.symbol, now_ns)
        if prices is not None:
            bid, ask = round(quote.bid * prices.magnitude, 4), round(quote.ask * prices.magnitude, 4)
            quote = structs.replace(quote, bid=bid, ask=ask)
        sizes = self._touching(Fault.SIZES, quote.symbol, now_ns)
        if sizes is not None:
            bid_size, ask_size = (int(n * sizes.magnitude) for n in (quote.bid_size_shares, quote.ask_size_shares))
            quote = structs.replace(quote, bid_size_shares=bid_size, ask_size_shares=ask_size)
        return quote

    def _copies(self, quote: SimQuote, now_ns: int) -> list[SimQuote]:
        return [quote] * (2 if self._touching(Fault.DUPLICATE, quote.symbol, now_ns) else 1)

    def _reorder(self, quotes: list[SimQuote], now_ns: int) -> list[SimQuote]:
        ordered = list(quotes)
        places = [i for i, quote in enumerate(quotes) if self._touching(Fault.REORDER, quote.symbol, now_ns)]
        for one, next_one in zip(places[::2], places[1::2], strict=False):
            ordered[one], ordered[next_one] = quotes[next_one], quotes[one]
        return ordered

    def _hold(self, quotes: list[SimQuote], now_ns: int) -> list[SimQuote]:
        if not any(self.active(fault, now_ns) for fault in _LATE):  # what is held comes before what is new
            quotes = [*(quote for _, quote in self._held), *quotes]
            self._held.clear()
            return quotes
        self._held.extend((now_ns + self._late_ns(quote.symbol, now_ns), quote) for quote in quotes)
        del self._held[: max(0, len(self._held) - HELD_MAX)]
        out = [quote for due_ns, quote in self._held if due_ns <= now_ns]
        self._held = [(due_ns, quote) for due_ns, quote in self._held if due_ns > now_ns]
        return out

    def _late_ns(self, symbol: str, now_ns: int) -> int:
        late_s = 0.0
        for fault in _LATE:
            found = self._touching(fault, symbol, now_ns)
            if found is not None:
                grown_s = 1 if fault is Fault.DELAY else (now_ns - found.since_ns) / NS_PER_S
                late_s += found.magnitude * grown_s
        return int(late_s * NS_PER_S)

    def _next_number(self) -> int:
        self._count += 1
        return self._count
