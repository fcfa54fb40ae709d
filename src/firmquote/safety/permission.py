"""What may be done with one symbol now: the one question that the decision engine asks of rollout and switches."""

from msgspec import Struct

from firmquote.rollout import Stage, StageMap
from firmquote.safety.restrictions import Restrictions


class Permission(Struct, frozen=True, kw_only=True):
    """The answer. `why` holds a sentence for each thing that forbids; it is empty when all is allowed."""

    symbol: str
    stage: str
    """The stage that this symbol is in: `off`, `shadow`, `canary`, `priority` or `full`."""
    may_open: bool
    """Whether an intent that opens risk may be acted on."""
    may_reduce: bool
    """Whether an intent that reduces risk may be acted on (its price must still be usable)."""
    may_use_news: bool
    why: tuple[str, ...]


def permit(symbol: str, stages: StageMap, restrictions: Restrictions) -> Permission:
    """Return what may be done with `symbol`; no stage and no switch missing here ever allows more."""
    stage = stages.stage_of(symbol)
    stopped = _stopped(symbol, restrictions)
    closed = _closed(symbol, stages, restrictions)
    return Permission(
        symbol=symbol,
        stage=stage.label,
        may_open=not stopped and not closed,
        may_reduce=not stopped and stage is not Stage.OFF,
        may_use_news=not restrictions.news_off,
        why=(*stopped, *closed),
    )


def _stopped(symbol: str, restrictions: Restrictions) -> tuple[str, ...]:
    reasons = (
        (restrictions.all_off, "switch all is engaged"),
        (restrictions.decisions_off and not restrictions.all_off, "switch decisions is engaged"),
        (restrictions.quotes_off and not restrictions.all_off, "switch quotes is engaged"),
        (restrictions.force_mock, "switch force_mock is engaged"),
        (symbol in restrictions.symbols_off, f"switch symbol:{symbol} is engaged"),
    )
    return tuple(words for holds, words in reasons if holds)


def _closed(symbol: str, stages: StageMap, restrictions: Restrictions) -> tuple[str, ...]:
    stage = stages.stage_of(symbol)
    reasons = (
        (restrictions.halts_off and not restrictions.all_off, "switch halts is engaged: a halt would go unseen"),
        (restrictions.reduce_only and not restrictions.all_off, "only reducing is allowed"),
        (symbol in stages.quarantined, f"{symbol} is in quarantine"),
        (stage is Stage.OFF, "the rollout is off"),
        (stage is Stage.SHADOW, f"the rollout is in {stages.stage.label}, which does not act on {symbol}"),
    )
    return tuple(words for holds, words in reasons if holds)
