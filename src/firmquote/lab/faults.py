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
    EVICT = "evict"
    """Every stream is told `max_connections` and closed, as by a second connection with the same key."""
    BAD_LOGIN = "bad-login"
    """Keys are refused."""
    # silence
    FREEZE = "freeze"
    """Nothing more is sent, though pings are answered."""
    FREEZE_SYMBOLS = "freeze-symbols"
    """The named symbols are no longer sent."""
    DRIP = "drip"
    """One quote in five is lost and the rest come later and later."""
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
    DRIFT = "drift"
    """Prices leave the truth by `magnitude` basis points a second (default 5)."""
    CROSS = "cross"
    """Bid and ask change places."""
    ZERO = "zero"
    """Prices are 0."""
    MIX_UP = "mix-up"
    """Each symbol carries the quotes of the next."""
    # refusals
    HTTP_429 = "http-429"
    HTTP_500 = "http-500"
    HTTP_NOTE = "http-note"
    """HTTP 200 with a quota notice instead of data."""


DEFAULT_MAGNITUDE = {Fault.DELAY: 900.0, Fault.LAG: 0.2, Fault.WRONG_CLOCK: -3600.0, Fault.DRIFT: 5.0}


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
        """End all faults; what was held back is lost."""
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

    def distort(self, quotes: list[SimQuote], now_ns: int) -> list[SimQuote]:
        """Return what is sent now in place of `quotes`."""
        if not self._active and not self._held:
            self._remember(quotes)
            return quotes
        if self.active(Fault.FREEZE, now_ns):
            return []
        quotes = self._silence(quotes, now_ns)
        quotes = [self._change(quote, now_ns) for quote in quotes]
        if self.active(Fault.DUPLICATE, now_ns):
            quotes = [copy for quote in quotes for copy in (quote, quote)]
        if self.active(Fault.REORDER, now_ns):
            quotes = [q for i in range(0, len(quotes), 2) for q in reversed(quotes[i : i + 2])]
        quotes = self._hold(quotes, now_ns)
        self._remember(quotes)
        return quotes

    def corrupt(self, body: bytes, now_ns: int) -> bytes:
        """Return what a frame or an answer becomes."""
        if self.active(Fault.GARBAGE, now_ns):
            return b"\x00<html>502 Bad Gateway"
        if self.active(Fault.TRUNCATE, now_ns):
            return body[: len(body) // 2]
        return body

    def _silence(self, quotes: list[SimQuote], now_ns: int) -> list[SimQuote]:
        frozen = self.active(Fault.FREEZE_SYMBOLS, now_ns)
        if frozen is not None:
            quotes = [quote for quote in quotes if not frozen.touches(quote.symbol)]
        if self.active(Fault.DRIP, now_ns):
            quotes = [quote for quote in quotes if self._next_number() % 5]
        repeat = self.active(Fault.REPEAT, now_ns)
        if repeat is not None:
            quotes = [
                structs.replace(self._last.get(q.symbol, q), event_ns=q.event_ns, sequence=q.sequence) for q in quotes
            ]
        return quotes

    def _change(self, quote: SimQuote, now_ns: int) -> SimQuote:
        clock = self.active(Fault.WRONG_CLOCK, now_ns)
        if clock is not None:
            quote = structs.replace(quote, event_ns=quote.event_ns + int(clock.magnitude * NS_PER_S))
        drift = self.active(Fault.DRIFT, now_ns)
        if drift is not None and drift.touches(quote.symbol):
            factor = 1 + drift.magnitude / 10_000 * (now_ns - drift.since_ns) / NS_PER_S
            quote = structs.replace(quote, bid=round(quote.bid * factor, 2), ask=round(quote.ask * factor, 2))
        cross = self.active(Fault.CROSS, now_ns)
        if cross is not None and cross.touches(quote.symbol):
            quote = structs.replace(quote, bid=quote.ask + 0.01, ask=quote.bid)
        zero = self.active(Fault.ZERO, now_ns)
        if zero is not None and zero.touches(quote.symbol):
            quote = structs.replace(quote, bid=0.0, ask=0.0)
        if self.active(Fault.MIX_UP, now_ns):
            names = sorted({*self._last, quote.symbol})
            quote = structs.replace(quote, symbol=names[(names.index(quote.symbol) + 1) % len(names)])
        return quote

    def _hold(self, quotes: list[SimQuote], now_ns: int) -> list[SimQuote]:
        late_ns = self._late_ns(now_ns)
        if late_ns == 0 and not self._held:
            return quotes
        self._held.extend((quote.event_ns + late_ns, quote) for quote in quotes)
        del self._held[: max(0, len(self._held) - HELD_MAX)]
        out = [quote for due_ns, quote in self._held if due_ns <= now_ns]
        self._held = [(due_ns, quote) for due_ns, quote in self._held if due_ns > now_ns]
        return out

    def _late_ns(self, now_ns: int) -> int:
        delay = self.active(Fault.DELAY, now_ns)
        if delay is not None:
            return int(delay.magnitude * NS_PER_S)
        lag = self.active(Fault.LAG, now_ns) or self.active(Fault.DRIP, now_ns)
        if lag is None:
            return 0
        return int((now_ns - lag.since_ns) * (lag.magnitude or DEFAULT_MAGNITUDE[Fault.LAG]))

    def _remember(self, quotes: list[SimQuote]) -> None:
        for quote in quotes:
            self._last[quote.symbol] = quote

    def _next_number(self) -> int:
        self._count += 1
        return self._count
