"""What is held, what it cost, and how the account does. Sums are exact: whole micro-dollars, whole shares."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from firmquote.model import Price, Shares
from firmquote.model.trading import MICROS_PER_USD, Fill, Side
from firmquote.symbols import (
    Basis,
    CarriedPrice,
    CorporateAction,
    Holding,
    carry_holding,
    carry_price,
)


class Position(Struct, frozen=True, kw_only=True):
    """Shares of one symbol; short where negative. Kept when it is flat, for what it has realised."""

    symbol: str
    basis: Basis
    """The name and day that the numbers are true for: corporate actions are applied once."""
    shares: Shares = 0
    cost_micros: int = 0
    """What the shares cost, with their sign; the average cost is this divided by them."""
    realised_micros: int = 0
    best: Price | None = None
    """The best price since it was opened: highest bid of a long one, lowest ask of a short one."""
    mark: Price | None = None
    """What it was last valued at, in what is stored: a process values it so until its first quote."""

    @property
    def average_cost(self) -> Price | None:
        """Dollars per share, or `None` when flat."""
        return self.cost_micros / self.shares / MICROS_PER_USD if self.shares else None


class Account(Struct, frozen=True, kw_only=True):
    """Money, and what the drawdown and the day's limit are measured against."""

    cash_micros: int
    day: date
    orders_today: int = 0
    """Orders that opened risk on `day`."""
    day_best_micros: int = 0
    week_best_micros: int = 0
    """The highest value of the account in the day and in the ISO week of `day`."""
    latched: dict[str, str] = {}
    """Pauses that last until an operator resumes: who → why."""


class Adjustment(Struct, frozen=True, kw_only=True):
    """Shares that came or went without a fill."""

    symbol: str
    shares: Shares
    day: date
    words: str


def money_micros(shares: Shares, price: Price) -> int:
    """Return what `shares` cost at `price`, to the nearest micro-dollar."""
    return round(shares * price * MICROS_PER_USD)


def after_fill(position: Position, fill: Fill) -> Position:
    """Return the position after a fill, by average cost: what closes realises, what is left over opens."""
    shares = fill.shares if fill.side is Side.BUY else -fill.shares
    amount = money_micros(shares, fill.price)
    if position.shares * shares >= 0:
        best = fill.price if position.shares == 0 else position.best
        return replace(position, shares=position.shares + shares, cost_micros=position.cost_micros + amount, best=best)
    closing = min(abs(shares), abs(position.shares))
    cost_closed = position.cost_micros * closing // abs(position.shares)
    amount_closed = amount * closing // abs(shares)
    left = position.shares + shares
    turned = left * position.shares < 0
    return replace(
        position,
        shares=left,
        cost_micros=amount - amount_closed if turned else position.cost_micros - cost_closed,
        realised_micros=position.realised_micros - amount_closed - cost_closed,
        best=fill.price if turned else (position.best if left else None),
    )


