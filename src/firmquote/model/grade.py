"""Firmness: how much a quote can be trusted, and why not more."""

from enum import Enum, IntEnum

from msgspec import Struct


class Grade(IntEnum):
    """Ordered: a greater grade may be trusted with more."""

    NONE = 0
    """No usable quote; hold."""
    MOCK = 1
    """Synthetic; paper only."""
    STALE = 2
    """Older than the ceiling; hold."""
    INDICATIVE = 3
    """A usable price with something missing; reduce only, unless the configuration allows more."""
    FIRM = 4
    """Safe to act on."""

    @property
    def label(self) -> str:
        """The lower-case word used in JSON, logs and pages."""
        return self.name.lower()


USABLE = Grade.INDICATIVE
"""The worst grade that can be acted on."""
USABLE_GRADES = frozenset({grade.label for grade in Grade if grade >= USABLE})
"""The words of the grades that can be acted on."""


class Reason(Enum):
    """Why a grade is no better, or why a quote was refused. The values are contracts."""

    # why a grade is no better
    NO_QUOTE = "no_quote"
    SYNTHETIC = "synthetic"
    AWAITING_FIRST_QUOTE = "awaiting_first_quote"
    STALE = "stale"
    UNCHANGED = "unchanged"
    AGING = "aging"
    HALTED = "halted"
    ONE_SIDED = "one_sided"
    LAST_PRICE_ONLY = "last_price_only"
    NO_EVENT_TIME = "no_event_time"
    DELAYED = "delayed"
    END_OF_DAY = "end_of_day"
    SINGLE_VENUE = "single_venue"
    DIVERGENT = "divergent"
    SPLIT_MISMATCH = "split_mismatch"
    WRONG_MAPPING = "wrong_mapping"
    PRICE_UNITS = "price_units"
    SIZE_UNITS = "size_units"
    ABSURD_SIZE = "absurd_size"
    REPEATING = "repeating"
    CLOCK_SKEW = "clock_skew"
    LIMIT_STATE = "limit_state"
    SWITCHED_OFF = "switched_off"
    HALTS_OFF = "halts_off"

    # why a quote was refused and never reached the board
    CROSSED = "crossed"
    NO_SIDES = "no_sides"
    NOT_FINITE = "not_finite"
    NOT_POSITIVE = "not_positive"
    NEGATIVE_SIZE = "negative_size"
    OUT_OF_ORDER = "out_of_order"
    DUPLICATE = "duplicate"
    FROM_THE_FUTURE = "from_the_future"
    FROM_THE_PAST = "from_the_past"
    JUMP = "jump"


class Graded(Struct, frozen=True):
    """A grade with everything that kept it from being better, worst first; empty when firm."""

    grade: Grade
    reasons: tuple[Reason, ...] = ()


class Session(Enum):
    """Part of the exchange's day."""

    PRE = "pre"
    REGULAR = "regular"
    AFTER = "after"
    CLOSED = "closed"
