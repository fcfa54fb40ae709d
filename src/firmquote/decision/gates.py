"""What stands between a wish and an intent. Each gate is a pure function that returns why it blocks, or `None`.

Gates limit the opening of risk. Reducing risk is asked two questions only: is there a usable price to do it on, and
has an operator pulled a kill switch, which stops the machine whatever it is about to do.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

from firmquote.decision.config import DecisionConfig
from firmquote.decision.market import MarketView
from firmquote.decision.situation import Situation
from firmquote.model import BPS, NS_PER_S, Grade, Reason
from firmquote.model.trading import Block

COLLAR_BPS = 100.0
"""How much worse than shown an order may become; one at the market counts so much as risk until it is filled."""


class Gate(Enum):
    """Names of gates, in the order in which they are asked. The values are contracts."""

    GLOBAL_PAUSE = "global_pause"
    KILL_SWITCH = "kill_switch"
    ROLLOUT_STAGE = "rollout_stage"
    HALT = "halt"
    SESSION = "session"
    GRADE = "grade"
    LIQUIDITY = "liquidity"
    FROZEN = "frozen"
    CAPS = "caps"
    COOLDOWN = "cooldown"
    COOLDOWN_STOP = "cooldown_stop"
    SECTOR_LIMIT = "sector_limit"
    DRAWDOWN = "drawdown"
    CORROBORATION = "corroboration"
    EARNINGS_EMBARGO = "earnings_embargo"
    NEWS = "news"
    BUDGET = "budget"


Check: TypeAlias = Callable[[Situation, DecisionConfig, int], Block | None]
"""(situation, configuration, units wanted) → why not."""


def check_pause(s: Situation, _: DecisionConfig, __: int) -> Block | None:
    """Everything is paused: by an operator, by a loss, or because what must be written cannot be."""
    reasons = s.paused
    if not reasons:
        return None
    return Block(Gate.GLOBAL_PAUSE.value, "; ".join(reasons), "the cause removed and decisions resumed")


def check_switch(s: Situation, _: DecisionConfig, __: int) -> Block | None:
    """An operator pulled a kill switch, or lets risk be reduced only."""
    if s.permission.switch is None:
        return None
    return Block(Gate.KILL_SWITCH.value, s.permission.switch, "the switch released")


def check_stage(s: Situation, _: DecisionConfig, __: int) -> Block | None:
    """The rollout has not reached this symbol."""
    if s.permission.acts:
        return None
    return Block(Gate.ROLLOUT_STAGE.value, f"stage {s.permission.stage}", "a promotion that includes this symbol")


def check_halt(s: Situation, _: DecisionConfig, __: int) -> Block | None:
    """Trading in the symbol is halted."""
    if Reason.HALTED not in s.view.graded.reasons:
        return None
    return Block(Gate.HALT.value, "trading is halted", "a resumption and a fresh two-sided quote")


def check_session(s: Situation, config: DecisionConfig, _: int) -> Block | None:
    """The exchange's day is in a part in which nothing shall be opened."""
    if s.session.value in config.sessions:
        return None
    return Block(Gate.SESSION.value, f"session {s.session.value}", f"session {' or '.join(config.sessions)}")


def check_grade(s: Situation, config: DecisionConfig, _: int) -> Block | None:
    """The quote is not good enough to open risk on; a mock never is."""
    needed = config.open_grade()
    if s.view.grade >= needed:
        return None
    why = ", ".join(reason.value for reason in s.view.graded.reasons)
    return Block(Gate.GRADE.value, f"the quote is {s.view.grade.label} ({why})", f"a quote graded {needed.label}")


def check_liquidity(s: Situation, config: DecisionConfig, _: int) -> Block | None:
    """The spread is too wide, or there is no spread to trust."""
    spread = s.view.spread_bps
    limit = config.max_spread_bps
    if spread is not None and spread <= limit:
        return None
    if spread is None and config.open_grade() is Grade.INDICATIVE:
        return None
    saw = "no bid and ask" if spread is None else f"a spread of {spread:.1f} bps"
    return Block(Gate.LIQUIDITY.value, saw, f"a spread of at most {limit:g} bps")


def check_frozen(s: Situation, config: DecisionConfig, _: int) -> Block | None:
    """Bid and ask have not moved for so long that they may be no market any more."""
    if s.changed_ns is None:
        return None
    still_s = (s.now_ns - s.changed_ns) / NS_PER_S
    if still_s <= config.frozen_s:
        return None
    return Block(Gate.FROZEN.value, f"the same prices for {still_s:.0f} s", "a bid or ask that moves")


def check_caps(s: Situation, config: DecisionConfig, units: int) -> Block | None:
    """The position, all positions together, or the day's orders would grow beyond their cap."""
    more, caps, now = units * config.unit_usd, config.caps, s.exposure
    price = s.view.ask if s.view.ask is not None else s.view.mid
    if price is not None and price * (1 + COLLAR_BPS / BPS) > more:
        return Block(Gate.CAPS.value, f"a share costs {price:,.2f} dollars", f"{price:,.2f} dollars in {units} unit(s)")
    for name, usd, cap in (
        (s.view.symbol, now.symbol_usd, caps.symbol_usd),
        ("gross", now.gross_usd, caps.gross_usd),
        ("net", now.net_usd, caps.net_usd),
    ):
        if usd + more > cap:
            saw = f"{name}: {usd:,.0f} dollars and {more:,.0f} more"
            return Block(Gate.CAPS.value, saw, f"at most {cap:,.0f} dollars {name}")
    if now.orders_today < caps.orders_per_day:
        return None
    return Block(Gate.CAPS.value, f"{now.orders_today} orders today", "the next trading day")


