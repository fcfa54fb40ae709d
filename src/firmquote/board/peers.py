"""What the other lines of a symbol say to a price that one line alone would not believe. Never on the hot path."""

from collections.abc import Iterator

from firmquote.board.line import Line
from firmquote.model import NS_PER_MS, Price, Quote
from firmquote.quality import PlausibilityPolicy, is_confirmed


def begin_band(line: Line, policy: PlausibilityPolicy, *, now_ns: int) -> None:
    """Let a line that knows no price yet begin at another provider's, so that its first price is checked too."""
    if line.feed.synthetic:
        return
    for _, believed in believed_elsewhere(line, policy, now_ns=now_ns):
        line.band.begin(believed, policy, at_ns=now_ns)
        return


def confirm_claim(line: Line, policy: PlausibilityPolicy, *, now_ns: int) -> bool:
    """Believe the level that `line` insists on if another provider stands by it, or insists on it as well."""
    claim = line.band.claim
    if claim is None:
        return False
    believed = (price for _, price in believed_elsewhere(line, policy, now_ns=now_ns))
    levels = [*believed, *_claimed_elsewhere(line, policy, now_ns=now_ns)]
    if not is_confirmed(claim, levels, policy):
        return False
    line.band.centre(claim.mid, policy, at_ns=now_ns)
    return True


def believed_elsewhere(line: Line, policy: PlausibilityPolicy, *, now_ns: int) -> Iterator[tuple[str, Price]]:
    """Yield the other providers' present prices; one that cannot be trusted itself says nothing."""
    quote_ns = policy.peer_age_ms * NS_PER_MS
    for other in line.entry.lines.values():
        if other is line or other.verdict is not None or other.feed.synthetic:
            continue
        price = other.price
        if isinstance(price, Quote):
            if price.bid is not None and price.ask is not None and now_ns - price.received_ns <= quote_ns:
                yield other.provider, (price.bid + price.ask) / 2
        elif price is not None and now_ns - price.received_ns <= policy.last_price_age_ms * NS_PER_MS:
            yield other.provider, price.price


def _claimed_elsewhere(line: Line, policy: PlausibilityPolicy, *, now_ns: int) -> Iterator[Price]:
    for other in line.entry.lines.values():
        claim = other.band.claim
        if other is not line and claim is not None and now_ns - claim.at_ns <= policy.peer_age_ms * NS_PER_MS:
            yield claim.mid
