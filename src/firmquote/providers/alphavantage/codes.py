"""Alpha Vantage says everything with HTTP 200: what its sentences mean (dossier section 5, read 2026-11-24)."""

from msgspec import Struct

from firmquote.model import LineState

DAY_S = 86_400.0
MINUTE_S = 60.0
BURST_S = 2.0


class Notice(Struct, frozen=True):
    """What a sentence means, and how long it asks us to wait."""

    state: LineState
    retry_after_s: float | None = None


RULES: tuple[tuple[str, Notice], ...] = (
    # The burst sentence also holds the words of the daily one: it comes first.
    ("spreading out", Notice(LineState.LIMITED, BURST_S)),
    ("1 request per second", Notice(LineState.LIMITED, BURST_S)),
    ("burst pattern", Notice(LineState.LIMITED, BURST_S)),
    ("minute-level rate limit", Notice(LineState.LIMITED, MINUTE_S)),
    ("requests per day", Notice(LineState.LIMITED, DAY_S)),
    ("call frequency", Notice(LineState.LIMITED, MINUTE_S)),
    ("apikey is invalid or missing", Notice(LineState.REFUSED_KEY)),
    ("**demo** api key", Notice(LineState.REFUSED_KEY)),
    ("premium endpoint", Notice(LineState.NOT_ENTITLED)),
    ("not entitled", Notice(LineState.NOT_ENTITLED)),
)
"""First match wins; compared in lower case."""

INVALID_CALL = "invalid api call"
"""In `Error Message`: the symbol is not known, or our request is malformed."""


def classify(sentence: str) -> Notice:
    """Return what a notice means; a sentence that we do not know is a server error, so that it counts as a failure."""
    text = sentence.lower()
    return next((notice for words, notice in RULES if words in text), Notice(LineState.SERVER_ERROR))