def check_cooldown(s: Situation, config: DecisionConfig, _: int) -> Block | None:
    """Risk was opened in this symbol a moment ago, or an order that reduces it still works."""
    if s.held.selling_shares and s.held.shares >= 0:
        return Block(Gate.COOLDOWN.value, "an order that sells is working", "that order filled or ended")
    return _rest(Gate.COOLDOWN, "opened", s.opened_ns, s.now_ns, config.cooldown_s)


def check_cooldown_stop(s: Situation, config: DecisionConfig, _: int) -> Block | None:
    """It was stopped out a while ago."""
    return _rest(Gate.COOLDOWN_STOP, "stopped out", s.stopped_ns, s.now_ns, config.cooldown_stop_s)


def check_sector(s: Situation, config: DecisionConfig, units: int) -> Block | None:
    """The sector would grow beyond its limit; a symbol without one is a sector of its own."""
    sector = config.sectors.get(s.view.symbol, s.view.symbol)
    if s.exposure.sector_usd + units * config.unit_usd <= config.sector_usd:
        return None
    saw = f"{sector}: {s.exposure.sector_usd:,.0f} dollars and {units * config.unit_usd:,.0f} more"
    return Block(Gate.SECTOR_LIMIT.value, saw, f"at most {config.sector_usd:,.0f} dollars in {sector}")


def check_drawdown(s: Situation, config: DecisionConfig, _: int) -> Block | None:
    """The account has lost too much of its day's or week's best value."""
    limits, now = config.drawdown, s.exposure
    for name, lost, limit in (
        ("day", now.drawdown_day_pct, limits.day_reduce_pct),
        ("week", now.drawdown_week_pct, limits.week_reduce_pct),
    ):
        if lost >= limit:
            return Block(
                Gate.DRAWDOWN.value, f"{lost:.2f} % below the {name}'s best", f"less than {limit:g} % below it"
            )
    return None


def check_corroboration(s: Situation, config: DecisionConfig, _: int) -> Block | None:
    """The price moved far, and too few independent providers show it."""
    policy = config.corroboration
    if abs(s.move_bps) < policy.move_bps or s.agreeing >= policy.sources:
        return None
    saw = f"a move of {s.move_bps:+.0f} bps that {s.agreeing} provider{'' if s.agreeing == 1 else 's'} shows"
    return Block(Gate.CORROBORATION.value, saw, f"{policy.sources} providers within {policy.agree_bps:g} bps")


def check_earnings(s: Situation, _: DecisionConfig, __: int) -> Block | None:
    """Earnings are about to be announced, or just were."""
    if s.earnings is None:
        return None
    return Block(Gate.EARNINGS_EMBARGO.value, s.earnings, "the end of the embargo")


def check_news(s: Situation, _: DecisionConfig, __: int) -> Block | None:
    """Somebody flagged news."""
    return None if s.news is None else Block(Gate.NEWS.value, s.news, "the end of the news flag")


def check_budget(s: Situation, config: DecisionConfig, _: int) -> Block | None:
    """The provider's request budget is used up: what it shows may soon be old."""
    left = s.permission.budget_left_pct
    if left is None or left > config.min_budget_left_pct:
        return None
    saw = f"{left:.0f} % of {s.view.provider}'s request budget left"
    return Block(Gate.BUDGET.value, saw, f"more than {config.min_budget_left_pct:g} %")


OPENING: tuple[tuple[Gate, Check], ...] = (
    (Gate.GLOBAL_PAUSE, check_pause),
    (Gate.KILL_SWITCH, check_switch),
    (Gate.ROLLOUT_STAGE, check_stage),
    (Gate.HALT, check_halt),
    (Gate.SESSION, check_session),
    (Gate.GRADE, check_grade),
    (Gate.LIQUIDITY, check_liquidity),
    (Gate.FROZEN, check_frozen),
    (Gate.CAPS, check_caps),
    (Gate.COOLDOWN, check_cooldown),
    (Gate.COOLDOWN_STOP, check_cooldown_stop),
    (Gate.SECTOR_LIMIT, check_sector),
    (Gate.DRAWDOWN, check_drawdown),
    (Gate.CORROBORATION, check_corroboration),
    (Gate.EARNINGS_EMBARGO, check_earnings),
    (Gate.NEWS, check_news),
    (Gate.BUDGET, check_budget),
)
"""Asked in this order before risk is opened; all are asked, so that the whole answer is known."""


def usable_for_reducing(view: MarketView) -> bool:
    """Say whether there is a real, current price to reduce on."""
    return view.grade >= Grade.INDICATIVE


def _rest(gate: Gate, what: str, since_ns: int | None, now_ns: int, rest_s: float) -> Block | None:
    if since_ns is None:
        return None
    left_s = rest_s - (now_ns - since_ns) / NS_PER_S
    if left_s <= 0:
        return None
    return Block(gate.value, f"{what} {rest_s - left_s:.0f} s ago", f"{left_s:.0f} s more")
