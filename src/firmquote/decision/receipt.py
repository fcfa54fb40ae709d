"""Receipts: a decision with everything that it was made from, so that it can be made again, byte for byte."""

from hashlib import sha256

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from firmquote.decision.config import DecisionConfig
from firmquote.decision.gates import Gate
from firmquote.decision.judge import document, judge
from firmquote.decision.market import MarketView
from firmquote.decision.situation import Permission, Situation
from firmquote.errors import FirmquoteError
from firmquote.model import BPS, USABLE, Grade
from firmquote.model.trading import Decision, QuoteSeen, ReceiptView, WhatIfView

RULES = 2
"""Counts on whenever the same quotes, opinions and configuration may be decided differently than before.

2: little weight moves little also where one speaks alone; a symbol without a sector is a sector of its own.
"""
VERSION_DIGITS = 12


class Rules(Struct, frozen=True, kw_only=True, tag="rules"):
    """Written at each start: the configuration that the receipts after it were decided under."""

    version: str
    rules: int
    config: DecisionConfig
    unmade: tuple[str, ...] = ()
    """Orders that receipts before it name and that were never made: the process ended before they were stored."""


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
    permissions: tuple[Permission, ...] = ()
    """What was allowed on each of `others`, in their order; older receipts do not say."""


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
    place = next((place for place, view in enumerate(receipt.others) if view.provider == active), None)
    if place is None:
        had = [view.provider for view in receipt.others if view.provider]
        served = receipt.situation.view.provider
        raise FirmquoteError(
            f"decision {receipt.decision.id}: {active} "
            + ("served." if active == served else "had no price then.")
            + f" Others that had one: {', '.join(had) or 'none'}."
        )
    situation, unknown = _as_if(receipt, place, config)
    would_be = document(receipt.decision.id, situation, judge(situation, config), config)
    return WhatIfView(
        was=receipt.decision,
        would_be=would_be,
        active=active,
        unknown=tuple(f"{gate}: {words}" for gate, words in unknown.items() if gate in would_be.gates_passed),
    )


def _as_if(receipt: Receipt, place: int, config: DecisionConfig) -> tuple[Situation, dict[str, str]]:
    """Return the situation with one of the others serving, and what is not known of it by the gate that asks."""
    was, view = receipt.situation, receipt.others[place]
    unknown = {Gate.FROZEN.value: f"how long {view.provider}'s prices had stood still is not recorded"}
    if receipt.permissions:
        permission = receipt.permissions[place]
    else:
        permission = replace(was.permission, budget_left_pct=None)
        unknown[Gate.BUDGET.value] = f"how much of {view.provider}'s request budget was left was not recorded then"
    move_bps = _move_bps(was, view)
    if move_bps is None:
        unknown[Gate.CORROBORATION.value] = "nothing was shown that the price could have moved away from"
    situation = replace(
        was,
        view=view,
        permission=permission,
        changed_ns=view.received_ns,  # at the latest: it blocks only where it is sure to
        move_bps=move_bps or 0.0,
        agreeing=_agreeing(receipt, view, config.corroboration.agree_bps),
    )
    return situation, unknown


def _move_bps(was: Situation, view: MarketView) -> float | None:
    """Return how far `view` is from what the price that served was measured against; `None` where that is not known."""
    if view.mid is None:
        return 0.0
    served = was.view.mid
    measured = was.view.grade >= Grade.STALE or was.move_bps
    return None if served is None or not measured else (view.mid / served * (1 + was.move_bps / BPS) - 1) * BPS


def _agreeing(receipt: Receipt, view: MarketView, within_bps: float) -> int:
    """Count the providers whose usable price is within `within_bps` of `view`'s, as the gateway does."""
    mids = [each.mid for each in (receipt.situation.view, *receipt.others) if each.grade >= USABLE]
    return sum(mid is not None and abs(mid / view.mid - 1) * BPS <= within_bps for mid in mids) if view.mid else 0


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
