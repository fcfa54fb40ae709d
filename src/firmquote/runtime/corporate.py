"""Corporate actions at work: what each source tells, the day on which it takes effect, and what it does to the gateway.

Each look asks one question: are there actions that what we hold has not been carried over yet? So it does not matter
whether the day turned, a source told something late, or the process was away meanwhile. What is held says itself which
actions it has in it (`symbols.Basis`), and is stored together with that.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from pathlib import Path

import msgspec
import structlog
from msgspec.structs import replace

from firmquote.board import Board, halt_entry, resume_entry
from firmquote.errors import StoreError
from firmquote.model import NS_PER_S, Clock, LastPrice, Price
from firmquote.quality import Band, is_near
from firmquote.routing import Change
from firmquote.runtime.config import Config
from firmquote.runtime.instruments import carry_instrument, halted_by, read_actions
from firmquote.store import Instrument, OperatorHalt, SymbolRecord
from firmquote.symbols import (
    EASTERN,
    OPERATOR,
    AgreedActions,
    Basis,
    CorporateAction,
    action_id,
    adjust_price,
    agree,
    xnys_calendar,
)

FILE = "file"
PRICE_AGE_DAYS_MAX = 7
"""An older price from before a restart says nothing of today's."""
SAVE_NS = 300 * NS_PER_S
"""How often the newest prices are stored, for the time after a restart."""
DAY_BEGINS = time(4)
"""Pre-market in New York: from then on prices are in the new terms."""
_log = structlog.get_logger("firmquote")


