"""What stands between a wish and an intent. Each gate is a pure function that returns why it blocks, or `None`.

Gates limit the opening of risk. Reducing risk is asked one question only: is there a usable price to do it on?
"""

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from firmquote.decision.config import DecisionConfig
from firmquote.decision.market import MarketView
from firmquote.model import NS_PER_S, Grade, Reason


class Gate(Enum):
    """Names of gates, in the order in which they are asked. The values are contracts."""

    GLOBAL_PAUSE = "global_pause"
    SHADOW_MODE = "shadow_mode"
    HALT = "halt"
    GRADE = "grade"
    LIQUIDITY = "liquidity"
    CAPS = "caps"
    COOLDOWN = "cooldown"


class Situation(Struct, frozen=True, kw_only=True):
    """All that a gate may look at."""

    view: MarketView
    config: DecisionConfig
    now_ns: int
    units_held: int = 0
    units_wanted: int = 0
    opened_ns: int | None = None
    """When risk was last opened in this symbol."""
    paused: bool = False
    shadow: bool = False


class Block(Struct, frozen=True):
    """A gate's no: what it saw, and what would change its mind."""

    gate: str
    saw: str
    change: str


def check_pause(s: Situation) -> Block | None:
    """Everything is paused by an operator."""
    if not s.paused:
        return None
    return Block(Gate.GLOBAL_PAUSE.value, "decisions are paused", "resume decisions")


def check_shadow(s: Situation) -> Block | None:
    """The feed runs in shadow mode: decisions are shown, none is acted on."""
    if not s.shadow:
        return None
    return Block(Gate.SHADOW_MODE.value, "feeds.quotes.shadow_mode is on", "set feeds.quotes.shadow_mode to false")


def check_halt(s: Situation) -> Block | None:
    """Trading in the symbol is halted."""
    if Reason.HALTED not in s.view.graded.reasons:
        return None
    return Block(Gate.HALT.value, "trading is halted", "a resumption and a fresh two-sided quote")


def check_grade(s: Situation) -> Block | None:
    """The quote is not good enough to open risk on; a mock never is."""
    needed = s.config.open_grade()
    if s.view.grade >= needed:
        return None
    why = ", ".join(reason.value for reason in s.view.graded.reasons)
    return Block(Gate.GRADE.value, f"{s.view.grade.label} ({why})", f"a quote that is at least {needed.label}")


def check_liquidity(s: Situation) -> Block | None:
    """The spread is too wide; without two sides there is no spread to trust."""
    spread = s.view.spread_bps
    limit = s.config.max_spread_bps
    if spread is not None and spread <= limit:
        return None
    if spread is None and s.config.open_grade() is Grade.INDICATIVE:
        return None
    saw = "no bid and ask" if spread is None else f"a spread of {spread:.1f} bps"
    return Block(Gate.LIQUIDITY.value, saw, f"a spread of at most {limit:g} bps")


def check_caps(s: Situation) -> Block | None:
    """The position would grow beyond its cap."""
    if s.units_held + s.units_wanted <= s.config.max_units:
        return None
    saw = f"{s.units_held} units held and {s.units_wanted} wanted"
    return Block(Gate.CAPS.value, saw, f"at most {s.config.max_units} units in all")


def check_cooldown(s: Situation) -> Block | None:
    """Risk was opened in this symbol a moment ago."""
    if s.opened_ns is None:
        return None
    left_s = s.config.cooldown_s - (s.now_ns - s.opened_ns) / NS_PER_S
    if left_s <= 0:
        return None
    return Block(Gate.COOLDOWN.value, f"opened {s.config.cooldown_s - left_s:.0f} s ago", f"{left_s:.0f} s more")


OPENING: tuple[tuple[Gate, Callable[[Situation], Block | None]], ...] = (
    (Gate.GLOBAL_PAUSE, check_pause),
    (Gate.SHADOW_MODE, check_shadow),
    (Gate.HALT, check_halt),
    (Gate.GRADE, check_grade),
    (Gate.LIQUIDITY, check_liquidity),
    (Gate.CAPS, check_caps),
    (Gate.COOLDOWN, check_cooldown),
)
"""Asked in this order before risk is opened; all are asked, so that the whole answer is known."""


def usable_for_reducing(view: MarketView) -> bool:
    """Say whether there is a real, current price to reduce on."""
    return view.grade >= Grade.INDICATIVE
