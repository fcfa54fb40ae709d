"""From a quote to an intent with its reasons, and from there to orders and positions.

Pure: reads what it is given, never a clock or a socket. What must last leaves as values.
"""

from firmquote.decision.advice import Advice, AdviceBook, to_advice
from firmquote.decision.book import Book
from firmquote.decision.broker import Broker, PaperBroker
from firmquote.decision.config import (
    Caps,
    CorroborationPolicy,
    DecisionConfig,
    DrawdownPolicy,
    EarningsPolicy,
    OrderPolicy,
    PaperPolicy,
    StopPolicy,
)
from firmquote.decision.desk import STORE, Batch, Desk
from firmquote.decision.embargo import Announcement, Embargoes, NewsFlags
from firmquote.decision.engine import DecisionEngine, EverythingPermitted, Heard, Outcome, Permits
from firmquote.decision.fusion import Contribution, fuse
from firmquote.decision.gates import OPENING, Gate
from firmquote.decision.judge import Intent, Verdict, document, judge, stop_price
from firmquote.decision.market import MarketView, view_entries, view_entry, view_line, view_others
from firmquote.decision.panel import Panel
from firmquote.decision.portfolio import Account, Adjustment, Portfolio, Position, after_fill
from firmquote.decision.receipt import Receipt, Record, Rules, decide_again, identical, receipt_view, rules_of, what_if
from firmquote.decision.situation import Exposure, Held, Permission, Situation
from firmquote.decision.strategies import (
    MeanReversion,
    MeanReversionConfig,
    Momentum,
    MomentumConfig,
    Strategy,
    StrategyPlugin,
)
from firmquote.decision.working import BrokerEvent, OrderUpdate, WorkingOrders

__all__ = [
    "OPENING",
    "STORE",
    "Account",
    "Adjustment",
    "Advice",
    "AdviceBook",
    "Announcement",
    "Batch",
    "Book",
    "Broker",
    "BrokerEvent",
    "Caps",
    "Contribution",
    "CorroborationPolicy",
    "DecisionConfig",
    "DecisionEngine",
    "Desk",
    "DrawdownPolicy",
    "EarningsPolicy",
    "Embargoes",
    "EverythingPermitted",
    "Exposure",
    "Gate",
    "Heard",
    "Held",
    "Intent",
    "MarketView",
    "MeanReversion",
    "MeanReversionConfig",
    "Momentum",
    "MomentumConfig",
    "NewsFlags",
    "OrderPolicy",
    "OrderUpdate",
    "Outcome",
    "Panel",
    "PaperBroker",
    "PaperPolicy",
    "Permission",
    "Permits",
    "Portfolio",
    "Position",
    "Receipt",
    "Record",
    "Rules",
    "Situation",
    "StopPolicy",
    "Strategy",
    "StrategyPlugin",
    "Verdict",
    "WorkingOrders",
    "after_fill",
    "decide_again",
    "document",
    "fuse",
    "identical",
    "judge",
    "receipt_view",
    "rules_of",
    "stop_price",
    "to_advice",
    "view_entries",
    "view_entry",
    "view_line",
    "view_others",
    "what_if",
]
