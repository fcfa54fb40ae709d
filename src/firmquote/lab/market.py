"""The market behind the simulators: the tape's newest quote and trade of each symbol."""

from msgspec import Struct

from firmquote.lab.faults import SimQuote
from firmquote.lab.player import Player
from firmquote.lab.reference import ReferenceBook
from firmquote.lab.tape import TapeQuote, TapeTrade

RECENT_MAX = 1_000
"""Quotes, and trades, kept a symbol: for the history endpoints, and for whoever compares with the tape."""


class Moves(Struct, frozen=True):
    """What happened on the tape in one step, in order."""

    quotes: list[SimQuote]
    trades: list[SimQuote]
    """Each with its price and size on both sides, for providers that sell last prices."""


class Market:
    """Advances along the tape; what was played is counted, so that a test can add it up."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.quotes: dict[str, SimQuote] = {}
        self.trades: dict[str, tuple[int, TapeTrade]] = {}
        self.first_price: dict[str, float] = {}
        self.day_volume: dict[str, int] = {}
        self.recent: dict[str, list[SimQuote]] = {}
        """The newest quotes of each symbol, oldest first …"""
        self.prints: dict[str, list[SimQuote]] = {}
        """… and the newest trades."""
        self.halted: set[str] = set()
        """Symbols in which nobody quotes or trades; what the tape has of them meanwhile is passed over."""
        self.reference = ReferenceBook()
        self._sequence: dict[str, int] = {}
        self._trades = 0

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols on the tape."""
        return self.player.tape.symbols

    def advance(self, now_ns: int) -> Moves:
        """Return what has happened since the last call."""
        quotes: list[SimQuote] = []
        trades: list[SimQuote] = []
        for at_ns, row in self.player.due(now_ns):
            if row.symbol in self.halted:
                continue
            if isinstance(row, TapeTrade):
                trades.append(self._trade(at_ns, row))
            else:
                quotes.append(self._quote(at_ns, row))
        return Moves(quotes, trades)

    def _quote(self, at_ns: int, row: TapeQuote) -> SimQuote:
        sequence = self._sequence.get(row.symbol, 0) + 1
        self._sequence[row.symbol] = sequence
        quote = SimQuote(row.symbol, row.bid, row.bid_size_shares, row.ask, row.ask_size_shares, at_ns, sequence)
        self.quotes[row.symbol] = quote
        _keep(self.recent, quote)
        return quote

    def _trade(self, at_ns: int, row: TapeTrade) -> SimQuote:
        self.trades[row.symbol] = (at_ns, row)
        self.first_price.setdefault(row.symbol, row.price)
        self.day_volume[row.symbol] = self.day_volume.get(row.symbol, 0) + row.size_shares
        self._trades += 1
        trade = SimQuote(row.symbol, row.price, row.size_shares, row.price, row.size_shares, at_ns, self._trades)
        _keep(self.prints, trade)
        return trade


def _keep(newest: dict[str, list[SimQuote]], one: SimQuote) -> None:
    kept = newest.setdefault(one.symbol, [])
    kept.append(one)
    if len(kept) > 2 * RECENT_MAX:
        del kept[:RECENT_MAX]
