"""The decision engine: from what the board shows to an intent with its reasons. Pure; owns what must last."""

from collections import deque
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from firmquote.decision.advice import Advice, AdviceBook
from firmquote.decision.config import DecisionConfig
from firmquote.decision.fusion import Contribution, fuse
from firmquote.decision.gates import OPENING, Block, Situation, usable_for_reducing
from firmquote.decision.market import MarketView
from firmquote.decision.strategies import Momentum, Strategy

CHANGES_KEPT = 1_000
"""Changes of intent that are remembered; older ones leave first."""


class Intent(Enum):
    """What the engine wants done."""

    BUY_1X = "BUY_1X"
    BUY_5X = "BUY_5X"
    REDUCE = "REDUCE"
    HOLD = "HOLD"
    REJECT = "REJECT"
    """It wanted to buy, and a gate said no."""


UNITS = {Intent.BUY_1X: 1, Intent.BUY_5X: 5}


class QuoteUsed(Struct, frozen=True, kw_only=True):
    """The price that was decided on."""

    bid: float | None
    ask: float | None
    last: float | None
    grade: str
    reasons: tuple[str, ...]
    provider: str | None
    age_ms: float | None


class Decision(Struct, frozen=True, kw_only=True):
    """One decision, whole: what, on which quote, who said so, and what stood in the way."""

    id: int
    symbol: str
    intent: str
    wanted: str
    """What the score alone asked for."""
    fused_score: float
    per_strategy: dict[str, float]
    quote: QuoteUsed
    gates_passed: tuple[str, ...]
    gates_blocked: tuple[Block, ...]
    policy: str
    what_would_change_it: tuple[str, ...]
    decided_ns: int


class DecisionEngine:
    """Decides on one symbol at a time; keeps the newest decision of each and a bounded list of changes."""

    def __init__(
        self, symbols: Sequence[str], config: DecisionConfig, *, strategies: Sequence[Strategy] | None = None
    ) -> None:
        self.config = config
        self.shadow = False
        self.paused = not config.enabled
        self.decided = 0
        self.latest: dict[str, Decision] = {}
        self.changes: deque[Decision] = deque(maxlen=CHANGES_KEPT)
        self._advice = AdviceBook(frozenset(symbols))
        self._units: dict[str, int] = {}
        self._opened_ns: dict[str, int] = {}
        self._strategies: Sequence[Strategy] = (
            strategies
            if strategies is not None
            else (
                Momentum(
                    half_life_s=config.momentum_half_life_s,
                    warmup_quotes=config.momentum_warmup_quotes,
                    scale_bps=config.momentum_scale_bps,
                ),
            )
        )

    def advise(self, advice: Advice) -> None:
        """Take advice from outside. Raises FirmquoteError where it cannot be taken."""
        self._advice.put(advice)

    def hold_units(self, symbol: str, units: int) -> None:
        """Tell how many units of `symbol` are held."""
        self._units[symbol] = units

    def decide(self, view: MarketView, now_ns: int) -> Decision:
        """Return the decision on `view`; it is also the newest of its symbol from now on."""
        contributions = self._contributions(view, now_ns)
        score = fuse(contributions)
        wanted = self._wanted(view.symbol, score)
        passed, blocked = self._ask_gates(view, wanted, now_ns)
        intent = self._intent(view, wanted, blocked)
        self.decided += 1
        decision = Decision(
            id=self.decided,
            symbol=view.symbol,
            intent=intent.value,
            wanted=wanted.value,
            fused_score=score,
            per_strategy={c.source: c.score for c in contributions},
            quote=QuoteUsed(
                bid=view.bid,
                ask=view.ask,
                last=view.last,
                grade=view.grade.label,
                reasons=tuple(reason.value for reason in view.graded.reasons),
                provider=view.provider,
                age_ms=view.age_ms,
            ),
            gates_passed=passed,
            gates_blocked=blocked,
            policy=f"buy from {self.config.positive:g}, five units from {self.config.very_positive:g}",
            what_would_change_it=self._changers(intent, score, blocked),
            decided_ns=now_ns,
        )
        before = self.latest.get(view.symbol)
        if before is None or before.intent != decision.intent:
            self.changes.append(decision)
        self.latest[view.symbol] = decision
        if intent in UNITS:
            self._opened_ns[view.symbol] = now_ns
        return decision

    def _contributions(self, view: MarketView, now_ns: int) -> list[Contribution]:
        found = [
            Contribution(advice.source, advice.score, advice.source_weight * advice.confidence * freshness)
            for advice, freshness in self._advice.on(view.symbol, now_ns)
        ]
        for strategy in self._strategies:
            opinion = strategy.on_view(view, now_ns)
            if opinion is not None:
                found.append(opinion)
        return found

    def _wanted(self, symbol: str, score: float) -> Intent:
        if score >= self.config.very_positive:
            return Intent.BUY_5X
        if score >= self.config.positive:
            return Intent.BUY_1X
        if score <= -self.config.positive and self._units.get(symbol, 0) > 0:
            return Intent.REDUCE
        return Intent.HOLD

    def _ask_gates(self, view: MarketView, wanted: Intent, now_ns: int) -> tuple[tuple[str, ...], tuple[Block, ...]]:
        if wanted not in UNITS:
            return (), ()
        situation = Situation(
            view=view,
            config=self.config,
            now_ns=now_ns,
            units_held=self._units.get(view.symbol, 0),
            units_wanted=UNITS[wanted],
            opened_ns=self._opened_ns.get(view.symbol),
            paused=self.paused,
            shadow=self.shadow,
        )
        answers = [(gate.value, check(situation)) for gate, check in OPENING]
        passed = tuple(name for name, block in answers if block is None)
        return passed, tuple(block for _, block in answers if block is not None)

    def _intent(self, view: MarketView, wanted: Intent, blocked: tuple[Block, ...]) -> Intent:
        if wanted in UNITS and blocked:
            return Intent.REJECT
        if wanted is Intent.REDUCE and not usable_for_reducing(view):
            return Intent.HOLD
        return wanted

    def _changers(self, intent: Intent, score: float, blocked: tuple[Block, ...]) -> tuple[str, ...]:
        if blocked:
            return tuple(block.change for block in blocked)
        if intent is Intent.HOLD:
            return (f"a score of {self.config.positive:g} or more (it is {score:.2f})",)
        return ()
