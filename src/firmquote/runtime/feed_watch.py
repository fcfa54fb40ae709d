"""What is remembered of whole providers: their clocks, the unit of their sizes, whose market they show."""

from collections.abc import Mapping, Sequence
from itertools import permutations

from firmquote.board import Feed
from firmquote.model import NS_PER_S, FeedClass, Quote
from firmquote.quality import ClockPolicy, Finding, MinimumFilter, SizeMeter, SpreadMeter, judge_clocks
from firmquote.runtime.line_watch import LineWatch

REAL_TIME = frozenset({FeedClass.CONSOLIDATED, FeedClass.SINGLE_VENUE})


class FeedWatch:
    """Owns the meters of all feeds; `findings` holds what is wrong with each as a whole."""

    def __init__(self, feeds: Mapping[str, Feed], streamed: Sequence[str], policy: ClockPolicy) -> None:
        self.findings: dict[str, Finding] = {}
        self.own_offset_ns: int | None = None
        """How far off our own clock is, where all real-time providers agree on it."""
        self._feeds = feeds
        self._policy = policy
        self._clocks = {name: MinimumFilter(policy) for name in streamed if feeds[name].feed_class in REAL_TIME}
        self._frames = dict.fromkeys(self._clocks, 0)
        self._sizes: dict[tuple[str, str], SizeMeter] = {}
        self._spreads: dict[tuple[str, str], SpreadMeter] = {}
        self._second = 0

    def look(self, now_ns: int) -> None:
        """Take in the delays of what has arrived; once a second judge."""
        for name, clock in self._clocks.items():
            delays_ns, self._frames[name] = self._feeds[name].delays_since(self._frames[name])
            clock.note(delays_ns, now_ns=now_ns)
        if now_ns // NS_PER_S != self._second:
            self._second = now_ns // NS_PER_S
            self._judge()

    def floor_ns(self, provider: str) -> int | None:
        """Return a stream's least delay of the last seconds: the difference of the clocks and the shortest way."""
        clock = self._clocks.get(provider)
        return None if clock is None else clock.floor_ns()

    def forget_delays(self, provider: str | None = None) -> None:
        """Begin anew with a provider's clock, or with all."""
        for name, clock in self._clocks.items():
            if provider in (None, name):
                clock.forget()
                self._frames[name] = self._feeds[name].frames

    def compare(self, fresh: Sequence[LineWatch]) -> None:
        """Compare sizes and spreads of one symbol, between all that promise the consolidated market."""
        for one, other in permutations(fresh, 2):
            feeds = one.line.feed, other.line.feed
            if any(feed.feed_class is not FeedClass.CONSOLIDATED for feed in feeds):
                continue
            mine, theirs = one.line.quote, other.line.quote
            if mine is None or theirs is None:
                continue
            pair = (one.line.provider, other.line.provider)
            self._sizes.setdefault(pair, SizeMeter()).note(mine.symbol, _sizes(mine), _sizes(theirs))
            spreads = one.trail.ask - one.trail.bid, other.trail.ask - other.trail.bid
            self._spreads.setdefault(pair, SpreadMeter()).note(*spreads)

    def _judge(self) -> None:
        verdicts = judge_clocks({name: clock.floor_ns() for name, clock in self._clocks.items()}, self._policy)
        self.own_offset_ns = verdicts.own_offset_ns
        findings: dict[str, Finding] = {}
        for meters in (self._spreads, self._sizes):
            for (name, against), meter in meters.items():
                finding = meter.judge(against)
                if finding is not None:
                    findings[name] = finding
        self.findings = findings | verdicts.findings


def _sizes(quote: Quote) -> tuple[int, int]:
    return quote.bid_size_shares, quote.ask_size_shares
