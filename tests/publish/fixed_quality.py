"""A judge of quality that always says the same, and remembers the last order."""

from collections.abc import Mapping

from firmquote.model.quality import ActionsView, HaltView, QualityView
from firmquote.model.safety import Caller


class FixedQuality:
    def __init__(self) -> None:
        self.ordered: list[tuple[object, ...]] = []

    def quality(self) -> QualityView:
        halt = HaltView(symbol="IBM", causes={"operator": "news"})
        return QualityView(
            providers=(), verdicts=(), halts=(halt,), own_clock_offset_ms=None, own_clock_steps=0, as_of_ns=1
        )

    def believe(self, symbol: str, provider: str, *, caller: Caller, reason: str) -> QualityView:
        self.ordered.append((symbol, provider, caller.who, reason))
        return self.quality()

    def order_halt(self, symbol: str, *, halted: bool, caller: Caller, reason: str) -> HaltView:
        self.ordered.append((symbol, halted, caller.who, reason))
        return HaltView(symbol=symbol, causes={"operator": reason} if halted else {})

    def actions(self) -> ActionsView:
        return ActionsView(today="2026-11-24", actions=(), conflicts=(), names={})

    def tell_action(self, action: Mapping[str, object], *, caller: Caller, reason: str) -> ActionsView:
        self.ordered.append((dict(action), caller.who, reason))
        return self.actions()
