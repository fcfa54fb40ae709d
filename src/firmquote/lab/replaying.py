"""Real days through the board: what of them is refused, and is anything published that cannot be?

NBBO files are sent as they are. Every venue's own ticks are sent as a careless provider would merge them: the best bid
and offer over what each venue said in the last seconds, crossed by every quote that lingers. The truth beside it lets
the newest win.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
from msgspec import Struct

from firmquote.errors import ConfigError
from firmquote.lab.faults import SimQuote
from firmquote.lab.rehearsal import Rehearsal
from firmquote.lab.tape import Tape, TapeQuote, read_quotes
from firmquote.model import BPS, NS_PER_MS, NS_PER_S, USABLE, Price, Quote, Session, Shares
from firmquote.model.drill import DrillCheck, at_most
from firmquote.runtime.config import QualitySection
from firmquote.symbols import xnys_calendar

PROVIDER = "replayed"
STEP_NS = 250 * NS_PER_MS
"""How often the timers run; the gateway's own are faster, and no quote of a replay waits for them."""
IMPLAUSIBLE_BPS = 50.0
LINGERS_NS = 2 * NS_PER_S
"""How long the careless merge keeps what a venue said."""
REFUSED_MAX = 0.001
_VENUE_COLUMNS = ["ts_ns", "venue", "bid_e4", "bid_size", "ask_e4", "ask_size"]


class Sent(Struct, frozen=True, gc=False):
    """What the provider says, and the true bid and ask at that moment."""

    quote: TapeQuote
    bid: Price
    ask: Price


class Replay(Struct, frozen=True, kw_only=True):
    """What became of one day or tape."""

    name: str
    rows: int
    rows_regular: int
    refused_regular: int
    refused_by_reason: dict[str, int]
    published: int
    """Views after a row that showed a price, graded indicative or firm."""
    crossed: int
    implausible: int
    worst_bps: float
    """The furthest that a published bid and ask were from the true ones, without touching them."""

    @property
    def refused_share(self) -> float:
        """Of the rows in regular hours."""
        return self.refused_regular / self.rows_regular if self.rows_regular else 0.0


def replay(name: str, sent: Iterable[Sent], symbols: tuple[str, ...], policy: QualitySection | None = None) -> Replay:
    """Send everything through one board and look at the symbol after each row."""
    policy = policy or QualitySection()
    gateway: Rehearsal | None = None
    calendar = xnys_calendar()
    rows = regular = refused_regular = published = crossed = implausible = 0
    worst_bps = 0.0
    next_ns = change_ns = 0
    in_session = False
    for each in sent:
        row = each.quote
        if gateway is None:
            gateway = Rehearsal(symbols, [PROVIDER], [], now_ns=row.ts_ns, policy=policy)
            next_ns = row.ts_ns + STEP_NS
            feed = gateway.feeds[PROVIDER]
        if row.ts_ns >= change_ns:
            in_session = calendar.session_at(row.ts_ns) is Session.REGULAR
            change_ns = calendar.next_change_ns(row.ts_ns) or 2**62
        while next_ns <= row.ts_ns:
            gateway.move_to(next_ns)
            next_ns += STEP_NS
        gateway.clock.move_to(row.ts_ns)
        before = feed.accepted
        rows += 1
        sizes = row.bid_size_shares, row.ask_size_shares
        gateway.send(PROVIDER, [SimQuote(row.symbol, row.bid, sizes[0], row.ask, sizes[1], row.ts_ns, rows)])
        regular += in_session
        refused_regular += in_session and feed.accepted == before
        view = gateway.view(row.symbol)
        price = view.price
        if not isinstance(price, Quote) or view.graded.grade < USABLE or price.bid is None or price.ask is None:
            continue
        published += 1
        away_bps = max(0.0, price.bid - each.ask, each.bid - price.ask) / each.ask * BPS
        worst_bps = max(worst_bps, away_bps)
        crossed += price.bid > price.ask
        implausible += away_bps > IMPLAUSIBLE_BPS
    return Replay(
        name=name,
        rows=rows,
        rows_regular=regular,
        refused_regular=refused_regular,
        refused_by_reason={} if gateway is None else gateway.feeds[PROVIDER].counts().refused,
        published=published,
        crossed=crossed,
        implausible=implausible,
        worst_bps=worst_bps,
    )


def nbbo_rows(tape: Tape) -> Iterator[Sent]:
    """Yield the quotes of a tape, each its own truth."""
    for row in tape.rows:
        if isinstance(row, TapeQuote):
            yield Sent(row, row.bid, row.ask)