class CorporateDesk:
    """Owned by whoever runs gateways: it outlives the one that a rename ends. Used in the event loop's thread."""

    def __init__(self, record: SymbolRecord | None, config: Config, clock: Clock) -> None:
        """Take up what is recorded (without a record: nothing, and nothing lasts), and read the file of actions.

        Raises:
            StoreError: the record cannot be read.
            ConfigError: the file cannot.
        """
        self._record = record
        self._calendar = xnys_calendar() if config.quality.calendar == "XNYS" else None
        self._clock = clock
        file = config.symbols.actions_file
        self._from_file = () if file is None else read_actions(Path(file).expanduser())
        self.agreed = AgreedActions((), ())
        self.told: dict[str, list[CorporateAction]] = {}
        self.renamed = asyncio.Event()
        """Set when a name in use has changed: the gateway has to begin anew under the new one."""
        self._board: Board | None = None
        self._carry: Callable[[Sequence[CorporateAction]], None] = _ignore
        self._publish: Callable[[Sequence[Change]], None] = _ignore
        self._looked: tuple[date, AgreedActions] | None = None
        self._in_effect: frozenset[CorporateAction] = frozenset()
        """What the board has in it, or began after."""
        self._saved_ns = 0
        today = self.today()
        known = {} if record is None else {each.configured: each for each in record.instruments()}
        self.instruments = {
            name: known.get(name)
            or Instrument(configured=name, symbol=name, named=Basis(name, today), priced=Basis(name, today))
            for name in config.feeds.quotes.live_symbols_allowlist
        }
        self._agree()
        self._carry_instruments(today)

    # -- before and after a gateway

    def rename(self, config: Config) -> Config:
        """Return the configuration with today's names."""
        names = {each.configured: each.symbol for each in self.instruments.values()}

        def current(symbols: Sequence[str]) -> tuple[str, ...]:
            return tuple(dict.fromkeys(names.get(symbol, symbol) for symbol in symbols))

        quotes = config.feeds.quotes
        quotes = replace(
            quotes,
            live_symbols_allowlist=current(quotes.live_symbols_allowlist),
            canary_symbols=current(quotes.canary_symbols),
            priority_symbols=current(quotes.priority_symbols),
        )
        return replace(config, feeds=replace(config.feeds, quotes=quotes))

    def attach(
        self,
        board: Board,
        *,
        carry: Callable[[Sequence[CorporateAction]], None],
        publish: Callable[[Sequence[Change]], None],
    ) -> None:
        """Serve this gateway from now on: its board begins at the last known prices, and halted as it was."""
        self._board, self._carry, self._publish = board, carry, publish
        self._looked = None
        self._in_effect = frozenset(self._effective(self.today()))
        self.renamed.clear()
        now_ns = self._clock.now_ns()
        for each in self.instruments.values() if self._calendar is not None else ():
            entry = board.entries.get(each.symbol)
            recent = now_ns - each.price_ns <= PRICE_AGE_DAYS_MAX * 86_400 * NS_PER_S
            if entry is None or each.price is None or not recent:
                continue
            for line in entry.lines.values():
                if not line.feed.synthetic:
                    line.band.begin(each.price, board.plausibility, at_ns=each.price_ns)
        for halt in () if self._record is None else self._record.halts():
            if halt.symbol in board.entries:
                halt_entry(board.entries[halt.symbol], OPERATOR, halt.cause)

    def look_again(self) -> None:
        """Take in what another process has written to the record. Raises StoreError."""
        self._agree()

    def halt(self, symbol: str, cause: str) -> None:
        """An operator stops trading in a symbol, until `resume`, over restarts too. Raises StoreError."""
        assert self._board is not None
        if self._record is not None:
            self._record.halt(OperatorHalt(symbol, cause, self._clock.now_ns()))
        entry = self._board.entries[symbol]
        halt_entry(entry, OPERATOR, cause)
        self._board.touch(entry)
        self._tell_of_halt(symbol, None, "halted", cause)

    def resume(self, symbol: str, cause: str) -> bool:
        """An operator lets trading in a symbol go on, whoever halted it; a fresh quote is needed. Raises StoreError.

        Returns whether it was halted.
        """
        assert self._board is not None
        if self._record is not None:
            self._record.resume(symbol)
        entry = self._board.entries[symbol]
        if not resume_entry(entry, None, now_ns=self._clock.now_ns()):
            return False
        self._board.touch(entry)
        self._tell_of_halt(symbol, "halted", "resumed", cause)
        return True

    def _tell_of_halt(self, symbol: str, before: str | None, after: str, cause: str) -> None:
        now_ns = self._clock.now_ns()
        told = Change(at_ns=now_ns, kind="halt", provider="", before=before, after=after, cause=cause, symbol=symbol)
        self._publish([told])

    # -- sources

    def sources(self) -> dict[str, Sequence[CorporateAction]]:
        """Return what each source tells."""
        return {**self.told, FILE: self._from_file} if self._from_file else dict(self.told)

    def tell(self, source: str, actions: Sequence[CorporateAction]) -> int:
        """Take what a source tells and apply what is due; returns how many were new. Raises StoreError."""
        if self._record is None:
            known = self.told.setdefault(source, [])
            fresh = [action for action in actions if action not in known]
            known += fresh
            new = len(fresh)
        else:
            new = self._record.tell(source, actions, now_ns=self._clock.now_ns())
        if new:
            self._agree()
            self.second()
        return new

    def second(self) -> None:
        """Look whether anything is due; called once a second and after news."""
        now_ns = self._clock.now_ns()
        today = self.today()
        if self._looked != (today, self.agreed):
            self._take_effect(today, now_ns)
        if self.agreed.actions and not self.renamed.is_set():
            self._carry(self.agreed.actions)  # what is held knows what it has in it; it may have been read anew
        if now_ns - self._saved_ns >= SAVE_NS:
            self._saved_ns = now_ns
            self._note_prices()
            self._write(list(self.instruments.values()))

    def save(self) -> None:
        """Store the newest prices, at the end."""
        self._note_prices()
        self._write(list(self.instruments.values()))

    def _write(self, instruments: Sequence[Instrument]) -> None:
        """A record that cannot be written loses nothing but time: what it holds is carried again after a restart."""
        if self._record is None:
            return
        try:
            self._record.write(instruments)
        except StoreError as error:
            _log.error("prices not stored", error=str(error))

    def _note_prices(self) -> None:
        if self._board is None:
            return
        for name, each in self.instruments.items():
            entry = self._board.entries.get(each.symbol)
            line = None if entry is None else entry.elected
            if line is None or line.feed.synthetic or line.verdict is not None or line.accepted_ns <= each.price_ns:
                continue
            price = line.price
            if price is None or line.accepted_ns < line.since_ns:
                continue
            mid = price.price if isinstance(price, LastPrice) else _mid(price.bid, price.ask)
            if mid is not None:
                priced = Basis(each.symbol, self._day_of(line.accepted_ns))
                self.instruments[name] = replace(each, price=mid, price_ns=line.accepted_ns, priced=priced)

    def today(self) -> date:
        """Return the trading day: it begins with the pre-market."""
        return self._day_of(self._clock.now_ns())

    # -- how

    def _day_of(self, at_ns: int) -> date:
        day = None if self._calendar is None else self._calendar.trading_day_at(at_ns)
        return day or datetime.fromtimestamp(at_ns / NS_PER_S, EASTERN).date()

    def _agree(self) -> None:
        if self._record is not None:
            self.told = self._record.told()
        self.agreed = agree({**self.told, FILE: self._from_file}, settled_by=(OPERATOR, FILE))
        for conflict in self.agreed.conflicts:
            _log.warning("corporate actions disagree", conflict=str(conflict))

    def _effective(self, today: date) -> list[CorporateAction]:
        return [action for action in self.agreed.actions if action.effective <= today]

    def _take_effect(self, today: date, now_ns: int) -> None:
        self._looked = (today, self.agreed)
        self._note_prices()
        fresh = [action for action in self._effective(today) if action not in self._in_effect]
        self._in_effect |= frozenset(fresh)
        served = frozenset(each.symbol for each in self.instruments.values())
        renamed = self._carry_instruments(today)
        for action in fresh:
            if action.symbol in served:
                self._tell_of(action, now_ns)
        if renamed:
            self.renamed.set()
            return  # the board and the positions follow under the new names
        for symbol in served:
            self._restate(symbol, [action for action in fresh if action.symbol == symbol], now_ns)
        self._halt_by_actions(today, now_ns)

    def _carry_instruments(self, today: date) -> bool:
        """Carry names and prices to today's terms and store them at once; says whether a name changed."""
        changed: list[Instrument] = []
        renamed = False
        actions = self.agreed.actions
        for name, each in self.instruments.items():
            after = carry_instrument(each, actions, today)
            if after != each:
                changed.append(after)
                renamed = renamed or after.symbol != each.symbol
            self.instruments[name] = after
        if changed:
            self._write(changed)
        return renamed

    def _restate(self, symbol: str, fresh: Sequence[CorporateAction], now_ns: int) -> None:
        """Put what the board holds from before an action into its terms."""
        fresh = [action for action in fresh if adjust_price(1.0, action) != 1.0]
        if self._board is None or symbol not in self._board.entries or not fresh:
            return
        begins_ns = int(datetime.combine(fresh[-1].effective, DAY_BEGINS, EASTERN).timestamp()) * NS_PER_S

        def to_new(price: Price) -> Price | None:
            adjusted: Price | None = price
            for action in fresh:
                adjusted = None if adjusted is None else adjust_price(adjusted, action)
            return adjusted

        entry = self._board.entries[symbol]
        for line in entry.lines.values():
            if line.feed.synthetic:
                continue
            if line.accepted_ns < begins_ns or self._is_settled(line.band, to_new):
                line.restate(to_new, self._board.plausibility, now_ns)
        self._board.touch(entry)

    def _is_settled(self, band: Band, to_new: Callable[[Price], Price | None]) -> bool:
        """Whether an action that is told late explains the level on which a line has insisted since."""
        assert self._board is not None
        claim = band.claim
        expected = None if claim is None else to_new(claim.before)
        return claim is not None and expected is not None and is_near(claim.mid, expected, self._board.plausibility)

    def _halt_by_actions(self, today: date, now_ns: int) -> None:
        if self._board is None:
            return
        for symbol, entry in self._board.entries.items():
            cause = halted_by(symbol, self.agreed.actions, today)
            if cause is not None:
                halt_entry(entry, _ACTION, cause)
            elif _ACTION in entry.halts:
                resume_entry(entry, (_ACTION,), now_ns=now_ns)
            else:
                continue
            self._board.touch(entry)

    def _tell_of(self, action: CorporateAction, now_ns: int) -> None:
        words = f"{action_id(action)}: {msgspec.to_builtins(action, enc_hook=str)}"
        told = Change(
            at_ns=now_ns, kind="action", provider="", before=None, after="in effect", cause=words, symbol=action.symbol
        )
        self._publish([told])


_ACTION = "corporate action"


def _mid(bid: Price | None, ask: Price | None) -> Price | None:
    return None if bid is None or ask is None else (bid + ask) / 2


def _ignore(told: Sequence[object]) -> None:
    del told
