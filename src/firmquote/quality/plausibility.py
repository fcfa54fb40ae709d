"""Refuse what cannot be a quote before it reaches the board. Locked is legal; crossed is not."""

from collections.abc import Iterable
from math import isfinite, sqrt

from msgspec import Struct

from firmquote.model import BPS, NS_PER_MS, NS_PER_S, LastPrice, Price, Quote, Reason
from firmquote.symbols import match_split_ratio

NS_PER_DAY = 86_400 * NS_PER_S
FACTOR_TOLERANCE_BPS = 150.0
FACTOR_MIN = 1.4
"""From here on a ratio of two prices may be a split or a unit; a smaller one may be the market."""


class PlausibilityPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a quote may be from what we know."""

    jump_bps_max: float = 200.0
    """How far the mid may move from one accepted quote to the next, in basis points of the earlier mid."""
    jump_bps_per_s: float = 50.0
    """By how much that band widens for each second without an accepted quote."""
    jump_deviations: float = 8.0
    """By how many deviations of the symbol's own moves over that time it widens further."""
    jump_bps_cap: float = 2_500.0
    """However long the silence and however wild the symbol: no band is wider."""
    jump_confirmations: int = 3
    """A new level needs so many quotes in a row, and another provider's word …"""
    jump_alone_ms: int = 10_000
    """… or, where there is nobody to ask, it must last this long. A factor (10:1, cents) is never believed alone."""
    peer_age_ms: int = 5_000
    """Another provider's quote counts as its word for so long …"""
    last_price_age_ms: int = 60_000
    """… and a last price, which is asked for less often, for so long after it was received."""
    future_ms_max: int = 1_000
    """How far ahead of our clock a provider's time may be."""
    past_days_max: int = 7
    """A quote older than this was not meant as one: its time is in another unit, or its clock is lost."""
    size_shares_max: int = 50_000_000
    """No side of an order book holds more; the largest of the recorded days is 777,900."""


class Claim(Struct, frozen=True):
    """A level that refused quotes insist on."""

    mid: Price
    before: Price
    count: int
    since_ns: int
    at_ns: int
    """When it was last insisted on."""


class Band:
    """The believed price of one line: a calm zone that the hot path tests, and the level that a jump must prove.

    `low` and `high` bound the calm zone. Two prices inside it differ by at most (1 + calm) / (1 - calm) - 1, which
    is exactly the allowed jump: so a quote inside the zone needs no further look, and that is exact, not a guess.
    """

    __slots__ = ("_anchor", "at_ns", "claim", "deviation_bps", "high", "low", "mid")

    def __init__(self) -> None:
        self.low: Price = 0.0
        self.high: Price = 0.0
        """An empty zone, so that the first quote takes the slow path."""
        self.mid: Price | None = None
        self.at_ns = 0
        """When `mid` was believed; not kept up by the hot path, whose quotes have times of their own."""
        self.deviation_bps = 0.0
        """How much the symbol moves in a second, in basis points; measured by whoever watches it."""
        self.claim: Claim | None = None
        self._anchor: Quote | None = None
        """The accepted quote that the claim contradicts: a newer one ends it."""

    def centre(self, mid: Price, policy: PlausibilityPolicy, *, at_ns: int = 0) -> None:
        """Believe `mid`: move the calm zone there and forget any claim of another level."""
        jump = policy.jump_bps_max / BPS
        calm = jump / (2 + jump)
        self.low = mid * (1 - calm)
        self.high = mid * (1 + calm)
        self.mid = mid
        self.at_ns = at_ns
        self.claim = None

    def begin(self, mid: Price, policy: PlausibilityPolicy, *, at_ns: int) -> None:
        """Begin at a price from elsewhere (the previous close, another provider); the zone stays empty."""
        self.centre(mid, policy, at_ns=at_ns)
        self.low = self.high = 0.0

    def allowed_bps(self, elapsed_ns: int, half_spread_bps: float, policy: PlausibilityPolicy) -> float:
        """Return how far the mid may be from the price believed `elapsed_ns` ago."""
        elapsed_s = max(0, elapsed_ns) / NS_PER_S
        wild_bps = policy.jump_deviations * self.deviation_bps * sqrt(elapsed_s)
        return half_spread_bps + min(
            max(policy.jump_bps_cap, policy.jump_bps_max),
            policy.jump_bps_max + policy.jump_bps_per_s * elapsed_s + wild_bps,
        )

    def check_jump(
        self, move: "Move", policy: PlausibilityPolicy, *, now_ns: int, anchor: Quote | None = None
    ) -> Reason | None:
        """Say whether a move is too far to be believed; the first price is.

        `anchor` is the quote that the move starts from, where the hot path may have accepted it without this band.
        """
        if move.before is None:
            return None
        allowed_bps = self.allowed_bps(move.elapsed_ns, move.half_spread_bps, policy)
        if abs(move.mid / move.before - 1) * BPS <= allowed_bps:
            return None
        if anchor is not self._anchor:
            self._anchor, self.claim = anchor, None
        claim = self.claim
        if claim is not None and is_near(move.mid, claim.mid, policy):
            self.claim = Claim(move.mid, move.before, claim.count + 1, claim.since_ns, now_ns)
        else:
            self.claim = Claim(move.mid, move.before, 1, now_ns, now_ns)
        return None if _is_believed(self.claim, policy, now_ns) else Reason.JUMP


