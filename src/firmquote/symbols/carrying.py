"""Carrying prices, orders and holdings over corporate actions: each action once, also after a restart in between.

What is carried has a `Basis`: the name and day that its numbers were true for, and the actions applied since. Store it
with the numbers, all at once, and asking again on the same day or after a restart changes nothing. The walk starts
from the basis' name each time, so that a name that changed hands (GOOCV became GOOG on the day when GOOG became GOOGL)
is not followed twice.
"""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from firmquote.model import Price, Shares
from firmquote.symbols.actions import (
    Acquisition,
    CorporateAction,
    Delisting,
    Dividend,
    Rename,
    SpinOff,
    Split,
    action_id,
    adjust_price,
)


class Basis(Struct, frozen=True):
    """`symbol` on trading day `day`, and the ids of the actions applied since: a handful in an instrument's life."""

    symbol: str
    day: date
    applied: frozenset[str] = frozenset()


class CarriedPrice(Struct, frozen=True):
    """A price of `symbol` (previous close, cached quote, band), in the terms of its basis."""

    symbol: str
    price: Price
    basis: Basis


class CarriedName(Struct, frozen=True):
    """What an instrument is called now, with the basis that it had its first name on."""

    symbol: str
    basis: Basis


class OpenOrder(Struct, frozen=True):
    """What of an open order depends on corporate actions; a market order has no limit."""

    symbol: str
    quantity_shares: Shares
    limit_price: Price | None
    basis: Basis


class Holding(Struct, frozen=True):
    """Shares of `symbol`; short where negative. `average_cost` is per share, `None` where unknown."""

    symbol: str
    quantity_shares: Shares
    average_cost: Price | None
    basis: Basis


class CashInLieu(Struct, frozen=True):
    """A fraction of a share that became cash, at a price that the market makes; negative where it is owed."""

    symbol: str
    shares: Fraction


class Carried(Struct, frozen=True):
    """What became of a holding; to be stored in its place, all of it at once."""

    holdings: tuple[Holding, ...]
    cash_usd: float = 0.0
    in_lieu: tuple[CashInLieu, ...] = ()
    applied: tuple[str, ...] = ()
    """Ids of the actions that were applied now, in order."""


def due_actions(basis: Basis, actions: Sequence[CorporateAction], today: date) -> tuple[CorporateAction, ...]:
    """Return what `basis` has not been carried over yet: actions after its day until `today`, through all its names.

    An action that becomes known late is due too. The walk ends with the instrument: a later one may bear its name.
    """
    name = basis.symbol
    due: list[CorporateAction] = []
    window = [action for action in actions if basis.day < action.effective <= today]
    for day in sorted({action.effective for action in window}):
        todays = [action for action in window if action.effective == day and action.symbol == name]
        due += sorted(todays, key=lambda action: (_rank(action), action_id(action)))
        name = next((action.new_symbol for action in todays if isinstance(action, Rename)), name)
        if any(isinstance(action, Acquisition | Delisting) for action in todays):
            break
    return tuple(action for action in due if action_id(action) not in basis.applied)


def carry_price(carried: CarriedPrice, actions: Sequence[CorporateAction], today: date) -> CarriedPrice | None:
    """Return the price in today's terms and under today's name; `None` where it means nothing any more."""
    symbol = carried.symbol
    price: Price | None = carried.price
    due = due_actions(carried.basis, actions, today)
    for action in due:
        price = None if price is None else adjust_price(price, action)
        symbol = action.new_symbol if isinstance(action, Rename) else symbol
    return None if price is None else CarriedPrice(symbol, price, _with(carried.basis, due))


def carry_name(carried: CarriedName, actions: Sequence[CorporateAction], today: date) -> CarriedName:
    """Return the name that the instrument has today; an action that nobody tells of any more stays applied."""
    due = due_actions(carried.basis, actions, today)
    if not due:
        return carried
    symbol = next((action.new_symbol for action in reversed(due) if isinstance(action, Rename)), carried.symbol)
    return CarriedName(symbol, _with(carried.basis, due))


