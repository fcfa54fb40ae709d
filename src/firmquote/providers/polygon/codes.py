"""Polygon's status words and HTTP codes → ours (dossier polygon.md sections 2, 4 and 6, read 2026-11-24)."""

from firmquote.model import LineState

STATUS = {
    "connected": LineState.CONNECTED,
    "auth_success": LineState.READY,
    "auth_failed": LineState.REFUSED_KEY,
    "auth_timeout": LineState.CLOSING,
    "success": LineState.SUBSCRIBED,
    "max_connections": LineState.LIMITED,
    "force_disconnect": LineState.CLOSING,
    "slow_consumer": LineState.SLOW_CONSUMER,
}

CLOSES = frozenset({"auth_failed", "auth_timeout", "max_connections", "force_disconnect", "slow_consumer"})
"""After these the server closes the line."""

NOT_ENTITLED_WORDS = ("not authorized", "don't have access", "not entitled")
"""An `error` status with these words is about the plan, not about us (the first is per channel)."""

SUBSCRIBED_PREFIX = "subscribed to: Q."

HTTP = {
    401: LineState.REFUSED_KEY,
    403: LineState.NOT_ENTITLED,
    429: LineState.LIMITED,
}
"""Everything else from 400 on is `SERVER_ERROR`, except 404: the ticker is not known."""

NASDAQ_TAPE = 3
HALTED, RESUMED = 17, 18
"""Indicators of the LULD channel, of that tape alone: massive.com/docs/websocket/stocks/luld, read 2026-11-24."""
