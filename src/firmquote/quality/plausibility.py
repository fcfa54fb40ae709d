"""Refuse what cannot be a quote before it reaches the board. Locked is legal; crossed is not."""

from math import isfinite

from msgspec import Struct

from firmquote.model import BPS, NS_PER_MS, NS_PER_S, LastPrice, Price, Quote, Reason


class PlausibilityPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a quote may be from what we know."""

    jump_bps_max: float = 1_000.0
    """How far the mid may move from one accepted quote to the next, in basis points of the earlier mid."""
    jump_bps_per_s: float = 50.0
    """By how much that band widens for each second without an accepted quote."""
    jump_confirmations: int = 3
    """A new level that this many quotes in a row agree on is believed: the price moved, the band was wrong."""
    future_ms_max: int = 1_000
    """How far ahead of our clock a provider's time may be."""


class Band:
    """The believed price of one line: a calm zone that the hot path tests, and the level that a jump must prove.

    `low` and `high` bound the calm zone. Two prices inside it differ by at most (1 + calm) / (1 - calm) - 1, which
    is exactly the allowed jump: so a quote inside the zone needs no further look, and that is exact, not a guess.
    """

    __slots__ = ("_anchor", "_claims", "_level", "high", "low", "mid")

    def __init__(self) -> None:
        self.low: Price = 0.0
        self.high: Price = 0.0
        """An empty zone, so that the first quote takes the slow path."""
        self.mid: Price | None = None
        self._level: Price = 0.0
        self._claims = 0
        self._anchor: Quote | None = None
        """The accepted quote that the claims contradict: a newer one ends them."""

    def centre(self, mid: Price, policy: PlausibilityPolicy) -> None:
        """Believe `mid`: move the calm zone there and forget all claims of another level."""
        jump = policy.jump_bps_max / BPS
        calm = jump / (2 + jump)
        self.low = mid * (1 - calm)
        self.high = mid * (1 + calm)
        self.mid = mid
        self._claims = 0

    def check_jump(
        self,
        mid: Price,
        before: Price | None,
        *,
        elapsed_ns: int,
        policy: PlausibilityPolicy,
        anchor: Quote | None = None,
    ) -> Reason | None:
        """Say whether `mid` is too far from the price accepted `elapsed_ns` before it; the first price is believed.

        `anchor` is the quote that `before` comes from, where the hot path may have accepted it without this band.
        """
        if before is None:
            return None
        allowed_bps = policy.jump_bps_max + policy.jump_bps_per_s * max(0, elapsed_ns) / NS_PER_S
        if abs(mid / before - 1) * BPS <= allowed_bps:
            return None
        if anchor is not self._anchor:
            self._anchor, self._claims = anchor, 0
        near = self._claims > 0 and abs(mid / self._level - 1) * BPS <= policy.jump_bps_max
        self._claims = self._claims + 1 if near else 1
        self._level = mid
        return None if self._claims >= policy.jump_confirmations else Reason.JUMP


def check_quote(quote: Quote, previous: Quote | None, band: Band, policy: PlausibilityPolicy) -> Reason | None:
    """Say why `quote` must not reach the board, or return `None` and move `band` to it.

    `previous` is the line's last accepted quote. Quotes of one line are ordered by (event time, sequence), as
    Polygon's are: its sequence is unique and increasing per symbol and day, and restarts across days
    (dossier polygon.md, trap 6, read 2026-11-24).
    """
    reason = _check_values(quote) or _check_order(quote, previous, policy)
    if reason is not None:
        return reason
    believed = _mid(quote)
    if believed is None:  # one-sided: nothing to compare
        return None
    elapsed_ns = 0 if previous is None else quote.received_ns - previous.received_ns
    before = band.mid if previous is None else _mid(previous) or band.mid
    reason = band.check_jump(believed, before, elapsed_ns=elapsed_ns, policy=policy, anchor=previous)
    if reason is None:
        band.centre(believed, policy)
    return reason


def check_last_price(last: LastPrice, band: Band, policy: PlausibilityPolicy, *, elapsed_ns: int) -> Reason | None:
    """Say why `last` must not reach the board, or return `None` and move `band` to it."""
    if not isfinite(last.price):
        return Reason.NOT_FINITE
    if last.price <= 0:
        return Reason.NOT_POSITIVE
    if last.event_ns is not None and last.event_ns > last.received_ns + policy.future_ms_max * NS_PER_MS:
        return Reason.FROM_THE_FUTURE
    reason = band.check_jump(last.price, band.mid, elapsed_ns=elapsed_ns, policy=policy)
    if reason is None:
        band.centre(last.price, policy)
    return reason


def _mid(quote: Quote) -> Price | None:
    if quote.bid is None or quote.ask is None:
        return None
    return (quote.bid + quote.ask) / 2


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
    if previous is None or quote.event_ns > previous.event_ns:
        return None
    if quote.event_ns < previous.event_ns:
        return Reason.OUT_OF_ORDER
    if quote.sequence > previous.sequence:
        return None
    return Reason.DUPLICATE if quote.sequence == previous.sequence else Reason.OUT_OF_ORDER
