"""From a situation to a verdict, and from that to its document. Pure: the same situation decides the same, always."""

from enum import Enum

from msgspec import Struct

from firmquote.decision.config import DecisionConfig, StopPolicy
from firmquote.decision.gates import OPENING, Gate, usable_for_reducing
from firmquote.decision.market import MarketView
from firmquote.decision.situation import Held, Situation
from firmquote.model import BPS, Price
from firmquote.model.trading import Block, Decision


class Intent(Enum):
    """What the engine wants done."""

    BUY_1X = "BUY_1X"
    BUY_5X = "BUY_5X"
    REDUCE = "REDUCE"
    HOLD = "HOLD"
    REJECT = "REJECT"
    """It wanted to buy, and a gate said no."""


UNITS = {Intent.BUY_1X: 1, Intent.BUY_5X: 5}
_NAMES = tuple(gate.value for gate, _ in OPENING)


class Verdict(Struct, frozen=True, gc=False):
    """What was wanted, what came of it, and who was in the way."""

    wanted: Intent
    intent: Intent
    blocked: tuple[Block, ...] = ()
    stop: str | None = None
    """Which stop was hit, in words."""


def judge(s: Situation, config: DecisionConfig) -> Verdict:
    """Return what shall be done."""
    stop = hit_stop(s.view, s.held, config.stops)
    wanted = Intent.REDUCE if stop is not None else want(s.score, s.held.shares, config)
    if wanted is Intent.HOLD:
        return Verdict(wanted, wanted)
    if wanted is Intent.REDUCE:
        return _judge_reducing(s, stop)
    units = UNITS[wanted]
    blocked = tuple([block for _, check in OPENING if (block := check(s, config, units)) is not None])
    return Verdict(wanted, Intent.REJECT if blocked else wanted, blocked)


def want(score: float, shares: int, config: DecisionConfig) -> Intent:
    """Return what the score alone asks for: more when it is positive, less of what is held when it is against it."""
    if score >= config.positive:
        if shares < 0:
            return Intent.REDUCE
        return Intent.BUY_5X if score >= config.very_positive else Intent.BUY_1X
    return Intent.REDUCE if score <= -config.positive and shares > 0 else Intent.HOLD


def stop_price(held: Held, stops: StopPolicy) -> Price | None:
    """Return the price at which the position is given up: the nearest of the stops that are on."""
    if not held.shares:
        return None
    away = 1 if held.shares < 0 else -1  # a short position is stopped above its cost
    prices = [
        reference * (1 + away * bps / BPS)
        for reference, bps in ((held.average_cost, stops.fixed_bps), (held.best, stops.trailing_bps))
        if reference is not None and bps is not None
    ]
    if not prices:
        return None
    return min(prices) if held.shares < 0 else max(prices)


def hit_stop(view: MarketView, held: Held, stops: StopPolicy) -> str | None:
    """Say which stop was hit, if any; only a usable price hits one."""
    limit = stop_price(held, stops)
    if limit is None or not usable_for_reducing(view):
        return None
    price = view.bid if held.shares > 0 else view.ask
    price = view.last if price is None else price
    if price is None or (price > limit if held.shares > 0 else price < limit):
        return None
    return f"stop at {limit:.4f} hit by {price:.4f}"


def _judge_reducing(s: Situation, stop: str | None) -> Verdict:
    if not s.permission.may_reduce:
        block = Block(Gate.KILL_SWITCH.value, s.permission.switch or "a kill switch is engaged", "the switch released")
        return Verdict(Intent.REDUCE, Intent.HOLD, (block,), stop)
    if not usable_for_reducing(s.view):
        saw = f"the quote is {s.view.grade.label}"
        return Verdict(Intent.REDUCE, Intent.HOLD, (Block(Gate.GRADE.value, saw, "a usable quote"),), stop)
    return Verdict(Intent.REDUCE, Intent.REDUCE, (), stop)


def document(number: int, s: Situation, verdict: Verdict, config: DecisionConfig) -> Decision:
    """Return the decision as it is published, recorded and explained."""
    refused = {block.gate for block in verdict.blocked}
    asked = _NAMES if verdict.wanted in UNITS else ()
    return Decision(
        id=number,
        symbol=s.view.symbol,
        intent=verdict.intent.value,
        wanted=verdict.wanted.value,
        fused_score=s.score,
        per_strategy={c.source: c.score for c in s.contributions},
        quote=s.view.quote_used(),
        gates_passed=tuple(name for name in asked if name not in refused),
        gates_blocked=verdict.blocked,
        policy=_policy(s, verdict, config),
        what_would_change_it=_changers(s, verdict, config),
        decided_ns=s.now_ns,
    )


def _policy(s: Situation, verdict: Verdict, config: DecisionConfig) -> str:
    if verdict.stop is not None:
        return f"{verdict.stop}: give up all {abs(s.held.shares)} shares"
    if verdict.wanted is Intent.REDUCE:
        return f"sell one unit from -{config.positive:g}, everything from -{config.very_positive:g}"
    return f"buy from {config.positive:g}, five units from {config.very_positive:g}"


def _changers(s: Situation, verdict: Verdict, config: DecisionConfig) -> tuple[str, ...]:
    if verdict.blocked:
        return tuple(block.change for block in verdict.blocked)
    if verdict.intent is Intent.HOLD:
        more = f"a score of {config.positive:g} or more (it is {s.score:.2f})"
        less = f"or of -{config.positive:g} or less" if s.held.shares else None
        return (more,) if less is None else (more, less)
    if verdict.intent is Intent.REDUCE:
        return ("a price away from the stop",) if verdict.stop else (f"a score above -{config.positive:g}",)
    return (f"a score below {config.positive:g}", "any gate that blocks")
