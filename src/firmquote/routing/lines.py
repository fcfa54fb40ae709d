"""Which single lines (a provider's of a symbol) are unfit although their provider is well, and why. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from firmquote.model import NS_PER_MS, NS_PER_S

MOST_SHARE = 0.5
"""A provider of which this share of lines is unfit is not well itself …"""
MOST_MIN = 2
"""… if they are at least so many."""
DOUBLINGS_MAX = 6
"""A line must be well for twice as long after each relapse, up to 64 times."""
FORGIVEN_NS = 600 * NS_PER_S
"""A line that was wanted again for so long starts anew."""


class Unfit(Struct, frozen=True, kw_only=True):
    """One reason against one line. `bars` says that its quote must leave the board at once, whoever is left."""

    words: str
    since_ns: int
    bars: bool
    passing: bool = False
    """It is about one request and not the line, which is as fit as before."""


class LineBook:
    """Remembers who objects to which line. A line that is cleared is wanted again after `recovery_ms`.

    A line that comes and goes is wanted again later each time, so that a symbol doesn't change its provider forever.
    Bounded: each source has at most one word on each line, and a relapse is forgotten.
    """

    def __init__(self, recovery_ms: int) -> None:
        self._recovery_ns = recovery_ms * NS_PER_MS
        self._unfit: dict[tuple[str, str], dict[str, Unfit]] = {}
        self._cleared_ns: dict[tuple[str, str], int] = {}
        self._wanted_ns: dict[tuple[str, str], int] = {}
        """Since when a line that had recovered has been wanted again, until a relapse is over or it is forgiven."""
        self._relapses: dict[tuple[str, str], int] = {}

    def object_to(
        self, provider: str, symbol: str, source: str, words: str, *, bars: bool, now_ns: int, passing: bool = False
    ) -> bool:
        """Note that `source` objects to a line; say whether that is new."""
        against = self._unfit.setdefault((provider, symbol), {})
        known = against.get(source)
        against[source] = Unfit(
            words=words, since_ns=now_ns if known is None else known.since_ns, bars=bars, passing=passing
        )
        return known is None or known.bars is not bars

    def clear(self, provider: str, symbol: str, source: str, now_ns: int | None) -> bool:
        """Note that `source` has nothing more against a line; say whether it had.

        With no time the line is wanted again at once, if it was before.
        """
        key = (provider, symbol)
        against = self._unfit.get(key)
        if against is None or against.pop(source, None) is None:
            return False
        if not against:
            del self._unfit[key]
            if now_ns is not None:
                self._cleared_ns[key] = now_ns
                if self._wanted_ns.pop(key, None) is not None:
                    self._relapses[key] = min(self._relapses.get(key, 0) + 1, DOUBLINGS_MAX)
        return True

    def expire(self, now_ns: int) -> bool:
        """Forget recoveries that are over; say whether there were any."""
        over = [
            key
            for key, at_ns in self._cleared_ns.items()
            if key not in self._unfit and now_ns - at_ns >= self._recovery_ns << self._relapses.get(key, 0)
        ]
        for key in over:
            del self._cleared_ns[key]
            self._wanted_ns[key] = now_ns
        forgiven = [
            key for key, at_ns in self._wanted_ns.items() if key not in self._unfit and now_ns - at_ns >= FORGIVEN_NS
        ]
        for key in forgiven:
            del self._wanted_ns[key]
            self._relapses.pop(key, None)
        return bool(over)

    def against(self, provider: str, symbol: str) -> dict[str, Unfit]:
        """Return every objection to a line, by source."""
        return self._unfit.get((provider, symbol), {})

    def symbols_against(self, provider: str) -> dict[str, str]:
        """Return the unfit symbols of a provider, each with its first reason that is more than passing."""
        lasting = {
            symbol: [objection.words for objection in against.values() if not objection.passing]
            for (name, symbol), against in self._unfit.items()
            if name == provider
        }
        return {symbol: words[0] for symbol, words in lasting.items() if words}

    def most_unfit(self, provider: str, lines: int) -> str | None:
        """Return what is wrong where at least half of a provider's `lines` (and two) are unfit, else `None`."""
        unfit = self.symbols_against(provider)
        if len(unfit) < max(MOST_MIN, lines * MOST_SHARE):
            return None
        return f"{len(unfit)} of its {lines} symbols are unfit: {next(iter(unfit.values()))}"

    def arrange(self, symbol: str, order: Iterable[str]) -> list[str]:
        """Return the fit providers of `symbol` in order, recovering ones last."""
        fit: list[str] = []
        recovering: list[str] = []
        for provider in order:
            if (provider, symbol) not in self._unfit:
                (recovering if (provider, symbol) in self._cleared_ns else fit).append(provider)
        return [*fit, *recovering]

    def barred(self, symbol: str, providers: Iterable[str]) -> frozenset[str]:
        """Return those of `providers` whose quote of `symbol` must not be shown."""
        return frozenset(
            name for name in providers if any(objection.bars for objection in self.against(name, symbol).values())
        )

    def is_recovering(self, provider: str, symbol: str) -> bool:
        """Say whether a line is well again and not yet wanted."""
        return (provider, symbol) in self._cleared_ns
