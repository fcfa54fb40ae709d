"""Is a provider fit to show a symbol? A finding of a moment becomes a verdict when it lasts."""

from msgspec import Struct, structs

from firmquote.model import NS_PER_MS, NS_PER_S, Reason

STRIKES_MAX = 4
FORGIVEN_NS = 600 * NS_PER_S


class FitnessPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When providers contradict each other, and for how long before it counts."""

    window_ms: int = 1_000
    """Two providers tell the same a little apart in time: each is compared with what the other said within this."""
    large_window_ms: int = 250
    """A difference that is `large_factor` times as large needs to outlast only this."""
    large_factor: float = 5.0
    fresh_ms: int = 5_000
    """A price that is older takes no part."""
    divergent_spreads: float = 2.0
    """Bid and ask of two providers contradict each other when so many spreads lie between them …"""
    divergent_bps_min: float = 4.0
    """… and at least so many basis points."""
    last_price_bps: float = 30.0
    """A last trade may lie so far from bid and ask, since they go on moving without trades."""
    persist_ms: int = 400
    """A finding that lasts so long is a verdict."""
    clear_ms: int = 3_000
    """A verdict ends when nothing was found for so long; twice as long for each time that it came back, up to 16."""
    refusing_ms: int = 1_000
    """A line whose every price was refused for so long is unfit …"""
    refusals_min: int = 3
    """… if they were at least so many."""
    repeats_min: int = 20
    """So many quotes in a row without any change, while another provider's changed …"""
    repeats_ms: int = 3_000
    """… over at least so long, are one quote repeated."""

    def for_large_differences(self) -> "FitnessPolicy":
        """Return the policy by which only large differences count."""
        return structs.replace(
            self,
            divergent_spreads=self.divergent_spreads * self.large_factor,
            divergent_bps_min=self.divergent_bps_min * self.large_factor,
            last_price_bps=self.last_price_bps * self.large_factor,
        )


class Refusals(Struct, frozen=True):
    """An unbroken row of refused prices of one line."""

    reason: Reason
    """Of the newest."""
    count: int
    since_ns: int


class Finding(Struct, frozen=True):
    """What is wrong with one provider's line at this moment."""

    reason: Reason
    words: str
    excludes: bool = True
    """Another provider should show the symbol."""
    quarantines: bool = False
    """Nobody can say which price is right: the symbol is not for trading until somebody does."""


class Verdict(Struct, frozen=True):
    """Provider P is unfit for symbol S because of `reason`."""

    reason: Reason
    words: str
    since_ns: int
    excludes: bool = True
    quarantines: bool = False


class Fitness:
    """Turns the findings about one line into its verdict."""

    __slots__ = ("_clean_ns", "_found", "_found_ns", "_strikes", "verdict")

    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self._found: Finding | None = None
        self._found_ns = 0
        self._clean_ns = 0
        self._strikes = 0
        """How often this line was condemned before; forgotten after a long clean time."""

    def note(self, finding: Finding | None, policy: FitnessPolicy, *, now_ns: int) -> bool:
        """Take what was found now; returns whether the verdict changed."""
        before = self.verdict
        if finding is None:
            if self._found is not None:
                self._found, self._clean_ns = None, now_ns
            clear_ns = policy.clear_ms * NS_PER_MS << min(max(0, self._strikes - 1), STRIKES_MAX)
            if before is not None and now_ns - self._clean_ns >= clear_ns:
                self.verdict = None
            elif before is None and now_ns - self._clean_ns >= FORGIVEN_NS:
                self._strikes = 0
            return before is not self.verdict
        if self._found is None:
            self._found_ns = now_ns
        self._found = finding
        if before is None and now_ns - self._found_ns < policy.persist_ms * NS_PER_MS:
            return False
        return self.condemn(finding, now_ns=now_ns)

    def condemn(self, finding: Finding, *, now_ns: int) -> bool:
        """Take a finding that has lasted long enough already; returns whether the verdict changed."""
        before = self.verdict
        if self._found is None:
            self._found_ns = now_ns
        self._found = finding
        if before is None:
            self._strikes += 1
            self.verdict = _verdict(finding, self._found_ns)
        elif (before.reason, before.excludes, before.quarantines) != (
            finding.reason,
            finding.excludes,
            finding.quarantines,
        ):
            self.verdict = _verdict(finding, before.since_ns)
        return before is not self.verdict


def _verdict(finding: Finding, since_ns: int) -> Verdict:
    return Verdict(finding.reason, finding.words, since_ns, finding.excludes, finding.quarantines)
