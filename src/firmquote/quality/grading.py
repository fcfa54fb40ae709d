"""The one place where a quote gets its grade."""

from msgspec import Struct

from firmquote.model import NS_PER_MS, FeedClass, Grade, Graded, LastPrice, Price, Quote, Reason, Session
from firmquote.quality.fitness import Verdict
from firmquote.quality.plausibility import PlausibilityPolicy

SIZE_SHARES_MAX = PlausibilityPolicy().size_shares_max


class GradePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Age limits. An age exactly at a limit is still within it."""

    soft_ms: int = 3_000
    """Older than this is at best indicative."""
    ceiling_ms: int = 5_000
    """Older than this is stale."""
    unchanged_ms: int = 120_000
    """A price without a time of its own that has not changed for this long is stale, however often it is received."""


class SessionGrading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Age limits by part of the day: outside regular hours quotes are few, and an old one is still the market's."""

    regular: GradePolicy = GradePolicy()
    outside: GradePolicy = GradePolicy(soft_ms=30_000, ceiling_ms=60_000, unchanged_ms=1_800_000)

    def at(self, session: Session) -> GradePolicy:
        """Return the limits of a session."""
        return self.regular if session is Session.REGULAR else self.outside


class Standing(Struct, frozen=True, kw_only=True):
    """All that a grade depends on beside the policy and the time."""

    price: Quote | LastPrice | None
    feed_class: FeedClass
    changed_ns: int = 0
    """When the price last differed from the one before it, by our clock."""
    tradable_from_ns: int = 0
    """First-quote rule: what was received before this (a subscription, a resumption) is not tradable."""
    halted: bool = False
    verdict: Verdict | None = None
    """Why the provider is unfit for the symbol, if it is."""
    band: tuple[Price, Price] | None = None
    """The lowest and the highest price at which the symbol may trade now, where a provider tells."""
    size_shares_max: int = SIZE_SHARES_MAX


_CLASS_REASONS = {
    FeedClass.SINGLE_VENUE: Reason.SINGLE_VENUE,
    FeedClass.DELAYED: Reason.DELAYED,
    FeedClass.END_OF_DAY: Reason.END_OF_DAY,
}


def grade(standing: Standing, policy: GradePolicy, *, now_ns: int) -> Graded:
    """Return the grade of `standing` at `now_ns`, with every reason why it is no better, worst first.

    With all else equal a grade never improves as time passes.
    """
    price = standing.price
    if price is None:
        return Graded(Grade.NONE, (Reason.NO_QUOTE,))
    if standing.verdict is not None and standing.verdict.quarantines:
        return Graded(Grade.NONE, (standing.verdict.reason,))
    fatal = _stale_reasons(standing, price, policy, now_ns)
    softer = _soft_reasons(standing, price, policy, now_ns)
    if standing.feed_class is FeedClass.SYNTHETIC:
        return Graded(Grade.MOCK, (Reason.SYNTHETIC, *fatal, *softer))
    if fatal:
        return Graded(Grade.STALE, (*fatal, *softer))
    if softer:
        return Graded(Grade.INDICATIVE, softer)
    return Graded(Grade.FIRM)


def is_plainly_firm(policy: GradePolicy, now_ns: int, born_ns: int, bid_shares: int, ask_shares: int) -> bool:
    """Say quickly that `grade` would find nothing against a two-sided quote; the hot path asks this first.

    It may only be asked of a consolidated feed, without a halt, a price band and a verdict, and of what was received
    since it may be traded on. `born_ns` is the earlier of its own time and its receipt. False means: ask `grade`.
    """
    return (
        now_ns - born_ns <= policy.soft_ms * NS_PER_MS
        and bid_shares <= SIZE_SHARES_MAX
        and ask_shares <= SIZE_SHARES_MAX
    )


def age_ns(price: Quote | LastPrice, now_ns: int) -> int:
    """Return how old a price is: from its own time where it has one, else from its receipt; never negative.

    A last price ages from its receipt even when its trade has a time: the last trade of a quiet symbol is old and
    still the last.
    """
    born_ns = min(price.event_ns, price.received_ns) if isinstance(price, Quote) else price.received_ns
    return max(0, now_ns - born_ns)


def _stale_reasons(
    standing: Standing, price: Quote | LastPrice, policy: GradePolicy, now_ns: int
) -> tuple[Reason, ...]:
    reasons = []
    if price.received_ns < standing.tradable_from_ns:
        reasons.append(Reason.AWAITING_FIRST_QUOTE)
    if age_ns(price, now_ns) > policy.ceiling_ms * NS_PER_MS:
        reasons.append(Reason.STALE)
    if isinstance(price, LastPrice) and now_ns - standing.changed_ns > policy.unchanged_ms * NS_PER_MS:
        reasons.append(Reason.UNCHANGED)
    return tuple(reasons)


def _soft_reasons(standing: Standing, price: Quote | LastPrice, policy: GradePolicy, now_ns: int) -> tuple[Reason, ...]:
    reasons = []
    if standing.halted:
        reasons.append(Reason.HALTED)
    if standing.verdict is not None:
        reasons.append(standing.verdict.reason)
    if isinstance(price, LastPrice):
        reasons.append(Reason.LAST_PRICE_ONLY)
        if price.event_ns is None:
            reasons.append(Reason.NO_EVENT_TIME)
        if price.delay_ns > 0 and standing.feed_class is not FeedClass.DELAYED:
            reasons.append(Reason.DELAYED)
    else:
        if price.bid is None or price.ask is None:
            reasons.append(Reason.ONE_SIDED)
        if _stands_at_limit(price, standing.band):
            reasons.append(Reason.LIMIT_STATE)
        if max(price.bid_size_shares, price.ask_size_shares) > standing.size_shares_max:
            reasons.append(Reason.ABSURD_SIZE)
    class_reason = _CLASS_REASONS.get(standing.feed_class)
    if class_reason is not None and class_reason not in reasons:
        reasons.append(class_reason)
    if policy.soft_ms * NS_PER_MS < age_ns(price, now_ns) <= policy.ceiling_ms * NS_PER_MS:
        reasons.append(Reason.AGING)
    return tuple(reasons)


def _stands_at_limit(quote: Quote, band: tuple[Price, Price] | None) -> bool:
    """A bid at the upper limit or an ask at the lower one: who waits there cannot trade, and a pause may follow."""
    if band is None:
        return False
    low, high = band
    return (quote.bid is not None and quote.bid >= high) or (quote.ask is not None and quote.ask <= low)
