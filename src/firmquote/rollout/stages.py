"""Stages: how far live quotes are trusted, and with which symbols."""

from enum import IntEnum

from msgspec import Struct


class Stage(IntEnum):
    """Ordered: a greater stage trusts live quotes with more."""

    OFF = 0
    """No live provider is asked; the mock serves."""
    SHADOW = 1
    """Live quotes are shown and decisions computed; none is acted on."""
    CANARY = 2
    """Decisions on the canary symbols are acted on."""
    PRIORITY = 3
    """… and on the priority symbols."""
    FULL = 4
    """… and on all."""

    @property
    def label(self) -> str:
        """The lower-case word used in JSON, logs and pages."""
        return self.name.lower()


class StageMap(Struct, frozen=True, kw_only=True):
    """The stage that the process is in, and what it means for each symbol."""

    stage: Stage
    canary: frozenset[str] = frozenset()
    priority: frozenset[str] = frozenset()
    quarantined: frozenset[str] = frozenset()
    """Symbols that proved bad on their own; they stay in shadow whatever the stage."""

    def stage_of(self, symbol: str) -> Stage:
        """Return the stage that `symbol` is in: the process's, or shadow where that does not reach it yet."""
        if self.stage <= Stage.SHADOW:
            return self.stage
        if symbol in self.quarantined:
            return Stage.SHADOW
        return self.stage if self.stage >= self.reached_at(symbol) else Stage.SHADOW

    def reached_at(self, symbol: str) -> Stage:
        """Return the first stage in which decisions on `symbol` are acted on."""
        if symbol in self.canary:
            return Stage.CANARY
        return Stage.PRIORITY if symbol in self.priority else Stage.FULL

    def acting(self, symbols: frozenset[str]) -> frozenset[str]:
        """Return those of `symbols` whose decisions are acted on."""
        return frozenset(symbol for symbol in symbols if self.stage_of(symbol) >= Stage.CANARY)
