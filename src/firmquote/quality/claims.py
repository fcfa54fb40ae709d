"""Why does a line insist on another level? A split that one side has not applied, another unit, another symbol."""

from collections.abc import Mapping

from firmquote.model import BPS, Price, Reason
from firmquote.quality.fitness import Finding
from firmquote.quality.plausibility import FACTOR_TOLERANCE_BPS, Claim, is_factor
from firmquote.symbols import RatioKind, match_split_ratio


def explain_claim(
    claim: Claim,
    *,
    contradicted_by: str | None,
    others: Mapping[str, Price],
    near_bps: float,
) -> Finding:
    """Say what is wrong with a line that insists on `claim`.

    `contradicted_by` is another provider that stands by the earlier level, if there is one; without, a factor puts the
    symbol in quarantine, since nobody can say which side of it is right. `others` are the prices of other symbols.
    """
    alone = contradicted_by is None
    against = f"the earlier {claim.before:.4f}" if alone else f"{contradicted_by}'s {claim.before:.4f}"
    for symbol, price in others.items():
        if abs(claim.mid / price - 1) * BPS <= near_bps:
            return Finding(Reason.WRONG_MAPPING, f"{claim.mid:.4f} is no price of it (cf. {against}), but {symbol}'s")
    match = match_split_ratio(claim.mid, claim.before, FACTOR_TOLERANCE_BPS)
    if match is not None and is_factor(claim.mid, claim.before):
        units = match.kind is RatioKind.UNITS
        reason = Reason.PRICE_UNITS if units else Reason.SPLIT_MISMATCH
        what = "another unit, cents?" if units else "a split that one side has not applied?"
        return Finding(reason, f"{claim.mid:.4f} is {match.ratio} times {against}: {what}", quarantines=alone)
    return Finding(Reason.JUMP, f"{claim.mid:.4f} is too far from {against}")
