"""What corporate actions do to a configured symbol, and where they are read from."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
from msgspec.structs import replace

from firmquote.errors import ConfigError
from firmquote.store import Instrument, decode_fraction
from firmquote.symbols import (
    CarriedName,
    CarriedPrice,
    CorporateAction,
    Delisting,
    TradingHalt,
    action_id,
    carry_name,
    carry_price,
    due_actions,
)


def carry_instrument(each: Instrument, actions: Sequence[CorporateAction], today: date) -> Instrument:
    """Return an instrument in today's terms: its name, and its price as far as that still means something."""
    name = carry_name(CarriedName(each.symbol, each.named), actions, today)
    due = due_actions(each.priced, actions, today)
    if not due and name.basis == each.named:
        return each
    priced = replace(each.priced, applied=each.priced.applied.union(map(action_id, due)))
    carried = (
        None if each.price is None else carry_price(CarriedPrice(name.symbol, each.price, each.priced), actions, today)
    )
    price = None if carried is None else carried.price
    return replace(each, symbol=name.symbol, named=name.basis, price=price, priced=priced)


def halted_by(symbol: str, actions: Sequence[CorporateAction], today: date) -> str | None:
    """Say which action keeps `symbol` from trading on `today`, if one does."""
    for action in actions:
        if action.symbol != symbol or action.effective > today:
            continue
        if isinstance(action, Delisting):
            return f"delisted since {action.effective}"
        if isinstance(action, TradingHalt) and (action.last_day is None or today <= action.last_day):
            return f"suspended since {action.effective}"
    return None


def read_actions(path: Path) -> tuple[CorporateAction, ...]:
    """Read a YAML file of corporate actions. Raises ConfigError."""
    try:
        return tuple(msgspec.yaml.decode(path.read_bytes(), type=list[CorporateAction], dec_hook=decode_fraction))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}). Correct symbols.actions_file.") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}. See docs/how-to/corporate-actions.md.") from error
