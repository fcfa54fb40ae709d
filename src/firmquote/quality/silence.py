"""Is a stream silent, or is the market quiet? A frozen stream raises no error, so its silence is weighed as evidence.

Every kind of evidence becomes a number that is 1 where it would be enough by itself (`StreamScore`):

    arrivals   how unusual the present gap is (φ), by what the others saw meanwhile: φ / 3.8 when a price left this
               one's bid and ask, φ / 12 when any price changed after five seconds of it, else 0
    others     how often other streams spoke while this one did not, by three times what is usual between two of its own
               arrivals (and at least four looks), once it has been silent for half a second
    standing   how long source times have stood still although frames arrive, by its limit
    lag        how far the stream is behind its best, and will be soon at the present growth, by its limit
    heartbeat  how long not even the answer to a ping has come, beyond what an idle connection may take, by its limit

The score is the length of the vector of these numbers: one of them is enough, and several that are nearly enough are
too. More evidence never makes it less. A score of 1 is a silence. Without any sign that the world went on (arrivals,
heartbeat) or if all streams fall behind alike (lag, standing), nobody is blamed: then the market is quiet or closed, or
we are cut off or too slow ourselves.
"""

from math import hypot

from msgspec import Struct

from firmquote.model import BPS, Price
from firmquote.quality.arrivals import ArrivalPolicy
from firmquote.quality.lag import Lag
from firmquote.quality.line_silence import LineSilencePolicy


class SilencePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much evidence makes a silence."""

    arrivals: ArrivalPolicy = ArrivalPolicy()
    lines: LineSilencePolicy = LineSilencePolicy()
    phi_with_peers: float = 3.8
    """Suspicion that is enough when another provider's price has left this one's bid and ask."""
    peer_looks_min: int = 4
    """So many looks (of 50 ms) in which other streams spoke and this one did not are enough …"""
    peer_looks_factor: float = 3.0
    """… if that is so many times more than is usual between two of its arrivals."""
    moved_spreads: float = 2.0
    """How many spreads outside this one's bid and ask another's price must be …"""
    moved_last_bps: float = 30.0
    """… and how much more if that is a last price: trades are told late, or were made away from the market."""
    phi_alone: float = 12.0
    """Suspicion that is enough when others have brought anything at all …"""
    alone_floor_ms: int = 5_000
    """… after the gap was this long: when a whole market stops, one provider's last word is later than another's."""
    standing_ms_max: float = 2_000.0
    """Source times may stand still for this long while frames arrive."""
    lag_ms_max: float = 1_000.0
    """How far a stream may fall behind its own best."""
    heartbeat_grace_ms: float = 6_000.0
    """An idle connection is pinged after five seconds: so long without a byte is usual …"""
    heartbeat_ms_max: float = 4_000.0
    """… and so much more is not."""


class StreamEvidence(Struct, frozen=True, kw_only=True):
    """All that is known of one stream at one moment."""

    phi: float = 0.0
    silent_ms: float = 0.0
    usual_gap_ms: float | None = None
    """`None` before there are enough gaps; then arrivals say nothing."""
    peer_looks: int = 0
    """Looks in which other usable streams spoke since this one last did."""
    usual_peer_looks: int | None = None
    """The most such looks between two of its arrivals lately; `None` before that is known."""
    peer_changes: int = 0
    """What others brought after it had been silent for long: quotes of streams, changed prices of polled ones."""
    moved_symbols: tuple[str, ...] = ()
    """Symbols whose price elsewhere has left this stream's bid and ask since."""
    standing_ms: float = 0.0
    """How long its source times have stood still while frames arrived."""
    common_standing_ms: float = 0.0
    """What of that the other streams share: then the market's own source stands still."""
    lag: Lag = Lag()
    common_lag_ms: float = 0.0
    """What of the lag the other streams or our own loop share."""
    heard_ms: float | None = None
    """Since the last byte of any kind; `None` where that is not known."""
    others_heard: bool = False
    """Whether anybody else was heard of meanwhile."""


class StreamScore(Struct, frozen=True, kw_only=True):
    """What the evidence amounts to: 1 is enough."""

    arrivals: float
    others: float
    standing: float
    lag: float
    heartbeat: float

    @property
    def total(self) -> float:
        """All of it together."""
        return hypot(self.arrivals, self.others, self.standing, self.lag, self.heartbeat)


def score_stream(evidence: StreamEvidence, policy: SilencePolicy) -> StreamScore:
    """Weigh the evidence against one stream."""
    behind_ms = evidence.lag.behind_ms - evidence.common_lag_ms
    unheard_ms = 0.0 if evidence.heard_ms is None else evidence.heard_ms - policy.heartbeat_grace_ms
    return StreamScore(
        arrivals=_arrivals(evidence, policy),
        others=_others(evidence, policy),
        standing=max(0.0, evidence.standing_ms - evidence.common_standing_ms) / policy.standing_ms_max,
        lag=max(0.0, behind_ms) / policy.lag_ms_max,
        heartbeat=max(0.0, unheard_ms) / policy.heartbeat_ms_max if evidence.others_heard else 0.0,
    )


def explain_stream(evidence: StreamEvidence, score: StreamScore) -> str:
    """Return the strongest evidence in one sentence."""
    strongest = max(score.arrivals, score.others, score.standing, score.lag, score.heartbeat)
    silent = f"silent for {evidence.silent_ms / 1_000:.1f} s"
    if strongest == score.others:
        return f"{silent} while other streams went on ({evidence.peer_looks} times)"
    if strongest == score.arrivals:
        usual = f"usual gap {(evidence.usual_gap_ms or 0.0) / 1_000:.1f} s, suspicion {evidence.phi:.1f}"
        moved = f"the price of {', '.join(evidence.moved_symbols)} moved away elsewhere"
        changed = f"prices changed {evidence.peer_changes} times elsewhere"
        return f"{silent} ({usual}) while {moved if evidence.moved_symbols else changed}"
    if strongest == score.standing:
        return f"its source times have stood still for {evidence.standing_ms / 1_000:.1f} s while frames arrive"
    if strongest == score.lag:
        return (
            f"it falls behind: {evidence.lag.excess_ms / 1_000:.1f} s late, "
            f"and {evidence.lag.slope_ms_per_s / 1_000:+.2f} s each second"
        )
    return f"not a byte for {(evidence.heard_ms or 0.0) / 1_000:.1f} s while others are heard"


def has_moved_away(price: Price, bid: Price, ask: Price, policy: SilencePolicy, *, last: bool = False) -> bool:
    """Say whether `price`, seen elsewhere, lies outside bid and ask by more than is allowed, also to a last price.

    A locked quote has no spread to measure by: a hundredth of a percent of the price stands in.
    """
    allowed = policy.moved_spreads * max(ask - bid, ask * 1e-4)
    if last:
        allowed += ask * policy.moved_last_bps / BPS
    return price < bid - allowed or price > ask + allowed


def _arrivals(evidence: StreamEvidence, policy: SilencePolicy) -> float:
    if evidence.usual_gap_ms is None:
        return 0.0
    if evidence.moved_symbols:
        return evidence.phi / policy.phi_with_peers
    return (
        evidence.phi / policy.phi_alone
        if evidence.peer_changes and evidence.silent_ms >= policy.alone_floor_ms
        else 0.0
    )


def _others(evidence: StreamEvidence, policy: SilencePolicy) -> float:
    if evidence.usual_peer_looks is None or evidence.silent_ms < policy.arrivals.floor_ms:
        return 0.0
    return evidence.peer_looks / max(policy.peer_looks_min, policy.peer_looks_factor * evidence.usual_peer_looks)
