"""Corporate actions: what they are, and one agreed list of them from several sources.

`effective` is the first trading day (New York) on which the action holds, from the beginning of its pre-market. The
`symbol` of an action is the name that its instrument had on the evening before, whatever else happens on that day.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import TypeAlias, TypeVar

from msgspec import Struct

from firmquote.errors import ConfigError
from firmquote.model import Price

OPERATOR = "operator"
"""The source whose word settles a conflict."""
SPLIT_DAYS_APART_MIN = 14
"""Two splits of one symbol within so many days are one split that its sources disagree about: Polygon once told one
split of SHOP under 2022-06-22 and 2022-06-29."""


class Split(Struct, frozen=True, kw_only=True, tag="split"):
    """`ratio` new shares for each old one: 20 for 20:1, 3/2, or 1/10 for a reverse split."""

    symbol: str
    effective: date
    ratio: Fraction

    def __post_init__(self) -> None:
        if self.ratio <= 0 or self.ratio == 1:
            raise ConfigError(
                f"split of {self.symbol} on {self.effective}: {self.ratio} new shares for an old one is no split. "
                "Give a positive ratio other than 1."
            )


class Rename(Struct, frozen=True, kw_only=True, tag="rename"):
    """The same instrument under another canonical name."""

    symbol: str
    effective: date
    new_symbol: str


class Delisting(Struct, frozen=True, kw_only=True, tag="delisting"):
    """From `effective` on it does not trade any more; who holds shares still holds them."""

    symbol: str
    effective: date


class SpinOff(Struct, frozen=True, kw_only=True, tag="spin_off"):
    """Each share brings `child_shares` of `child`.

    `price_factor` is what is left of the parent's price (1/1.046 where a provider tells it as a split of 1.046);
    `None` where nobody has said, and then the old price tells nothing about the new one.
    """

    symbol: str
    effective: date
    child: str
    child_shares: Fraction
    price_factor: Fraction | None = None

    def __post_init__(self) -> None:
        if self.child_shares <= 0 or (self.price_factor is not None and not 0 < self.price_factor < 1):
            raise ConfigError(
                f"spin-off of {self.child} from {self.symbol} on {self.effective}: {self.child_shares} shares, price "
                f"factor {self.price_factor}. Give a positive number of shares and a factor between 0 and 1, or none."
            )


class Acquisition(Struct, frozen=True, kw_only=True, tag="acquisition"):
    """Each share becomes `cash_usd` and `acquirer_shares` of `acquirer`."""

    symbol: str
    effective: date
    cash_usd: float = 0.0
    acquirer: str | None = None
    acquirer_shares: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if self.cash_usd < 0 or (self.acquirer is None) != (self.acquirer_shares == 0) or self.acquirer_shares < 0:
            raise ConfigError(
                f"acquisition of {self.symbol} on {self.effective}: {self.cash_usd} dollars and {self.acquirer_shares} "
                f"shares of {self.acquirer} for one. Name the acquirer where there are shares of it, and only there."
            )


class TradingHalt(Struct, frozen=True, kw_only=True, tag="halt"):
    """Trading is suspended for whole days, until `last_day` included; `None` where no end is known.

    Halts within a day are `model.Halt` events of a provider.
    """

    symbol: str
    effective: date
    last_day: date | None = None


class Dividend(Struct, frozen=True, kw_only=True, tag="dividend"):
    """Each share brings `cash_usd`, from the ex-date on. Prices stay as they are: the market makes the new one."""

    symbol: str
    effective: date
    cash_usd: float

    def __post_init__(self) -> None:
        if not 0 < self.cash_usd < float("inf"):
            raise ConfigError(f"dividend of {self.symbol} on {self.effective}: {self.cash_usd}. Give positive dollars.")


T = TypeVar("T")
CorporateAction: TypeAlias = Split | Rename | Delisting | SpinOff | Acquisition | TradingHalt | Dividend


def action_id(action: CorporateAction) -> str:
    """Return what makes an action the same one, whichever source told of it: its kind, symbol and day."""
    kind = action.__struct_config__.tag
    child = f":{action.child}" if isinstance(action, SpinOff) else ""
    return f"{kind}:{action.symbol}:{action.effective.isoformat()}{child}"


class Conflict(Struct, frozen=True):
    """Actions that cannot all be true; none of them is applied until an operator settles it."""

    sources: tuple[str, ...]
    actions: tuple[CorporateAction, ...]

    def __str__(self) -> str:
        told = "; ".join(f"{source}: {action}" for source, action in zip(self.sources, self.actions, strict=True))
        return f"{self.actions[0].symbol}: sources disagree ({told}). Settle it in the actions file."


class AgreedActions(Struct, frozen=True):
    """What all sources together say, by day, and where they contradict each other."""

    actions: tuple[CorporateAction, ...]
    conflicts: tuple[Conflict, ...]


def agree(
    sources: Mapping[str, Iterable[CorporateAction]], *, settled_by: Sequence[str] = (OPERATOR,)
) -> AgreedActions:
    """Merge what each source tells.

    What a source in `settled_by` tells is taken, whatever the others say of the same action; the first has the last
    word. The same action from several sources is one. Splits of one symbol less than two weeks apart, or one action
    with two contents, are a conflict: all of them are withheld, since applying the wrong one is worse than a
    quarantined symbol.
    """
    told: dict[CorporateAction, str] = {}
    settled: list[CorporateAction] = []
    for source in dict.fromkeys([*settled_by, *sources]):
        actions = [action for action in sources.get(source, ()) if not _is_settled(action, settled)]
        for action in actions:
            told.setdefault(action, source)
        if source in settled_by:
            settled += actions
    groups: list[list[CorporateAction]] = []
    for action in sorted(told, key=lambda each: (type(each).__name__, each.symbol, each.effective, repr(each))):
        if groups and _contradicts(groups[-1][-1], action):
            groups[-1].append(action)
        else:
            groups.append([action])
    agreed = [group[0] for group in groups if len(group) == 1]
    return AgreedActions(
        tuple(sorted(agreed, key=lambda action: (action.effective, action_id(action)))),
        tuple(Conflict(tuple(told[each] for each in group), tuple(group)) for group in groups if len(group) > 1),
    )


def add_up(told: Iterable[CorporateAction | T]) -> list[CorporateAction | T]:
    """Return one dividend a symbol and day, as an ordinary and a special one on one day are told in two rows.

    Whatever else was told follows as it is.
    """
    sums: dict[tuple[str, date], float] = {}
    others: list[CorporateAction | T] = []
    for each in told:
        if isinstance(each, Dividend):
            sums[each.symbol, each.effective] = sums.get((each.symbol, each.effective), 0.0) + each.cash_usd
        else:
            others.append(each)
    dividends = [Dividend(symbol=symbol, effective=day, cash_usd=round(usd, 6)) for (symbol, day), usd in sums.items()]
    return [*dividends, *others]


def adjust_price(price: Price, action: CorporateAction) -> Price | None:
    """Return what a price from before `action` means after it, per share; `None` where it means nothing any more."""
    match action:
        case Split(ratio=ratio):
            return price * ratio.denominator / ratio.numerator
        case SpinOff(price_factor=None) | Delisting() | Acquisition():
            return None
        case SpinOff(price_factor=Fraction() as factor):
            return price * factor.numerator / factor.denominator
        case _:
            return price


def _is_settled(action: CorporateAction, settled: Iterable[CorporateAction]) -> bool:
    return any(_contradicts(*sorted((action, one), key=lambda each: each.effective)) for one in settled)


def _contradicts(one: CorporateAction, other: CorporateAction) -> bool:
    if isinstance(one, Split) and isinstance(other, Split):
        return one.symbol == other.symbol and other.effective - one.effective < timedelta(days=SPLIT_DAYS_APART_MIN)
    return action_id(one) == action_id(other)
