"""Receipts: a decision with everything that it was made from, so that it can be made again, byte for byte."""

from hashlib import sha256

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from firmquote.decision.config import DecisionConfig
from firmquote.decision.judge import document, judge
from firmquote.decision.market import MarketView
from firmquote.decision.situation import Situation
from firmquote.errors import FirmquoteError
from firmquote.model.trading import Decision, QuoteSeen, ReceiptView, WhatIfView

RULES = 1
"""Counts on whenever the same situation and configuration may be decided differently than before."""
VERSION_DIGITS = 12


class Rules(Struct, frozen=True, kw_only=True, tag="rules"):
    """The configuration that the receipts after it were decided under."""

    version: str
    rules: int
    config: DecisionConfig


class Receipt(Struct, frozen=True, kw_only=True, tag="receipt"):
    """One decision, the situation that it was made in, and the quotes that were there and not used."""

    decision: Decision
    situation: Situation
    others: tuple[MarketView, ...]
    """Quotes of the providers that do not serve, with their grades."""
    refused: dict[str, int]
    """Of the provider that serves: how many of its quotes were refused so far, by reason."""
    order: str | None
    """The key of the order that it led to."""
    config_version: str
    rules: int = RULES


Record = Receipt | Rules
"""What a log of decisions consists of."""


def rules_of(config: DecisionConfig) -> Rules:
    """Return the record of a configuration; its version is a digest of it."""
    text = msgspec.json.encode(config, order="deterministic")
    return Rules(version=sha256(text).hexdigest()[:VERSION_DIGITS], rules=RULES, config=config)


def decide_again(receipt: Receipt, config: DecisionConfig) -> Decision:
    """Return what the recorded situation leads to."""
    return document(receipt.decision.id, receipt.situation, judge(receipt.situation, config), config)


def identical(receipt: Receipt, config: DecisionConfig) -> bool:
    """Say whether deciding again gives the recorded decision, byte for byte."""
    return msgspec.json.encode(decide_again(receipt, config)) == msgspec.json.encode(receipt.decision)


def what_if(receipt: Receipt, config: DecisionConfig, *, active: str) -> WhatIfView:
    """Return what would have been decided on `active`'s quote of that moment.

    What advice and strategies said stays as it was: they had seen the quotes of the provider that served.

    Raises:
        FirmquoteError: `active` had no price then, or served anyway.
    """
    view = next((view for view in receipt.others if view.provider == active), None)
    if view is None:
        had = [view.provider for view in receipt.others if view.provider]
        served = receipt.situation.view.provider
        raise FirmquoteError(
            f"decision {receipt.decision.id}: {active} "
            + ("served." if active == served else "had no price then.")
            + f" Others that had one: {', '.join(had) or 'none'}."
        )
    situation = replace(receipt.situation, view=view)
    return WhatIfView(
        was=receipt.decision,
        would_be=document(receipt.decision.id, situation, judge(situation, config), config),
        active=active,
    )


def receipt_view(receipt: Receipt, config: DecisionConfig) -> ReceiptView:
    """Return the receipt as people read it, decided again."""
    s = receipt.situation
    others = [QuoteSeen(used=False, quote=view.quote_used()) for view in receipt.others]
    return ReceiptView(
        decision=receipt.decision,
        quotes=(QuoteSeen(used=True, quote=receipt.decision.quote), *others),
        refused=receipt.refused,
        stage=s.permission.stage,
        budget_left_pct=s.permission.budget_left_pct,
        held_shares=s.held.shares,
        nav_usd=s.exposure.nav_usd,
        order=receipt.order,
        config_version=receipt.config_version,
        rules=receipt.rules,
        identical=identical(receipt, config),
    )