class Portfolio:
    """All positions, their marks and the account; whoever changes something is told what to store."""

    def __init__(self, account: Account, positions: Sequence[Position] = ()) -> None:
        self.account = account
        self.positions = {position.symbol: position for position in positions}
        self.marks: dict[str, Price] = {}
        self._values: dict[str, int] = {}
        self.gross_micros = 0
        self.net_micros = 0
        self._risen: set[str] = set()
        self._account_risen = False
        for position in positions:
            if position.shares:
                self._revalue(position, position.average_cost or 0.0 if position.mark is None else position.mark)
        self._unmarked = {position.symbol for position in positions if position.shares}
        """Was restored, and has had no quote since: its value is no best that anybody saw."""
        self.note_best()

    @property
    def nav_micros(self) -> int:
        """Cash and everything held at its mark."""
        return self.account.cash_micros + self.net_micros

    def shares(self, symbol: str) -> Shares:
        """Return how many are held."""
        position = self.positions.get(symbol)
        return 0 if position is None else position.shares

    def value_micros(self, symbol: str) -> int:
        """Return what is held of a symbol at its mark; negative when short."""
        return self._values.get(symbol, 0)

    def mark(self, symbol: str, bid: Price, ask: Price) -> None:
        """Take the newest usable price of something that is held."""
        position = self.positions[symbol]
        if not position.shares:
            return
        self._revalue(position, (bid + ask) / 2)
        if self._unmarked:
            self._unmarked.discard(symbol)
        best, seen = position.best, bid if position.shares > 0 else ask
        if best is None or (seen > best if position.shares > 0 else seen < best):
            self.positions[symbol] = replace(position, best=seen)
            self._risen.add(symbol)

    def with_mark(self, position: Position) -> Position:
        """Return a position as it is stored: with what it is valued at."""
        return replace(position, mark=self.marks.get(position.symbol) if position.shares else None)

    def take_risen(self) -> tuple[set[str], bool]:
        """Return whose best price has risen since the last call, and whether the best value of the account has."""
        risen, self._risen = self._risen, set()
        account_too, self._account_risen = self._account_risen, False
        return risen, account_too

    def fill(self, fill: Fill) -> Position:
        """Book a fill and return the position as it is now."""
        symbol = fill.symbol
        before = self.positions.get(symbol) or Position(symbol=symbol, basis=Basis(symbol, self.account.day))
        if not before.shares:  # a flat position has nothing that an action could change
            before = replace(before, basis=Basis(symbol, self.account.day))
        after = self.positions[symbol] = after_fill(before, fill)
        signed = fill.shares if fill.side is Side.BUY else -fill.shares
        self.account = replace(self.account, cash_micros=self.account.cash_micros - money_micros(signed, fill.price))
        self._unmarked.discard(symbol)
        self._revalue(after, self.marks.get(symbol, fill.price) if before.shares else fill.price)
        return after

    def count_order(self) -> None:
        """One more order that opens risk."""
        self.account = replace(self.account, orders_today=self.account.orders_today + 1)

    def latch(self, who: str, why: str) -> None:
        """Remember a pause."""
        self.account = replace(self.account, latched={**self.account.latched, who: why})

    def resume(self) -> None:
        """Forget every pause, and measure losses from here."""
        nav = self.nav_micros
        self.account = replace(self.account, latched={}, day_best_micros=nav, week_best_micros=nav)

    def note_best(self) -> None:
        """Remember the account's best value of the day and of the week, once every position has had a quote."""
        if self._unmarked:
            return
        nav, account = self.nav_micros, self.account
        if nav > account.day_best_micros or nav > account.week_best_micros:
            self.account = replace(
                account,
                day_best_micros=max(nav, account.day_best_micros),
                week_best_micros=max(nav, account.week_best_micros),
            )
            self._account_risen = True

    def drawdown_pct(self) -> tuple[float, float]:
        """Return how far the account is below its day's and its week's best, in percent of it."""
        nav, account = self.nav_micros, self.account
        day, week = account.day_best_micros, account.week_best_micros
        return (
            max(0.0, (day - nav) / day * 100) if day > 0 else 0.0,
            max(0.0, (week - nav) / week * 100) if week > 0 else 0.0,
        )

    def begin_day(self, day: date) -> None:
        """Start counting anew; a new ISO week starts a new week's best."""
        if day == self.account.day:
            return
        self._unmarked.clear()  # who has had no quote for so long gets none
        same_week = day.isocalendar()[:2] == self.account.day.isocalendar()[:2]
        nav = self.nav_micros
        self.account = replace(
            self.account,
            day=day,
            orders_today=0,
            day_best_micros=nav,
            week_best_micros=self.account.week_best_micros if same_week else nav,
        )

    def carry(self, actions: Sequence[CorporateAction], today: date) -> tuple[Position, ...]:
        """Apply the corporate actions that are due to everything held, once; return the positions that changed.

        Fractions of a share become cash at their cost, so that they realise nothing here.
        """
        changed: dict[str, Position] = {}
        for position in sorted(self.positions.values(), key=lambda each: each.symbol):
            if position.shares:
                for each in self._carry_one(position, actions, today):
                    changed[each.symbol] = each
        return tuple(changed.values())

    def _carry_one(self, position: Position, actions: Sequence[CorporateAction], today: date) -> list[Position]:
        symbol = position.symbol
        carried = carry_holding(Holding(symbol, position.shares, position.average_cost, position.basis), actions, today)
        if not carried.applied:
            return []
        mark = self._carry_price(position, self.marks.get(symbol), actions, today)
        best = self._carry_price(position, position.best, actions, today)
        cost = self._carry_price(position, position.average_cost, actions, today)
        costs = [money_micros(each.quantity_shares, each.average_cost or 0.0) for each in carried.holdings]
        known = {each.symbol: each.average_cost for each in carried.holdings}
        in_lieu = sum(float(each.shares) * (known.get(each.symbol, cost) or 0.0) for each in carried.in_lieu)
        cash = round((carried.cash_usd + in_lieu) * MICROS_PER_USD)
        realised = cash + sum(costs) - position.cost_micros
        self.account = replace(self.account, cash_micros=self.account.cash_micros + cash)
        self._drop(symbol)
        self.positions[symbol] = replace(
            position,
            shares=0,
            cost_micros=0,
            realised_micros=position.realised_micros + realised,
            best=None,
            basis=Basis(symbol, today, position.basis.applied.union(carried.applied)),
        )
        for first, (each, micros) in enumerate(zip(carried.holdings, costs, strict=True)):
            self._receive(each, micros, None if first else best, None if first else mark, today)
        return [self.positions[name] for name in dict.fromkeys([symbol, *known])]

    def _receive(self, holding: Holding, cost_micros: int, best: Price | None, mark: Price | None, today: date) -> None:
        before = self.positions.get(holding.symbol) or Position(symbol=holding.symbol, basis=holding.basis)
        merged = bool(before.shares)
        after = self.positions[holding.symbol] = replace(
            before,
            basis=Basis(holding.symbol, today) if merged else holding.basis,
            shares=before.shares + holding.quantity_shares,
            cost_micros=before.cost_micros + cost_micros,
            best=before.best if merged else best,
        )
        usual = self.marks.get(holding.symbol) if merged else mark
        self._revalue(after, usual if usual is not None else holding.average_cost or 0.0)

    def _carry_price(
        self, position: Position, price: Price | None, actions: Sequence[CorporateAction], today: date
    ) -> Price | None:
        if price is None:
            return None
        found = carry_price(CarriedPrice(position.symbol, price, position.basis), actions, today)
        return None if found is None else found.price

    def _revalue(self, position: Position, price: Price) -> None:
        symbol = position.symbol
        before = self._values.get(symbol, 0)
        value = money_micros(position.shares, price)
        self.marks[symbol] = price
        self._values[symbol] = value
        self.net_micros += value - before
        self.gross_micros += abs(value) - abs(before)

    def _drop(self, symbol: str) -> None:
        before = self._values.pop(symbol, 0)
        self.marks.pop(symbol, None)
        self._unmarked.discard(symbol)
        self.net_micros -= before
        self.gross_micros -= abs(before)
