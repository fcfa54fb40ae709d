"""What the gateway says of quality, corporate actions and halts, and the orders that it takes about them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from firmquote.board import Line
from firmquote.errors import ConfigError
from firmquote.model import NS_PER_MS, Clock
from firmquote.model.quality import (
    ActionsView,
    ActionView,
    HaltView,
    MismatchExample,
    MismatchView,
    ProviderQuality,
    QualityView,
    VerdictView,
)
from firmquote.model.safety import Caller
from firmquote.routing import Change
from firmquote.store import decode_fraction
from firmquote.symbols import OPERATOR, CorporateAction, action_id

if TYPE_CHECKING:
    from firmquote.runtime.gateway import Gateway


class QualityReport:
    """Implements `publish.QualityPort`."""

    def __init__(self, gateway: "Gateway", resolve: Callable[[str], str], clock: Clock) -> None:
        self._gateway = gateway
        self._resolve = resolve
        self._clock = clock

    def quality(self) -> QualityView:
        """Return verdicts, rates, examples, clocks and halts."""
        desk = self._gateway.quality
        offset_ns = desk.judge.feeds.own_offset_ns
        entries = self._gateway.board.entries.values()
        unfit = [line for entry in entries for line in entry.lines.values() if line.verdict is not None]
        return QualityView(
            providers=tuple(self._provider(name) for name in desk.judge.shadows),
            verdicts=tuple(map(_verdict_view, sorted(unfit, key=lambda line: line.entry.symbol))),
            halts=tuple(
                HaltView(symbol=entry.symbol, causes=dict(entry.halts))
                for entry in sorted((entry for entry in entries if entry.halted), key=lambda entry: entry.symbol)
            ),
            own_clock_offset_ms=None if offset_ns is None else offset_ns / NS_PER_MS,
            own_clock_steps=desk.clock_steps,
            as_of_ns=self._clock.now_ns(),
        )

    def believe(self, symbol: str, provider: str, *, caller: Caller, reason: str) -> QualityView:
        """Believe the level on which `provider` insists, and let all others begin there."""
        symbol = self._resolve(symbol)
        board = self._gateway.board
        lines = board.entries[symbol].lines
        line = lines.get(provider)
        claim = None if line is None else line.band.claim
        if line is None or claim is None:
            insisting = [name for name, each in lines.items() if each.band.claim is not None]
            raise ConfigError(
                f"{provider} insists on no other price of {symbol}. "
                f"Who does: {', '.join(insisting) or 'nobody'}; see firmquote quality."
            )
        now_ns = self._clock.now_ns()
        for each in lines.values():
            if not each.feed.synthetic:
                each.band.begin(claim.mid, board.plausibility, at_ns=now_ns)
                each.tick = each.made = each.last = None
        self._gateway.quality.forget(symbol)
        board.touch(board.entries[symbol])
        words = f"{provider}'s {claim.mid:g} is believed: {reason}"
        self._gateway.conductor.publish(
            [
                Change(
                    at_ns=now_ns,
                    kind="quality",
                    provider=provider,
                    before=None,
                    after="believed",
                    cause=words,
                    symbol=symbol,
                )
            ]
        )
        self._gateway.safety.note("believe", symbol, caller, words)
        return self.quality()

    def order_halt(self, symbol: str, *, halted: bool, caller: Caller, reason: str) -> HaltView:
        """Halt or resume."""
        symbol = self._resolve(symbol)
        if halted:
            self._gateway.corporate.halt(symbol, reason)
        else:
            self._gateway.corporate.resume(symbol, reason)
        self._gateway.safety.note("halt" if halted else "resume", symbol, caller, reason)
        return HaltView(symbol=symbol, causes=dict(self._gateway.board.entries[symbol].halts))

    def actions(self) -> ActionsView:
        """Return what every source tells."""
        desk = self._gateway.corporate
        today = desk.today()
        agreed = {action_id(action): action for action in desk.agreed.actions}
        told: dict[str, tuple[CorporateAction, list[str]]] = {}
        for source, actions in desk.sources().items():
            for action in actions:
                told.setdefault(action_id(action), (action, []))[1].append(source)
        return ActionsView(
            today=today.isoformat(),
            actions=tuple(
                ActionView(
                    id=key,
                    action=msgspec.to_builtins(agreed.get(key, action), enc_hook=str),
                    sources=tuple(sources),
                    state="conflict" if key not in agreed else "in_effect" if action.effective <= today else "to_come",
                )
                for key, (action, sources) in sorted(told.items(), key=lambda item: (item[1][0].effective, item[0]))
            ),
            conflicts=tuple(map(str, desk.agreed.conflicts)),
            doubts=tuple(self._gateway.references.doubts),
            names={
                each.configured: each.symbol for each in desk.instruments.values() if each.symbol != each.configured
            },
        )

    def tell_action(self, action: Mapping[str, object], *, caller: Caller, reason: str) -> ActionsView:
        """Take an operator's word."""
        try:
            told: CorporateAction = msgspec.convert(
                dict(action), CorporateAction, dec_hook=decode_fraction, strict=False
            )
        except msgspec.ValidationError as error:
            raise ConfigError(f"no corporate action: {error}. See docs/how-to/corporate-actions.md.") from error
        self._gateway.corporate.tell(OPERATOR, [told])
        self._gateway.safety.note("corporate action", action_id(told), caller, reason)
        return self.actions()

    def _provider(self, name: str) -> ProviderQuality:
        desk = self._gateway.quality
        feed = self._gateway.feeds[name]
        counts = feed.counts()
        refused = sum(counts.refused.values())
        seen = refused + counts.accepted
        floor_ns = desk.judge.feeds.floor_ns(name)
        doubt = desk.judge.feeds.findings.get(name)
        shadow = desk.judge.shadows[name]
        total = shadow.total()
        mismatches = [
            MismatchView(
                symbol=symbol,
                session=session.value,
                compared=tally.compared,
                mismatched=tally.mismatched,
                rate=tally.mismatched / tally.compared,
            )
            for (symbol, session), tally in shadow.tallies.items()
            if tally.mismatched
        ]
        verdicts: dict[str, int] = {
            reason.value: count for (provider, reason), count in desk.judge.counts.items() if provider == name
        }
        return ProviderQuality(
            provider=name,
            feed_class=feed.feed_class.value,
            doubt=None if doubt is None else f"{doubt.reason.value}: {doubt.words}",
            clock_offset_ms=None if floor_ns is None else floor_ns / NS_PER_MS,
            accepted=counts.accepted,
            refused=refused,
            refused_by_reason=counts.refused,
            refused_rate=refused / seen if seen else None,
            verdicts_by_reason=verdicts,
            compared=total.compared,
            mismatched=total.mismatched,
            mismatch_rate=total.rate,
            mismatches=tuple(sorted(mismatches, key=lambda each: -each.rate)),
            examples=tuple(msgspec.convert(msgspec.to_builtins(each), MismatchExample) for each in shadow.examples),
        )


def _verdict_view(line: Line) -> VerdictView:
    assert line.verdict is not None, "only unfit lines are told of"
    return VerdictView(
        provider=line.provider,
        symbol=line.entry.symbol,
        reason=line.verdict.reason.value,
        words=line.verdict.words,
        since_ns=line.verdict.since_ns,
        excluded=line.verdict.excludes,
        quarantined=line.verdict.quarantines,
    )