class Move(Struct, frozen=True):
    """From the price that is believed to the one that is claimed."""

    mid: Price
    before: Price | None
    elapsed_ns: int
    half_spread_bps: float = 0.0
    """A mid wanders inside a wide spread without any trade."""


def is_near(mid: Price, other: Price, policy: PlausibilityPolicy) -> bool:
    """Say whether two prices are one level."""
    return abs(mid / other - 1) * BPS <= policy.jump_bps_max


def is_confirmed(claim: Claim, peers: Iterable[Price], policy: PlausibilityPolicy) -> bool:
    """Say whether another provider stands by the claimed level."""
    return claim.count >= policy.jump_confirmations and any(is_near(claim.mid, peer, policy) for peer in peers)


def check_quote(quote: Quote, previous: Quote | None, band: Band, policy: PlausibilityPolicy) -> Reason | None:
    """Say why `quote` must not reach the board, or return `None` and move `band` to it.

    `previous` is the line's last accepted quote. Quotes of one line are ordered by (event time, sequence), as
    Polygon's are: its sequence is unique and increasing per symbol and day, and restarts across days
    (dossier polygon.md, trap 6, read 2026-11-24). Where a provider has none, quotes of one time come in the order in
    which they arrive (alpaca.md trap 2, read 2026-11-24), and only the very same quote is a duplicate.
    """
    reason = _check_values(quote) or _check_order(quote, previous, policy)
    if reason is not None:
        return reason
    believed = _mid(quote)
    if believed is None:  # one-sided: nothing to compare
        return None
    reason = band.check_jump(_move(quote, believed, previous, band), policy, now_ns=quote.received_ns, anchor=previous)
    if reason is None:
        band.centre(believed, policy, at_ns=quote.received_ns)
    return reason


def check_last_price(last: LastPrice, band: Band, policy: PlausibilityPolicy) -> Reason | None:
    """Say why `last` must not reach the board, or return `None` and move `band` to it."""
    if not isfinite(last.price):
        return Reason.NOT_FINITE
    if last.price <= 0:
        return Reason.NOT_POSITIVE
    if last.event_ns is not None and last.event_ns > last.received_ns + policy.future_ms_max * NS_PER_MS:
        return Reason.FROM_THE_FUTURE
    move = Move(last.price, band.mid, last.received_ns - band.at_ns)
    reason = band.check_jump(move, policy, now_ns=last.received_ns)
    if reason is None:
        band.centre(last.price, policy, at_ns=last.received_ns)
    return reason


def _mid(quote: Quote) -> Price | None:
    if quote.bid is None or quote.ask is None:
        return None
    return (quote.bid + quote.ask) / 2


def _move(quote: Quote, mid: Price, previous: Quote | None, band: Band) -> Move:
    before = None if previous is None else _mid(previous)
    if previous is None or before is None:  # the price came from elsewhere: it may lie anywhere between bid and ask
        return Move(mid, band.mid, quote.received_ns - band.at_ns, _half_spread_bps(quote, mid))
    return Move(mid, before, quote.received_ns - previous.received_ns, _half_spread_bps(previous, before))


def _half_spread_bps(quote: Quote, mid: Price) -> float:
    return 0.0 if quote.bid is None or quote.ask is None else (quote.ask - quote.bid) / 2 / mid * BPS


def _is_believed(claim: Claim, policy: PlausibilityPolicy, now_ns: int) -> bool:
    if claim.count < policy.jump_confirmations or now_ns - claim.since_ns < policy.jump_alone_ms * NS_PER_MS:
        return False
    return not is_factor(claim.mid, claim.before)


def is_factor(price: Price, before: Price) -> bool:
    """Say whether one price is the other times a split's ratio or a hundred: no market moves like that."""
    match = match_split_ratio(price, before, FACTOR_TOLERANCE_BPS)
    return match is not None and not 1 / FACTOR_MIN < match.ratio < FACTOR_MIN


def _values(quote: Quote) -> tuple[Price | None, Price | None, int, int]:
    return quote.bid, quote.ask, quote.bid_size_shares, quote.ask_size_shares


def _check_values(quote: Quote) -> Reason | None:
    bid, ask = quote.bid, quote.ask
    if bid is None and ask is None:
        return Reason.NO_SIDES
    for side in (bid, ask):
        if side is None:
            continue
        if not isfinite(side):
            return Reason.NOT_FINITE
        if side <= 0:
            return Reason.NOT_POSITIVE
    if quote.bid_size_shares < 0 or quote.ask_size_shares < 0:
        return Reason.NEGATIVE_SIZE
    if bid is not None and ask is not None and bid > ask:
        return Reason.CROSSED
    return None


def _check_order(quote: Quote, previous: Quote | None, policy: PlausibilityPolicy) -> Reason | None:
    if quote.event_ns > quote.received_ns + policy.future_ms_max * NS_PER_MS:
        return Reason.FROM_THE_FUTURE
    if quote.event_ns < quote.received_ns - policy.past_days_max * NS_PER_DAY:
        return Reason.FROM_THE_PAST
    if previous is None or quote.event_ns > previous.event_ns:
        return None
    if quote.event_ns < previous.event_ns:
        return Reason.OUT_OF_ORDER
    if quote.sequence > previous.sequence:
        return None
    if quote.sequence == previous.sequence == 0 and _values(quote) != _values(previous):
        return None
    return Reason.DUPLICATE if quote.sequence == previous.sequence else Reason.OUT_OF_ORDER
