"""One provider's side of the board: its lines, and plain integers about everything that it sent."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from firmquote.model import (
    CloseLine,
    FeedClass,
    LineStatus,
    Quote,
    Reason,
    Send,
    StreamProtocol,
    SymbolCodec,
    Tick,
    UnknownSymbol,
)

if TYPE_CHECKING:
    from firmquote.board.line import Line

DELAYS_KEPT = 1_024
"""Frames over which the delay percentiles are taken; a power of two."""


class FeedCounts(Struct, frozen=True, kw_only=True):
    """What a feed received so far. accepted + refused + unknown_symbols + halts = all market events decoded."""

    frames: int
    accepted: int
    refused: dict[str, int]
    halts: int
    unparsed: int
    unknown_symbols: int
    statuses: int
    last_accepted_ns: int | None


class Feed:
    """Mutable, owned by the board; `control` is told what is not a price: statuses and effects, in wire order."""

    __slots__ = (
        "_delays_from",
        "_delays_ns",
        "_frames",
        "accepted",
        "control",
        "feed_class",
        "halts",
        "last_accepted_ns",
        "lines",
        "lot_shares",
        "make_quote",
        "provider",
        "refused",
        "sample",
        "spelled",
        "statuses",
        "tick_ns",
        "tick_type",
        "unknown_symbols",
        "unparsed",
    )

    def __init__(
        self, provider: str, feed_class: FeedClass, control: Callable[[LineStatus | Send | CloseLine], None]
    ) -> None:
        self.provider = provider
        self.feed_class = feed_class
        self.control = control
        self.lines: dict[str, Line] = {}
        self.spelled: dict[str, Line] = {}
        """The lines again, by the provider's spelling, for its ticks."""
        self.tick_type: type | None = None
        self.tick_ns = 1
        self.lot_shares = 1
        self.make_quote: Callable[[Tick, int], Quote | UnknownSymbol] = _no_ticks
        self.accepted = 0
        self.refused: dict[Reason, int] = {}
        self.halts = 0
        self.statuses = 0
        self.unparsed = 0
        self.unknown_symbols = 0
        self.sample = b""
        """The beginning of the last frame that did not decode."""
        self.last_accepted_ns = 0
        self._frames = 0
        self._delays_from = 0
        self._delays_ns = [0] * DELAYS_KEPT

    @property
    def synthetic(self) -> bool:
        """Whether its prices are made up."""
        return self.feed_class is FeedClass.SYNTHETIC

    def expect_ticks(self, protocol: StreamProtocol, codec: SymbolCodec) -> None:
        """Prepare for a streamed provider's ticks."""
        self.tick_type = protocol.tick_type
        self.tick_ns = protocol.tick_ns
        self.lot_shares = protocol.lot_shares
        self.make_quote = protocol.make_quote
        self.spelled = {codec.to_provider(symbol): line for symbol, line in self.lines.items()}

    def note_frame(self, received_ns: int, delay_ns: int) -> None:
        """Count a frame that brought a quote; `delay_ns` is how much later than its own time that quote arrived."""
        self._delays_ns[self._frames & (DELAYS_KEPT - 1)] = delay_ns
        self._frames += 1
        self.last_accepted_ns = received_ns

    def delays_ns(self, since_frames: int = 0) -> list[int]:
        """Return the delays of the last frames after number `since_frames`, sorted; clock skew is not taken out."""
        return sorted(self._newest_delays_ns(min(self._frames - max(since_frames, self._delays_from), DELAYS_KEPT)))

    @property
    def frames(self) -> int:
        """How many frames brought a quote."""
        return self._frames

    def delays_since(self, frames: int) -> tuple[list[int], int]:
        """Return the delays of the frames after number `frames`, as far as they are kept, oldest first.

        With them comes the present number.
        """
        return self._newest_delays_ns(min(self._frames - frames, DELAYS_KEPT)), self._frames

    def forget_delays(self) -> None:
        """What came so far was late through no fault of the provider."""
        self._delays_from = self._frames

    def refuse(self, reason: Reason) -> None:
        """Count one price that did not reach the board."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def unfit_lines(self) -> int:
        """Return for how many symbols this provider is unfit now."""
        return sum(line.verdict is not None for line in self.lines.values())

    def counts(self) -> FeedCounts:
        """Return an immutable snapshot."""
        return FeedCounts(
            frames=self._frames,
            accepted=self.accepted,
            refused={reason.value: count for reason, count in self.refused.items()},
            halts=self.halts,
            unparsed=self.unparsed,
            unknown_symbols=self.unknown_symbols,
            statuses=self.statuses,
            last_accepted_ns=self.last_accepted_ns or None,
        )

    def _newest_delays_ns(self, count: int) -> list[int]:
        end = self._frames & (DELAYS_KEPT - 1)
        begin = end - count
        return self._delays_ns[begin:end] if begin >= 0 else self._delays_ns[begin:] + self._delays_ns[:end]


def _no_ticks(tick: Tick, received_ns: int) -> Quote | UnknownSymbol:
    raise AssertionError(f"a tick on a feed without ticks: {tick!r} at {received_ns}")
