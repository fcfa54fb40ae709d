"""Public test tools: a clock that moves only when told, builders with sensible defaults, the provider contract."""

from firmquote.testing.builders import last_price, quote
from firmquote.testing.clock import ManualClock
from firmquote.testing.contract import ProviderContract

__all__ = ["ManualClock", "ProviderContract", "last_price", "quote"]
