"""The rollout drill: from off to full on the simulators under a clock that runs faster, then a fault for each gate."""

from collections.abc import Sequence

import uvloop
from msgspec import structs

from firmquote.lab.drills.gates import GATE_FAULTS, GateFault
from firmquote.lab.drills.options import DrillOptions
from firmquote.lab.drills.range import Range, Setup, firing_range
from firmquote.lab.tape import load_tape
from firmquote.model import NS_PER_S, Quote
from firmquote.model.drill import DrillCheck, DrillReport, at_least, at_most
from firmquote.model.rollout import StageChange
from firmquote.model.safety import Caller
from firmquote.rollout import RolloutPolicy, Stage
from firmquote.routing import Status
from firmquote.runtime import Config, SystemClock

SCALE = 40
"""Seconds of the rollout in one of the machine's."""
SETUP = Setup(name="polygon+alpaca", active="polygon", warm="alpaca")
SPEED = 2.0
ME = Caller("drill", "drill")
ARRIVE_S_MAX = 180.0
ROLL_BACK_S_MAX = 60.0
CALM_S_MAX = 60.0
HEARD_S = 10.0
"""A quote that is older may be what a provider that was silent has left."""
SETTLE_S = 3.0


class ScaledClock:
    """The machine's clock, faster."""

    def __init__(self, scale: int) -> None:
        self._clock = SystemClock()
        self._scale = scale
        self._began_ns, self._wall_ns = self._clock.monotonic_ns(), self._clock.now_ns()

    def monotonic_ns(self) -> int:
        """Return the scaled time since the beginning."""
        return (self._clock.monotonic_ns() - self._began_ns) * self._scale

    def now_ns(self) -> int:
        """Return the scaled wall time."""
        return self._wall_ns + self.monotonic_ns()

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Sleep until the scaled moment."""
        await self._clock.sleep_until(self._began_ns + monotonic_ns // self._scale)


def rollout_drill(
    options: DrillOptions, *, faults: Sequence[GateFault] = GATE_FAULTS, quick: bool = False
) -> DrillReport:
    """Run it; `quick` makes dwells a tenth as long and asks less of decisions."""
    return DrillReport(drill="rollout", checks=tuple(uvloop.run(_run(options, faults, quick=quick))))


async def _run(options: DrillOptions, faults: Sequence[GateFault], *, quick: bool) -> list[DrillCheck]:
    def change(config: Config) -> Config:
        return _changed(config, quick=quick)

    async with firing_range(SETUP, load_tape(), change=change, speed=SPEED * (4 if quick else 1)) as run:
        promotion = run.gateway.safety.promotion
        await run.until(lambda: run.gateway.report.not_ready() is None, within_s=20)
        await run.wait(SETTLE_S)
        promotion.use_clock(ScaledClock(SCALE))
        checks = [_is("begins in off", promotion.rollout.stage is Stage.OFF)]
        await promotion.promote(ME, "drill", forced=False)
        outside = _Outside(run)
        took_s = await run.until(lambda: outside.look() or promotion.rollout.stage is Stage.FULL, within_s=ARRIVE_S_MAX)
        checks += _arrival(took_s, list(promotion.rollout.history), quick=quick)
        for name, gate in promotion.gates().items():
            options.say(f"{name}: {gate.status} {gate.current} ({gate.samples} samples) {gate.message}")
        if took_s is not None:
            for fault in faults:
                checks.append(await _break(run, fault, outside))
                options.say(f"{fault.gate} ({fault.what}): {promotion.rollout.history[-1].reason}")
        checks.append(at_most("looks at a symbol that acts outside its stage", outside.seen, 0, "looks"))
        return checks


class _Outside:
    """Looks whether any symbol may open risk that its stage does not reach."""

    def __init__(self, run: Range) -> None:
        self._run = run
        self.seen = 0

    def look(self) -> bool:
        """Look; always `False`, so that a wait goes on."""
        safety = self._run.gateway.safety
        quotes = self._run.gateway.config.feeds.quotes
        acting = {
            Stage.CANARY: set(quotes.canary_symbols),
            Stage.PRIORITY: {*quotes.canary_symbols, *quotes.priority_symbols},
            Stage.FULL: set(quotes.live_symbols_allowlist),
        }.get(safety.stages.stage, set())
        self.seen += sum(
            safety.permit(symbol).may_open and symbol not in acting for symbol in quotes.live_symbols_allowlist
        )
        return False


async def _break(run: Range, fault: GateFault, outside: _Outside) -> DrillCheck:
    promotion = run.gateway.safety.promotion
    rollout = promotion.rollout
    calm = await run.until(lambda: _is_calm(run), within_s=CALM_S_MAX)
    if rollout.stage > Stage.SHADOW:
        await promotion.roll_back(ME, "next fault", to=Stage.SHADOW.label)
    async with fault.stand(run):
        await run.wait(fault.settle_s)
        while rollout.stage is not Stage.FULL:
            await promotion.promote(ME, "next fault", forced=True)
        took_s = await run.until(lambda: outside.look() or rollout.stage is not Stage.FULL, within_s=ROLL_BACK_S_MAX)
    last = rollout.history[-1]
    named = took_s is not None and last.kind == "rolled back" and last.gate == fault.gate and fault.gate in last.reason
    return DrillCheck(
        name=f"{fault.gate}: rolled back, and named",
        value=None if took_s is None else took_s * SCALE,
        unit="s of the rollout",
        limit=ROLL_BACK_S_MAX * SCALE,
        passed=named and calm is not None,
        words=f"{fault.what}; to {last.after}: {last.reason}",
    )


def _is_calm(run: Range) -> bool:
    """Say whether what the fault before has broken is whole again: both providers well, of one mind, and heard of."""
    gateway, names = run.gateway, run.setup.providers
    if gateway.manager.serving != run.setup.active:
        return False
    if any(gateway.manager.members[name].status is not Status.HEALTHY for name in names):
        return False
    lines = [[entry.lines[name] for name in names] for entry in gateway.board.entries.values()]
    heard_ns = gateway.clock.now_ns() - int(HEARD_S * NS_PER_S)
    quotes = [[line.quote for line in pair if line.verdict is None and line.received_ns > heard_ns] for pair in lines]
    return all(len(pair) == len(names) and _agree(*pair) for pair in quotes)


def _agree(ours: Quote | None, theirs: Quote | None) -> bool:
    if ours is None or theirs is None or None in (ours.bid, ours.ask, theirs.bid, theirs.ask):
        return False
    return (ours.bid, ours.ask) == (theirs.bid, theirs.ask)


def _arrival(took_s: float | None, history: list[StageChange], *, quick: bool) -> list[DrillCheck]:
    entered = {change.after: change.at_ns for change in history if change.kind == "promoted"}
    checks = [_is("arrives at full", took_s is not None)]
    policy = _policy(RolloutPolicy(), quick=quick)
    for stage, following, dwell_s in (
        ("canary", "priority", policy.canary_dwell_s),
        ("priority", "full", policy.priority_dwell_s),
    ):
        if stage in entered and following in entered:
            lasted_s = (entered[following] - entered[stage]) / 1e9
            checks.append(at_least(f"{stage} lasts", lasted_s, dwell_s, "s of the rollout"))
    return checks


def _is(name: str, holds: bool) -> DrillCheck:  # noqa: FBT001 - a check is a fact
    return at_least(name, float(holds), 1, "")


def _policy(policy: RolloutPolicy, *, quick: bool) -> RolloutPolicy:
    scale = 10 if quick else 1
    return structs.replace(
        policy,
        approval="auto",
        start="off",
        canary_dwell_s=policy.canary_dwell_s / scale,
        priority_dwell_s=policy.priority_dwell_s / scale,
        cool_off_s=0,
        gates=structs.replace(
            policy.gates,
            max_decision_difference=0.5 if quick else 0.25,
            max_decision_loss_bps=5.0 if quick else policy.gates.max_decision_loss_bps,
            max_freshness_s=20,
            mismatch_bps=150,
        ),
    )


def _changed(config: Config, *, quick: bool) -> Config:
    gates = structs.replace(config.feeds.quotes.promotion_gates, max_shadow_mismatch_rate=0.10, max_p95_latency_ms=400)
    quotes = structs.replace(config.feeds.quotes, promotion_gates=gates)
    # Providers that contradict each other are for the judge of quality, who is sooner than any gate: he looks away.
    fitness = structs.replace(config.quality.fitness, divergent_bps_min=10_000.0)
    # One gateway meets all faults within minutes, each of which moves the role and back: no limit of flapping.
    election = structs.replace(config.routing.election, switches_max=1_000)
    return structs.replace(
        config,
        quality=structs.replace(config.quality, fitness=fitness),
        routing=structs.replace(config.routing, election=election),
        decision=structs.replace(config.decision, strategies={"momentum": {"scale_bps": 2}}),
        feeds=structs.replace(config.feeds, quotes=quotes),
        rollout=_policy(config.rollout, quick=quick),
        hotpath=structs.replace(config.hotpath, breaches_to_throttle=10_000, breaches_to_stop=10_000),
    )
