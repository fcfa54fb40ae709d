"""What one process leaves to the next when it hands over: all that lives in memory only, as one document."""

from typing import TYPE_CHECKING

from msgspec import Struct

from firmquote.board import Board, halt_entry
from firmquote.decision import Heard
from firmquote.model import LastPrice, Quote
from firmquote.routing import Role

if TYPE_CHECKING:
    from firmquote.runtime.gateway import Gateway


class HeldLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One provider's newest price of one symbol, and since when the stream that brought it is whole."""

    provider: str
    symbol: str
    quote: Quote | None = None
    last: LastPrice | None = None
    changed_ns: int = 0
    since_ns: int = 0


class Heritage(Struct, frozen=True, kw_only=True):
    """Everything. What lasts over restarts anyway (switches, stage, books, audit, ledger) is on the disk instead."""

    lines: tuple[HeldLine, ...]
    halts: dict[str, dict[str, str]]
    """Symbol → who says that trading is halted → why."""
    resumed_ns: dict[str, int]
    roles: tuple[Role, ...]
    polled: tuple[str, ...]
    """Providers that answer when they are asked."""
    heard: Heard
    orders: dict[str, int]
    """Keys of orders that were carried out, and until when they are remembered."""
    orders_since_ns: int


def bequeath(gateway: "Gateway") -> Heritage:
    """Return what `gateway` leaves."""
    entries = gateway.board.entries
    orders, since_ns = gateway.safety.door.orders()
    return Heritage(
        lines=_lines(gateway.board),
        halts={symbol: dict(entry.halts) for symbol, entry in entries.items() if entry.halts},
        resumed_ns={symbol: entry.resumed_ns for symbol, entry in entries.items() if entry.resumed_ns},
        roles=gateway.manager.roles(),
        polled=tuple(name for name in gateway.conductor.polls if gateway.manager.members[name].usable),
        heard=gateway.trading.engine.heard(),
        orders=orders,
        orders_since_ns=since_ns,
    )


def take_up(heritage: Heritage, gateway: "Gateway", *, whole: frozenset[str], now_ns: int) -> None:
    """Go on where the process before us stopped.

    `whole` are the providers whose stream we had opened before its own ended: nothing of theirs is missing, so what was
    tradable stays so. A line of any other waits for its first quote, as after every connection.
    """
    board = gateway.board
    for held in heritage.lines:
        _take_line(board, held, whole)
    for symbol, entry in board.entries.items():
        entry.halts.clear()
        for source, cause in heritage.halts.get(symbol, {}).items():
            halt_entry(entry, source, cause)
        entry.resumed_ns = max(entry.resumed_ns, heritage.resumed_ns.get(symbol, 0))
        board.touch(entry)
    gateway.trading.engine.hear(heritage.heard)
    gateway.safety.door.take_up(heritage.orders, heritage.orders_since_ns)
    for name in heritage.polled:
        if name in gateway.conductor.polls:
            gateway.conductor.on_ready(name)
    gateway.manager.take_up(heritage.roles, now_ns)
    gateway.conductor.advance()


def _lines(board: Board) -> tuple[HeldLine, ...]:
    lines = (line for entry in board.entries.values() for line in entry.lines.values())
    return tuple(
        HeldLine(
            provider=line.provider,
            symbol=line.entry.symbol,
            quote=line.quote,
            last=line.last,
            changed_ns=line.changed_ns,
            since_ns=line.since_ns,
        )
        for line in lines
        if not line.feed.synthetic and line.price is not None
    )


def _take_line(board: Board, held: HeldLine, whole: frozenset[str]) -> None:
    entry = board.entries.get(held.symbol)
    line = None if entry is None else entry.lines.get(held.provider)
    if line is None:
        return
    quote, last = held.quote, held.last
    if quote is not None and (line.quote is None or line.quote.event_ns < quote.event_ns):
        board.apply(line.feed, [quote], quote.received_ns)
    if last is not None and (line.last is None or line.last.received_ns < last.received_ns):
        board.apply(line.feed, [last], last.received_ns)
        line.changed_ns = held.changed_ns
    if held.provider in whole or not line.since_ns:
        line.since_ns = held.since_ns
