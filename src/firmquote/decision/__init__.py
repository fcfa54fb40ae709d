"""From a quote to an intent with its reasons. Pure: reads what it is given, never a clock or a socket."""

from firmquote.decision.advice import Advice, AdviceBook
from firmquote.decision.config import DecisionConfig
from firmquote.decision.engine import Decision, DecisionEngine, Intent, QuoteUsed
from firmquote.decision.fusion import Contribution, fuse
from firmquote.decision.gates import OPENING, Block, Gate, Situation
from firmquote.decision.market import MarketView
from firmquote.decision.strategies import Momentum, Strategy

__all__ = [
    "OPENING",
    "Advice",
    "AdviceBook",
    "Block",
    "Contribution",
    "Decision",
    "DecisionConfig",
    "DecisionEngine",
    "Gate",
    "Intent",
    "MarketView",
    "Momentum",
    "QuoteUsed",
    "Situation",
    "Strategy",
    "fuse",
]
