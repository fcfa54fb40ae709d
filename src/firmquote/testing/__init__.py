"""Public test tools: a clock that moves only when told, and builders with sensible defaults."""

from firmquote.testing.builders import last_price, quote
from firmquote.testing.clock import ManualClock

__all__ = ["ManualClock", "last_price", "quote"]
