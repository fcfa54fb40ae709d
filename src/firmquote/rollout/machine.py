"""The rollout: from stage to stage on proof, back on evidence. Every call is told what time it is."""

from collections import deque
from collections.abc import Mapping

from msgspec import Struct, structs

from firmquote.errors import RefusedError
from firmquote.model import NS_PER_S
from firmquote.model.rollout import StageChange
from firmquote.rollout.gates import GateReading, GateStatus, Severity
from firmquote.rollout.policy import RolloutPolicy
from firmquote.rollout.stages import Stage, StageMap

HISTORY_KEPT = 200
BY_ITSELF = "gates"


class RolloutState(Struct, frozen=True, kw_only=True):
    """What outlives the process."""

    stage: str
    since_ns: int
    of: str
    """Which providers and symbols earned this stage; others start anew."""
    clean: bool = False
    """Set when the process ended as it should."""
    held: str | None = None
    cool_until_ns: int = 0
    quarantined: dict[str, str] = {}
    fallen: StageChange | None = None
    """The step back that came by itself, and nobody has answered yet."""


class Rollout:
    """Owns the stage. Its clock is the wall's; a stage never lasts shorter for a step of it than by a restart."""

    def __init__(
        self,
        policy: RolloutPolicy,
        *,
        canary: frozenset[str],
        priority: frozenset[str],
        ceiling: Stage,
        ceiling_words: str,
        now_ns: int,
    ) -> None:
        self.held: str | None = None
        self.cool_until_ns = 0
        self.since_ns = now_ns
        self.breaches: dict[str, int] = {}
        self.quarantined: dict[str, str] = {}
        self.fallen: StageChange | None = None
        """The last step back by itself, until an operator gives an order or the stage is reached again."""
        self.unclean_ns: int | None = None
        """When this process began, if the one before ended without saying so."""
        self.history: deque[StageChange] = deque(maxlen=HISTORY_KEPT)
        self._stage = min(Stage[policy.start.upper()], ceiling)
        self.reconfigure(
            policy, canary=canary, priority=priority, ceiling=ceiling, ceiling_words=ceiling_words, now_ns=now_ns
        )

    # -- asking

    @property
    def stage(self) -> Stage:
        """The stage of the process."""
        return self._stage

    def state(self, of: str, *, clean: bool) -> RolloutState:
        """Return what must outlive the process."""
        return RolloutState(
            stage=self._stage.label,
            since_ns=self.since_ns,
            of=of,
            clean=clean,
            held=self.held,
            cool_until_ns=self.cool_until_ns,
            quarantined=dict(self.quarantined),
            fallen=self.fallen,
        )

    def all_pass(self) -> bool:
        """Say whether every gate passed at the last evaluation; without any they did not."""
        return bool(self.readings) and all(r.status is GateStatus.PASS for r in self.readings.values())

    def obstacles(self, now_ns: int, *, forced: bool = False) -> list[str]:
        """Return what stands in the way of the next stage; nothing when it may come now."""
        found = []
        if self._stage is Stage.FULL:
            return ["the rollout is full: there is no further stage"]
        if self._stage >= self._ceiling:
            found.append(self._ceiling_words)
        if self.held is not None:
            found.append(f"held: {self.held}")
        if forced or self._stage is Stage.OFF:
            return found  # in off there is nothing to measure
        left_s = (self.since_ns + self._dwell_ns() - now_ns) / NS_PER_S
        if left_s > 0:
            found.append(f"{self._stage.label} lasts {left_s:.0f} s more at least")
        cool_s = (self.cool_until_ns - now_ns) / NS_PER_S
        if cool_s > 0:
            found.append(f"cooling off for {cool_s:.0f} s more")
        if not self.readings:
            found.append("no gate was evaluated yet")
        found += [f"{n}: {r.message}" for n, r in self.readings.items() if r.status is not GateStatus.PASS]
        return found

    # -- what happens

    def resume(self, stored: RolloutState | None, of: str, now_ns: int) -> list[StageChange]:
        """Take up what the last process left: one stage lower after an unclean end, in shadow for other providers."""
        before = self._stage
        if stored is None:
            return []
        stage = Stage[stored.stage.upper()]
        words = f"it was in {stage.label} before the restart"
        if stored.of != of:
            stage, words = min(stage, Stage.SHADOW), f"{stage.label} was earned by other providers or symbols"
        elif not stored.clean and stage > Stage.SHADOW:
            words = f"it was in {stage.label}, and ended without saying so"
            stage = Stage(stage - 1)
        elif stored.clean:
            self.since_ns = min(stored.since_ns, now_ns)
        if stage > self._ceiling:
            stage, words = self._ceiling, self._ceiling_words
        self.held, self.cool_until_ns = stored.held, stored.cool_until_ns
        self.quarantined = dict(stored.quarantined)
        self._stage = stage
        change = self._note("started", before, BY_ITSELF, words, now_ns)
        self._remember_fall(stored, of, change)
        return [change]

    def reconfigure(
        self,
        policy: RolloutPolicy,
        *,
        canary: frozenset[str],
        priority: frozenset[str],
        ceiling: Stage,
        ceiling_words: str,
        now_ns: int,
    ) -> list[StageChange]:
        """Take another policy and other symbols; a stage above the new ceiling is left at once."""
        self.policy = policy
        self._canary, self._priority = canary, priority
        self._ceiling, self._ceiling_words = ceiling, ceiling_words
        self.readings: Mapping[str, GateReading] = {}
        self.breaches.clear()
        self.map = self._draw()
        if self._stage > ceiling:
            return [self._roll_back(ceiling, by="owner", reason=ceiling_words, gate=None, now_ns=now_ns)]
        return []

    def evaluate(
        self, readings: Mapping[str, GateReading], bad_symbols: frozenset[str], now_ns: int
    ) -> list[StageChange]:
        """Take what the gates say now: count breaches, roll back, quarantine, and promote where that is automatic.

        Off is left by an operator only.
        """
        self.readings = readings
        changes = [self._quarantine(symbol, now_ns) for symbol in sorted(bad_symbols) if symbol not in self.quarantined]
        for name, reading in readings.items():
            self.breaches[name] = self.breaches.get(name, 0) + 1 if reading.status is GateStatus.FAIL else 0
        worst = self._worst_breach()
        if self._stage >= Stage.CANARY and worst is not None:
            reading = readings[worst]
            target = Stage.SHADOW if reading.severity is Severity.ALL else Stage(self._stage - 1)
            words = f"{worst}: {reading.message}, {self.breaches[worst]} times in a row"
            changes.append(self._roll_back(target, by=BY_ITSELF, reason=words, gate=worst, now_ns=now_ns))
        elif self.policy.approval == "auto" and self._stage is not Stage.OFF and not self.obstacles(now_ns):
            changes.append(self._promote(BY_ITSELF, "every gate passed", now_ns))
        return changes

    def promote(self, *, by: str, reason: str, now_ns: int, forced: bool = False) -> StageChange:
        """Go one stage further, by an operator's word. Raises RefusedError where something stands in the way."""
        obstacles = self.obstacles(now_ns, forced=forced)
        if obstacles:
            raise RefusedError(f"{self._stage.label} stays: {'; '.join(obstacles)}.")
        return self._promote(by, f"forced: {reason}" if forced else reason, now_ns)

    def roll_back(self, *, by: str, reason: str, now_ns: int, to: Stage | None = None) -> StageChange:
        """Go back, by one stage or to `to`. Raises RefusedError where that is no way back."""
        target = Stage(max(0, self._stage - 1)) if to is None else to
        if target >= self._stage:
            raise RefusedError(f"{target.label} is not before {self._stage.label}, so there is no way back to it.")
        return self._roll_back(target, by=by, reason=reason, gate=None, now_ns=now_ns)

    def hold(self, *, by: str, reason: str, now_ns: int) -> StageChange:
        """Let nothing be promoted until `let_go`. Rollbacks go on."""
        self.held = reason
        self.fallen = None
        return self._note("held", self._stage, by, reason, now_ns)

    def let_go(self, *, by: str, reason: str, now_ns: int) -> StageChange:
        """Allow promotions again. Raises RefusedError where nothing is held."""
        if self.held is None:
            raise RefusedError("the rollout is not held.")
        self.held = None
        return self._note("resumed", self._stage, by, reason, now_ns)

    def readmit(self, symbol: str, *, by: str, reason: str, now_ns: int) -> StageChange:
        """Take a symbol out of quarantine. Raises RefusedError where it is in none."""
        if symbol not in self.quarantined:
            raise RefusedError(f"{symbol} is not in quarantine.")
        del self.quarantined[symbol]
        return self._note("readmitted", self._stage, by, reason, now_ns, symbol=symbol)

    # -- how

    def _remember_fall(self, stored: RolloutState, of: str, change: StageChange) -> None:
        if stored.of != of:
            return
        self.fallen = stored.fallen
        if not stored.clean:
            self.unclean_ns = change.at_ns
            if change.after != stored.stage:
                self.fallen = structs.replace(change, before=stored.stage)

    def _worst_breach(self) -> str | None:
        failing = [n for n, count in self.breaches.items() if count >= self.policy.breaches_to_roll_back]
        return min(failing, key=lambda n: self.readings[n].severity is not Severity.ALL, default=None)

    def _dwell_ns(self) -> int:
        dwells = {Stage.CANARY: self.policy.canary_dwell_s, Stage.PRIORITY: self.policy.priority_dwell_s}
        return int(dwells.get(self._stage, 0) * NS_PER_S)

    def _promote(self, by: str, reason: str, now_ns: int) -> StageChange:
        before = self._stage
        self._enter(Stage(before + 1), now_ns)
        if by != BY_ITSELF or (self.fallen is not None and self._stage >= Stage[self.fallen.before.upper()]):
            self.fallen = None
        return self._note("promoted", before, by, reason, now_ns)

    def _roll_back(self, target: Stage, *, by: str, reason: str, gate: str | None, now_ns: int) -> StageChange:
        before = self._stage
        self._enter(target, now_ns)
        self.cool_until_ns = now_ns + int(self.policy.cool_off_s * NS_PER_S)
        change = self._note("rolled back", before, by, reason, now_ns, gate=gate)
        self.fallen = change if by == BY_ITSELF else None
        return change

    def _enter(self, stage: Stage, now_ns: int) -> None:
        self._stage = stage
        self.since_ns = now_ns
        self.breaches.clear()
        self.readings = {}

    def _quarantine(self, symbol: str, now_ns: int) -> StageChange:
        words = "its prices are proven to mismatch the other provider's too often"
        self.quarantined[symbol] = words
        return self._note("quarantined", self._stage, BY_ITSELF, words, now_ns, symbol=symbol)

    def _note(
        self,
        kind: str,
        before: Stage,
        by: str,
        reason: str,
        now_ns: int,
        *,
        gate: str | None = None,
        symbol: str | None = None,
    ) -> StageChange:
        self.map = self._draw()
        change = StageChange(
            at_ns=now_ns,
            kind=kind,
            before=before.label,
            after=self._stage.label,
            by=by,
            reason=reason,
            gate=gate,
            symbol=symbol,
        )
        self.history.append(change)
        return change

    def _draw(self) -> StageMap:
        return StageMap(
            stage=self._stage,
            canary=self._canary,
            priority=self._priority,
            quarantined=frozenset(self.quarantined),
        )
