"""Alpaca's error, HTTP and trading-status codes → ours (dossier alpaca.md sections 2 to 6, read 2026-11-24)."""

from firmquote.model import FeedClass, LineState
from firmquote.providers.alpaca.config import Feed

FEED_CLASS = {
    Feed.IEX: FeedClass.SINGLE_VENUE,
    Feed.SIP: FeedClass.CONSOLIDATED,
    Feed.DELAYED_SIP: FeedClass.DELAYED,
}

SUCCESS = {"connected": LineState.CONNECTED, "authenticated": LineState.READY}

ERROR = {
    402: LineState.REFUSED_KEY,
    404: LineState.CLOSING,  # login not in time
    406: LineState.LIMITED,  # one connection per account and endpoint: the first one lives
    407: LineState.SLOW_CONSUMER,
    408: LineState.NOT_ENTITLED,
    409: LineState.NOT_ENTITLED,
    500: LineState.SERVER_ERROR,
}
"""All others (400, 401, 403, 405, 410) speak of one message of ours, and the line lives on."""

ENDS_THE_LINE = frozenset({402, 404, 406, 407, 408, 409})
"""Nothing more comes after these, whether or not the server closes."""

INVALID_SYNTAX = 400
SYMBOL_LIMIT = 405
INVALID_FOR_FEED = 410
REFUSES_A_SUBSCRIPTION = frozenset({INVALID_SYNTAX, SYMBOL_LIMIT, INVALID_FOR_FEED})
"""The whole request fails for one symbol in it, and the subscriptions stay as they were."""

HTTP = {
    401: LineState.REFUSED_KEY,
    403: LineState.NOT_ENTITLED,
    429: LineState.LIMITED,
}
"""Everything else from 400 on is `SERVER_ERROR`."""

WRONG_KEY_WORDS = "forbidden"
"""A 403 with this word is about the key (unconfirmed on the data host); others are about the plan."""

HALTED = frozenset({"H", "P", "2"})
"""`H` halt, `P` volatility pause (tapes C and O); `2` halt (tapes A and B). Alpaca's own table, read 2026-11-24."""

RESUMED = frozenset({"T", "3"})
"""`T` trading resumption (tapes C and O); `3` resume (A and B). `Q` resumes quoting, not trading."""
