"""Judging what arrived: is this quote plausible, and how far may it be trusted? Pure functions over values."""

from firmquote.quality.grading import GradePolicy, Standing, age_ns, grade
from firmquote.quality.plausibility import Band, PlausibilityPolicy, check_last_price, check_quote

__all__ = [
    "Band",
    "GradePolicy",
    "PlausibilityPolicy",
    "Standing",
    "age_ns",
    "check_last_price",
    "check_quote",
    "grade",
]
