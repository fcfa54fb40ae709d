"""What the engaged switches, taken together, forbid. The most restrictive wins."""

from collections.abc import Iterable

from msgspec import Struct

ALL = "all"
QUOTES = "quotes"
HALTS = "halts"
NEWS = "news"
DECISIONS = "decisions"
FORCE_MOCK = "force_mock"
PLAIN_NAMES = (QUOTES, HALTS, NEWS, DECISIONS, FORCE_MOCK, ALL)
PROVIDER = "provider:"
SYMBOL = "symbol:"


class Restrictions(Struct, frozen=True, kw_only=True):
    """Everything that is forbidden at one moment; the default forbids nothing."""

    all_off: bool = False
    """Nothing is shown and nothing is decided."""
    quotes_off: bool = False
    """No live quote is shown and no polled provider is asked; the mock serves."""
    halts_off: bool = False
    """Whether a symbol is halted is not known, so no quote is firm."""
    news_off: bool = False
    """News and outside advice are not listened to."""
    decisions_off: bool = False
    """Nothing is decided."""
    force_mock: bool = False
    """The mock is shown; live quotes go on arriving unseen, ready for the way back."""
    reduce_only: bool = False
    """No risk is opened."""
    providers_off: frozenset[str] = frozenset()
    symbols_off: frozenset[str] = frozenset()

    @property
    def live_off(self) -> bool:
        """Whether no live quote may be shown at all."""
        return self.all_off or self.quotes_off or self.force_mock

    def words(self) -> list[str]:
        """Return what is off or limited, in an operator's words."""
        found = {
            "live quotes off": self.quotes_off,
            "only mock quotes": self.force_mock,
            "halts unknown": self.halts_off,
            "no news or advice": self.news_off,
            "no decisions": self.decisions_off,
            "reduce only": self.reduce_only,
        }
        off = [f"no {name}" for name in sorted(self.providers_off | self.symbols_off)]
        return ["everything off"] if self.all_off else [words for words, holds in found.items() if holds] + off


NO_RESTRICTIONS = Restrictions()


def restrict(names: Iterable[str], *, reduce_only: bool = False) -> Restrictions:
    """Return what the engaged switches `names` forbid together; adding a name never allows more."""
    engaged = frozenset(names)
    everything = ALL in engaged
    return Restrictions(
        all_off=everything,
        quotes_off=everything or QUOTES in engaged,
        halts_off=everything or HALTS in engaged,
        news_off=everything or NEWS in engaged,
        decisions_off=everything or DECISIONS in engaged,
        force_mock=FORCE_MOCK in engaged,
        reduce_only=reduce_only or everything,
        providers_off=frozenset(name.removeprefix(PROVIDER) for name in engaged if name.startswith(PROVIDER)),
        symbols_off=frozenset(name.removeprefix(SYMBOL) for name in engaged if name.startswith(SYMBOL)),
    )
