"""What the board shows, held against the tape at every moment: the ground truth of a drill."""

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from firmquote.board import Board
from firmquote.lab.faults import SimQuote
from firmquote.lab.market import Market
from firmquote.model import BPS, NS_PER_MS, NS_PER_S, USABLE, LastPrice

SAMPLE_NS = 50 * NS_PER_MS
STALL_NS = 100 * NS_PER_MS
"""A sample that comes later than this says that the machine, not the product, was late."""
REMEMBERED_NS = 40 * NS_PER_S
LIQUID_PER_S = 2.0
"""A symbol with so many changes a second is liquid: its freezing is found within a second."""


class Tally(Struct):
    """What was seen of all symbols since it was begun."""

    samples: int = 0
    unusable: int = 0
    """Samples of a symbol without a firm or indicative quote."""
    unusable_liquid: int = 0
    """Those of a symbol that is liquid at that moment."""
    behind_ms: float = 0.0
    """The longest time for which a quote was shown after the tape had left it."""
    behind_last_ms: float | None = None
    """The longest time for which a last price was shown after the tape had another trade; `None` if none was shown."""
    error_bps: float = 0.0
    """The furthest that a shown price was from the middle of the tape's bid and ask."""
    backward: int = 0
    """Event times that went back."""
    stalled_ms: float = 0.0
    """How late the machine was, added up."""

    @property
    def available(self) -> float:
        """The share of samples with a usable quote."""
        return 1.0 if not self.samples else 1 - self.unusable / self.samples


class Truth:
    """Samples the board against the market; called every 50 ms by a task of the drill."""

    def __init__(self, market: Market, board: Board, board_now_ns: Callable[[], int]) -> None:
        self.tally = Tally()
        self._board_now_ns = board_now_ns
        """The gateway's own time, by which it grades; it may differ from the market's in a drill that steps clocks."""
        self._market = market
        self._board = board
        self._past: dict[str, deque[SimQuote]] = {symbol: deque() for symbol in board.entries}
        self._prints: dict[str, deque[SimQuote]] = {symbol: deque() for symbol in board.entries}
        self._newest_ns: dict[str, int] = {}
        self._sampled_ns: int | None = None

    def begin(self) -> None:
        """Count anew."""
        self.tally = Tally()

    def sample(self, now_ns: int) -> None:
        """Take one sample of every symbol."""
        if self._sampled_ns is not None:
            late_ns = now_ns - self._sampled_ns - SAMPLE_NS
            if late_ns > STALL_NS:
                self.tally.stalled_ms += late_ns / NS_PER_MS
        self._sampled_ns = now_ns
        for symbol in self._board.entries:
            self._remember(symbol, now_ns)
            self._compare(symbol, now_ns)

    def liquid(self, symbol: str) -> bool:
        """Say whether the tape changes this symbol often at present."""
        return len(self._past[symbol]) * NS_PER_S / REMEMBERED_NS >= LIQUID_PER_S

    def _remember(self, symbol: str, now_ns: int) -> None:
        market = self._market
        for past, newest in ((self._past[symbol], market.recent), (self._prints[symbol], market.prints)):
            known = past[-1].sequence if past else 0
            past.extend(one for one in newest.get(symbol, ()) if one.sequence > known)
            while len(past) > 1 and past[1].event_ns < now_ns - REMEMBERED_NS:
                past.popleft()

    def _compare(self, symbol: str, now_ns: int) -> None:
        tally, past = self.tally, self._past[symbol]
        view = self._board.view(symbol, self._board_now_ns())
        tally.samples += 1
        if view.graded.grade < USABLE:
            tally.unusable += 1
            tally.unusable_liquid += self.liquid(symbol)
            return
        price = view.price
        if not past or price is None:
            return
        bid, ask = (price.price, price.price) if isinstance(price, LastPrice) else (price.bid, price.ask)
        if bid is None or ask is None:
            return
        true = past[-1]
        tally.error_bps = max(tally.error_bps, abs((bid + ask) / (true.bid + true.ask) - 1) * BPS)
        if isinstance(price, LastPrice):
            behind_ms = _behind_ms(self._prints[symbol], bid, ask, now_ns)
            tally.behind_last_ms = max(tally.behind_last_ms or 0.0, behind_ms)
            return
        tally.behind_ms = max(tally.behind_ms, _behind_ms(past, bid, ask, now_ns))
        if price.event_ns // NS_PER_MS < self._newest_ns.get(symbol, 0) // NS_PER_MS:
            tally.backward += 1
        self._newest_ns[symbol] = max(self._newest_ns.get(symbol, 0), price.event_ns)


def _behind_ms(past: deque[SimQuote], bid: float, ask: float, now_ns: int) -> float:
    """Return for how long the tape has shown something else; what it never showed counts from the beginning."""
    left_ns = now_ns
    for one in reversed(past):
        if (one.bid, one.ask) == (bid, ask):
            break
        left_ns = one.event_ns
    return (now_ns - left_ns) / NS_PER_MS
