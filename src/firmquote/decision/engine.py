"""The decision engine: looks at one symbol at a time, and speaks only when its mind has changed.

The quiet case costs a few microseconds and builds nothing: strategies are fed, their opinions fused, and where they
ask for nothing, nothing more happens. Documents are made when the decision changes, or when somebody looks.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from firmquote.decision.advice import Advice, AdviceBook
from firmquote.decision.book import Book
from firmquote.decision.config import DecisionConfig
from firmquote.decision.embargo import Embargoes, NewsFlag, NewsFlags
from firmquote.decision.fusion import Contribution, fuse
from firmquote.decision.judge import UNITS, Intent, Verdict, document, hit_stop, judge, want
from firmquote.decision.market import MarketView
from firmquote.decision.panel import Panel
from firmquote.decision.situation import Permission, Situation
from firmquote.decision.strategies import Strategy
from firmquote.model import BPS, NS_PER_MS, NS_PER_S, Grade, Graded, Price, Session
from firmquote.model.trading import Decision

RECORD_INTERVAL_NS = NS_PER_S
"""A symbol's changes of mind that lead to no order are recorded at most this often; what is in between is counted."""
PACE_NS = 600 * NS_PER_MS
"""What was rejected is asked for again after so long, or at once when the quote's grade or spread has changed …"""
PACE_SPREAD_NS = 300 * NS_PER_MS
"""… and after up to so much more, by the symbol: were all asked again together, quotes would wait for it."""


class Permits(Protocol):
    """Says what operators, rollout and budgets allow. In memory, never waits, never raises."""

    def permission(self, symbol: str, provider: str | None) -> Permission:
        """Return what is allowed for `symbol` while `provider` serves it."""
        ...

    def listens(self) -> bool:
        """Say whether advice and news from outside count."""
        ...

    def agreeing(self, view: MarketView, now_ns: int, within_bps: float) -> int:
        """Return how many independent providers show the price of `view`, its own included."""
        ...


class EverythingPermitted:
    """For tests and benchmarks: nobody is in the way."""

    def permission(self, symbol: str, provider: str | None) -> Permission:
        """Allow everything."""
        del symbol, provider
        return Permission()

    def listens(self) -> bool:
        """Listen to everybody."""
        return True

    def agreeing(self, view: MarketView, now_ns: int, within_bps: float) -> int:
        """There is one provider."""
        del view, now_ns, within_bps
        return 1


class Heard(Struct, frozen=True):
    """What was said from outside, and still counts."""

    advice: tuple[Advice, ...] = ()
    news: Mapping[str, NewsFlag] = {}


class Outcome(Struct, frozen=True, gc=False):
    """The decision on a symbol changed, or asks for an order."""

    situation: Situation
    verdict: Verdict


class _Mind:
    """What the engine remembers of one symbol."""

    __slots__ = (
        "anchor",
        "anchor_until_ns",
        "ask",
        "ask_again_ns",
        "asked_grade",
        "asked_wide",
        "bid",
        "changed_ns",
        "contributions",
        "graded",
        "hushed",
        "mid",
        "next_anchor",
        "number",
        "opened_ns",
        "recorded_ns",
        "reduced_ns",
        "score",
        "seen_ns",
        "stance",
        "stopped_ns",
        "think_again_ns",
        "view",
        "waiting",
    )  # fmt: skip

    def __init__(self) -> None:
        self.view: MarketView | None = None
        self.contributions: Sequence[Contribution] = ()
        self.score = 0.0
        self.seen_ns = 0
        self.bid: Price | None = None
        self.ask: Price | None = None
        self.mid: Price | None = None
        self.changed_ns: int | None = None
        self.anchor: Price | None = None
        """The mid one to two windows ago: what a move is measured against."""
        self.next_anchor: Price | None = None
        self.anchor_until_ns = 0
        self.waiting: Intent | None = None
        """What was wanted when a gate last said no."""
        self.ask_again_ns = 0
        self.asked_grade = Grade.NONE
        self.asked_wide = True
        self.graded: Graded | None = None
        self.think_again_ns = 0
        """Until then the same prices of the same grade are not thought about again."""
        self.hushed = False
        """Whether it was counted that nothing is wanted any more, and that this was not recorded."""
        self.opened_ns: int | None = None
        self.reduced_ns: int | None = None
        self.stopped_ns: int | None = None
        self.number = 0
        """Of the newest receipt."""
        self.stance: tuple[object, ...] | None = None
        """What the newest receipt says, without its numbers; `None` before the first."""
        self.recorded_ns = 0