def carry_order(order: OpenOrder, actions: Sequence[CorporateAction], today: date) -> OpenOrder | None:
    """Return the order in today's shares and price, or `None` where it must be cancelled.

    That is so when the instrument is gone, when its old price means nothing any more (even without a limit, since the
    size was chosen at that price), and when less than a share is left. The limit is not rounded to a tick.
    """
    due = due_actions(order.basis, actions, today)
    limit = order.limit_price
    for action in due:
        if adjust_price(1.0, action) is None:
            return None
        limit = None if limit is None else adjust_price(limit, action)
        match action:
            case Split(ratio=ratio):
                order = replace(order, quantity_shares=int(order.quantity_shares * ratio))
            case Rename(new_symbol=new_symbol):
                order = replace(order, symbol=new_symbol)
            case _:
                pass
    return replace(order, limit_price=limit, basis=_with(order.basis, due)) if order.quantity_shares else None


def carry_holding(holding: Holding, actions: Sequence[CorporateAction], today: date) -> Carried:
    """Return the holding in today's shares, with what it brought: shares of others, cash, fractions of shares.

    Whole shares are kept, fractions become cash in lieu (towards zero, long and short alike).
    """
    due = due_actions(holding.basis, actions, today)
    steps: list[_Step] = []
    kept: Holding | None = holding
    for action in due:
        assert kept is not None, "an acquisition is the last"
        steps.append(_apply(kept, action))
        kept = steps[-1].kept
    further = [carry_holding(step.brought, actions, today) for step in steps if step.brought is not None]
    own = () if kept is None or not kept.quantity_shares else (replace(kept, basis=_with(kept.basis, due)),)
    return Carried(
        (*own, *(each for carried in further for each in carried.holdings)),
        sum(step.cash_usd for step in steps) + sum(carried.cash_usd for carried in further),
        (
            *(step.in_lieu for step in steps if step.in_lieu is not None),
            *(each for carried in further for each in carried.in_lieu),
        ),
        (*map(action_id, due), *(each for carried in further for each in carried.applied)),
    )


class _Step(Struct, frozen=True, kw_only=True):
    kept: Holding | None
    brought: Holding | None = None
    cash_usd: float = 0.0
    in_lieu: CashInLieu | None = None


def _rank(action: CorporateAction) -> int:
    """Order within a day: what is told under the old name first, what ends the instrument last."""
    if isinstance(action, Acquisition | Delisting):
        return 2
    return 1 if isinstance(action, Rename) else 0


def _apply(holding: Holding, action: CorporateAction) -> _Step:
    cost = holding.average_cost
    match action:
        case Split(ratio=ratio):
            shares, in_lieu = _whole(holding, ratio, holding.symbol)
            split_cost = None if cost is None else adjust_price(cost, action)
            return _Step(kept=replace(holding, quantity_shares=shares, average_cost=split_cost), in_lieu=in_lieu)
        case Rename(new_symbol=new_symbol):
            return _Step(kept=replace(holding, symbol=new_symbol))
        case Dividend(cash_usd=cash_usd):
            return _Step(kept=holding, cash_usd=holding.quantity_shares * cash_usd)
        case SpinOff(child=child, child_shares=ratio, price_factor=factor):
            shares, in_lieu = _whole(holding, ratio, child)
            if cost is None or factor is None:  # then the whole cost stays with the parent
                parent_cost, child_cost = cost, None
            else:
                parent_cost, child_cost = float(cost * factor), float(cost * (1 - factor) / ratio)
            return _Step(
                kept=replace(holding, average_cost=parent_cost),
                brought=Holding(child, shares, child_cost, Basis(child, action.effective)),
                in_lieu=in_lieu,
            )
        case Acquisition(acquirer=acquirer, acquirer_shares=ratio, cash_usd=cash_usd):
            cash_in_all_usd = holding.quantity_shares * cash_usd
            if acquirer is None:
                return _Step(kept=None, cash_usd=cash_in_all_usd)
            shares, in_lieu = _whole(holding, ratio, acquirer)
            left = None if cost is None else max(0.0, cost - cash_usd) / float(ratio)
            brought = Holding(acquirer, shares, left, Basis(acquirer, action.effective))
            return _Step(kept=None, brought=brought, cash_usd=cash_in_all_usd, in_lieu=in_lieu)
        case _:
            return _Step(kept=holding)


def _whole(holding: Holding, ratio: Fraction, symbol: str) -> tuple[Shares, CashInLieu | None]:
    exact = holding.quantity_shares * ratio
    whole = int(exact)
    return whole, None if exact == whole else CashInLieu(symbol, exact - whole)


def _with(basis: Basis, actions: Sequence[CorporateAction]) -> Basis:
    return replace(basis, applied=basis.applied.union(map(action_id, actions)))