def venue_rows(path: Path, symbol: str) -> Iterator[Sent]:
    """Yield what a careless merge of every venue's ticks says, beside the truth of the careful one.

    Raises:
        ConfigError: the file is not one of venue ticks.
    """
    table = pq.read_table(path)
    missing = [name for name in _VENUE_COLUMNS if name not in table.column_names]
    if missing:
        raise ConfigError(f"{path}: has no column {', '.join(missing)}. Venue ticks need {', '.join(_VENUE_COLUMNS)}.")
    careless, careful = _Merge(lingers_ns=LINGERS_NS), _Merge(lingers_ns=None)
    for ts_ns, venue, bid, bid_size, ask, ask_size in zip(
        *(table[name].to_pylist() for name in _VENUE_COLUMNS), strict=True
    ):
        said = careless.take(ts_ns, venue, (bid, bid_size), (ask, ask_size))
        truth = careful.take(ts_ns, venue, (bid, bid_size), (ask, ask_size))
        if said is not None and truth is not None:
            (best_bid, bid_shares, _), (best_ask, ask_shares, _) = said
            quote = TapeQuote(ts_ns, symbol, best_bid / 1e4, bid_shares, best_ask / 1e4, ask_shares)
            yield Sent(quote, truth[0][0] / 1e4, truth[1][0] / 1e4)


Side = tuple[int, Shares, int]
"""Ten-thousandths of a dollar, shares, and when it was said."""


class _Merge:
    """The best bid and offer over venues. Of those that lock or cross the newer stays, or all for `lingers_ns`."""

    def __init__(self, *, lingers_ns: int | None) -> None:
        self._lingers_ns = lingers_ns
        self._bids: dict[str, Side] = {}
        self._asks: dict[str, Side] = {}

    def take(
        self, ts_ns: int, venue: str, bid: tuple[int, Shares], ask: tuple[int, Shares]
    ) -> tuple[Side, Side] | None:
        if all(bid):
            self._bids[venue] = (*bid, ts_ns)
        if all(ask):
            self._asks[venue] = (*ask, ts_ns)
        if self._lingers_ns is not None:
            old_ns = ts_ns - self._lingers_ns
            self._bids = {name: side for name, side in self._bids.items() if side[2] >= old_ns}
            self._asks = {name: side for name, side in self._asks.items() if side[2] >= old_ns}
        else:
            if all(bid):
                self._asks = {name: side for name, side in self._asks.items() if side[0] > bid[0]}
            if all(ask):
                self._bids = {name: side for name, side in self._bids.items() if side[0] < ask[0]}
        if not self._bids or not self._asks:
            return None
        return max(self._bids.values()), min(self._asks.values(), key=lambda side: (side[0], -side[1]))


def replay_directory(directory: Path) -> list[Replay]:
    """Replay every `nbbo-SYMBOL-DAY.parquet` (the symbols of a day together) and `venue-ticks-SYMBOL-DAY.parquet`."""
    found: list[Replay] = []
    days: dict[str, list[Path]] = {}
    for path in sorted(directory.glob("nbbo-*-*.parquet")):
        days.setdefault(path.stem.rsplit("-", 1)[1], []).append(path)
    for day, paths in days.items():
        tape = Tape([row for path in paths for row in read_quotes(path)])
        found.append(replay(f"NBBO {day} {', '.join(tape.symbols)}", nbbo_rows(tape), tape.symbols))
    for path in sorted(directory.glob("venue-ticks-*-*.parquet")):
        _, _, name, day = path.stem.split("-")
        symbol = name.upper()
        found.append(replay(f"venue ticks {day} {symbol}", venue_rows(path, symbol), (symbol,)))
    if not found:
        raise ConfigError(f"{directory}: nothing to replay there. It needs nbbo-SYMBOL-DAY.parquet files.")
    return found


def replay_checks(replays: Iterable[Replay]) -> list[DrillCheck]:
    """Return what is asked of replays: nothing impossible published, and nearly nothing real refused."""
    checks = []
    for each in replays:
        if each.name.startswith("NBBO"):
            checks.append(at_most(f"{each.name}: refused in regular hours", each.refused_share, REFUSED_MAX, "share"))
        checks.append(at_most(f"{each.name}: crossed published", each.crossed, 0, "quotes"))
        checks.append(at_most(f"{each.name}: implausible published", each.implausible, 0, "quotes"))
    return checks