_QUIET = (Intent.HOLD, Intent.HOLD)


class DecisionEngine:
    """Owns what decisions need to remember; what is held belongs to its `book`."""

    def __init__(
        self,
        symbols: Sequence[str],
        config: DecisionConfig,
        *,
        book: Book,
        strategies: Sequence[Strategy] = (),
        permits: Permits | None = None,
        embargoes: Embargoes | None = None,
    ) -> None:
        self.config = config
        self.book = book
        self.session = Session.REGULAR
        self.embargoes = embargoes or Embargoes()
        self.pauses: dict[str, str] = {} if config.enabled else {"config": "decision.enabled is false"}
        """Who pauses the opening of risk → why."""
        self.decided = 0
        self.unrecorded = 0
        """Changes of mind that came too soon after another to be recorded."""
        served = frozenset(symbols)
        self._news = NewsFlags(served)
        self._advice = AdviceBook(served)
        self.panel = Panel(strategies)
        self._permits = permits or EverythingPermitted()
        self.paces_ns = {
            symbol: PACE_NS + PACE_SPREAD_NS * place // len(symbols) for place, symbol in enumerate(symbols)
        }
        """Symbol → how long the same prices of the same grade are not thought about again."""
        self._minds = {symbol: _Mind() for symbol in symbols}
        self._window_ns = int(config.corroboration.window_s * NS_PER_S)

    @property
    def news(self) -> NewsFlags:
        """The news flags."""
        return self._news

    def advise(self, advice: Advice) -> None:
        """Take advice from outside. Raises FirmquoteError where it cannot be taken."""
        self._advice.put(advice)
        mind = self._minds[advice.symbol]
        mind.think_again_ns = mind.ask_again_ns = 0

    def heard(self) -> Heard:
        """Return what was said from outside, for a process that goes on after this one."""
        return Heard(self._advice.everything(), self._news.everything())

    def hear(self, heard: Heard) -> None:
        """Listen to what another process was told, of symbols that are served."""
        for advice in heard.advice:
            if advice.symbol in self._minds:
                self.advise(advice)
        self._news.take_up(heard.news)

    def think_again(self, symbol: str | None = None) -> None:
        """Something other than a quote has changed: the next look at the symbol, or at each, is a whole one."""
        for name in self._minds if symbol is None else self._minds.keys() & {symbol}:
            self._minds[name].think_again_ns = self._minds[name].ask_again_ns = 0

    def forget_prices(self, symbol: str) -> None:
        """A corporate action has changed what prices of the symbol mean: neither a move nor an average spans it."""
        mind = self._minds.get(symbol)
        if mind is not None:
            mind.anchor = mind.next_anchor = None
            mind.anchor_until_ns = mind.think_again_ns = 0
            self.panel.forget(symbol)

    def look(self, view: MarketView, now_ns: int) -> Outcome | None:
        """Decide on what is shown now; return an outcome only where the decision changed or asks for an order."""
        self.decided += 1
        symbol = view.symbol
        mind = self._minds[symbol]
        if (  # only the sizes have changed, and nobody here looks at those
            now_ns < mind.think_again_ns
            and view.bid == mind.bid
            and view.ask == mind.ask
            and view.graded == mind.graded
            and (view.bid is not None or view.mid == mind.mid)
        ):
            mind.view, mind.seen_ns = view, now_ns
            return None
        mind.graded, mind.think_again_ns = view.graded, now_ns + self.paces_ns[symbol]
        self._learn(mind, view, now_ns)
        contributions = self.panel.opinions(view, now_ns)
        if self._advice.speaks_of(symbol) and self._permits.listens():
            contributions += self._advice.contributions(symbol, now_ns)
        score = mind.score = fuse(contributions)
        mind.contributions = contributions
        if self._nothing_new(mind, view, score, now_ns):
            return None
        situation = self._situation(mind, view, now_ns)
        verdict = judge(situation, self.config)
        mind.hushed = False
        mind.waiting = verdict.wanted if verdict.blocked else None
        mind.ask_again_ns = now_ns + self.paces_ns[symbol]
        mind.asked_grade, mind.asked_wide = view.graded.grade, self._is_wide(view)
        return self._notice(mind, situation, verdict)

    def seen_ns(self, symbol: str) -> int:
        """Return when the symbol was last looked at; 0 for never."""
        return self._minds[symbol].seen_ns

    def current(self, symbol: str) -> Decision | None:
        """Return the decision as it stands: on the newest view, under the number of its newest receipt."""
        mind = self._minds[symbol]
        if mind.view is None:
            return None
        situation = self._situation(mind, mind.view, mind.seen_ns)
        return document(mind.number, situation, judge(situation, self.config), self.config)

    def on_recorded(self, outcome: Outcome, number: int) -> None:
        """The outcome has a receipt: `number`."""
        mind = self._minds[outcome.situation.view.symbol]
        mind.number = number
        mind.stance = _stance(outcome.verdict)
        mind.recorded_ns = outcome.situation.now_ns

    def on_ordered(self, outcome: Outcome) -> None:
        """The outcome led to an order: what follows from that begins."""
        now_ns = outcome.situation.now_ns
        mind = self._minds[outcome.situation.view.symbol]
        if outcome.verdict.intent in UNITS:
            mind.opened_ns = now_ns
        else:
            mind.reduced_ns = now_ns
            if outcome.verdict.stop is not None:
                mind.stopped_ns = now_ns

    def remember(self, symbol: str, *, opened_ns: int | None, stopped_ns: int | None, reduced_ns: int | None) -> None:
        """Restore what a symbol rests from, after a restart."""
        mind = self._minds.get(symbol)
        if mind is not None:
            mind.opened_ns, mind.stopped_ns, mind.reduced_ns = opened_ns, stopped_ns, reduced_ns

    def permission(self, symbol: str, provider: str | None) -> Permission:
        """Return what is allowed for the symbol while `provider` serves it."""
        return self._permits.permission(symbol, provider)

    def permission_now(self, symbol: str) -> Permission:
        """Return what is allowed for the symbol on the provider that serves it."""
        view = self._minds[symbol].view if symbol in self._minds else None
        return self.permission(symbol, None if view is None else view.provider)

    def may_reduce_by_score(self, symbol: str, now_ns: int) -> bool:
        """Say whether the rhythm of orders that reduce by the score allows the next."""
        reduced_ns = self._minds[symbol].reduced_ns
        return reduced_ns is None or now_ns - reduced_ns >= self.config.cooldown_s * NS_PER_S

    def gives_up(self, situation: Situation, verdict: Verdict) -> bool:
        """Say whether all that is held shall go: a stop is hit, or the score is very much against it."""
        return verdict.stop is not None or abs(situation.score) >= self.config.very_positive

    def gives_up_by_score(self, symbol: str) -> bool:
        """Say whether the score alone, as of the last look, gives up all that is held of the symbol."""
        score = self._minds[symbol].score
        return (-score if self.book.portfolio.shares(symbol) > 0 else score) >= self.config.very_positive

    def reduces_now(self, situation: Situation, verdict: Verdict) -> bool:
        """Say whether reducing takes an order now: none works already, and its rhythm allows it.

        What gives up everything has no rhythm, and `Desk` cancels the smaller orders that it would wait for.
        """
        if situation.held.reducing_shares:
            return False
        return self.gives_up(situation, verdict) or self.may_reduce_by_score(situation.view.symbol, situation.now_ns)

    def _nothing_new(self, mind: _Mind, view: MarketView, score: float, now_ns: int) -> bool:
        """Say, quickly, that the decision is the one before: most quotes change nothing."""
        if mind.waiting is not None and now_ns < mind.ask_again_ns:
            same = want(score, self.book.portfolio.shares(view.symbol), self.config) is mind.waiting
            if same and view.graded.grade is mind.asked_grade and self._is_wide(view) is mind.asked_wide:
                return True
        positive = self.config.positive
        if score >= positive:
            return False
        if self.book.portfolio.shares(view.symbol) and (
            score <= -positive or hit_stop(view, self.book.held(view.symbol), self.config.stops) is not None
        ):
            return False
        return mind.stance == _QUIET or self._hush(mind, now_ns)

    def _hush(self, mind: _Mind, now_ns: int) -> bool:
        """Nothing is wanted any more: say whether that came too soon after the newest receipt to be told of."""
        soon = mind.stance is not None and now_ns - mind.recorded_ns < RECORD_INTERVAL_NS
        if soon and not mind.hushed:
            mind.hushed = True
            self.unrecorded += 1
        return soon

    def _is_wide(self, view: MarketView) -> bool:
        bid, ask = view.bid, view.ask
        return bid is None or ask is None or (ask - bid) * 2 * BPS > self.config.max_spread_bps * (bid + ask)

    def _learn(self, mind: _Mind, view: MarketView, now_ns: int) -> None:
        bid, ask = view.bid, view.ask
        if bid != mind.bid or ask != mind.ask or view.mid != mind.mid or mind.changed_ns is None:
            mind.bid, mind.ask, mind.mid, mind.changed_ns = bid, ask, view.mid, now_ns
        if now_ns >= mind.anchor_until_ns and view.mid is not None and view.graded.grade >= Grade.STALE:
            mind.anchor = view.mid if mind.anchor is None else mind.next_anchor
            mind.next_anchor = view.mid
            mind.anchor_until_ns = now_ns + self._window_ns
        mind.view = view
        mind.seen_ns = now_ns

    def _situation(self, mind: _Mind, view: MarketView, now_ns: int) -> Situation:
        symbol = view.symbol
        policy = self.config.corroboration
        move_bps = (view.mid / mind.anchor - 1) * BPS if view.mid is not None and mind.anchor is not None else 0.0
        far = abs(move_bps) >= policy.move_bps
        return Situation(
            view=view,
            now_ns=now_ns,
            session=self.session,
            contributions=tuple(mind.contributions),
            score=mind.score,
            held=self.book.held(symbol),
            exposure=self.book.exposure(symbol),
            permission=self._permits.permission(symbol, view.provider),
            paused=tuple(self.pauses.values()),
            opened_ns=mind.opened_ns,
            stopped_ns=mind.stopped_ns,
            changed_ns=mind.changed_ns,
            move_bps=move_bps,
            agreeing=self._permits.agreeing(view, now_ns, policy.agree_bps) if far else 1,
            earnings=self.embargoes.on(symbol, now_ns),
            news=self._news.on(symbol, now_ns),  # it only forbids, so no switch makes us deaf for it
        )

    def _notice(self, mind: _Mind, situation: Situation, verdict: Verdict) -> Outcome | None:
        if verdict.intent in UNITS:
            return Outcome(situation, verdict)
        same = _stance(verdict) == mind.stance
        if same and not (verdict.intent is Intent.REDUCE and self.reduces_now(situation, verdict)):
            return None
        soon = mind.stance is not None and situation.now_ns - mind.recorded_ns < RECORD_INTERVAL_NS
        if soon and (same or verdict.intent is not Intent.REDUCE):  # the first order that reduces never waits
            self.unrecorded += not same
            return None
        return Outcome(situation, verdict)


def _stance(verdict: Verdict) -> tuple[object, ...]:
    if not verdict.blocked:
        return (verdict.wanted, verdict.intent)
    return (verdict.wanted, verdict.intent, *[block.gate for block in verdict.blocked])
