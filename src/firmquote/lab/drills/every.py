"""Every drill, one after the other, in one report."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from msgspec import structs

from firmquote.errors import ConfigError, FirmquoteError
from firmquote.lab.drills.budget import run_budget_drill
from firmquote.lab.drills.failover import SETUPS as FAILOVER_SETUPS
from firmquote.lab.drills.failover import failover_drill
from firmquote.lab.drills.gates import GATE_FAULTS
from firmquote.lab.drills.obstacles import OBSTACLES
from firmquote.lab.drills.options import DrillOptions
from firmquote.lab.drills.restart import restart_drill
from firmquote.lab.drills.rollout import rollout_drill
from firmquote.lab.drills.switches import switches_drill
from firmquote.lab.quality_drill import run_drill
from firmquote.lab.replaying import nbbo_rows, replay, replay_checks
from firmquote.lab.tape import load_tape
from firmquote.model.drill import DrillCheck, DrillReport

Drill = Callable[[DrillOptions], DrillReport]
NAME = "all"


def _failover(options: DrillOptions) -> DrillReport:
    if options.quick:
        options = structs.replace(options, faults=("disconnect",), setups=(FAILOVER_SETUPS[0].name,))
    return failover_drill(options)


def _switches(options: DrillOptions) -> DrillReport:
    return switches_drill(options, obstacles=OBSTACLES[:1] if options.quick else OBSTACLES)


def _rollout(options: DrillOptions) -> DrillReport:
    return rollout_drill(options, faults=GATE_FAULTS[:1] if options.quick else GATE_FAULTS, quick=options.quick)


def _quality(options: DrillOptions) -> DrillReport:
    ticks = load_tape()
    report, _ = run_drill(ticks, trials=2 if options.quick else 20, seed=1)
    checks = replay_checks([replay("NBBO of the tape", nbbo_rows(ticks), ticks.symbols)])
    return structs.replace(report, checks=(*report.checks, *checks))


def _budget(options: DrillOptions) -> DrillReport:
    return asyncio.run(run_budget_drill(load_tape(), runs=1 if options.quick else 10, seed=1))


DRILLS: Mapping[str, Drill] = MappingProxyType(
    {
        "failover": _failover,
        "switches": _switches,
        "rollout": _rollout,
        "quality": _quality,
        "budget": _budget,
        "restart": restart_drill,
    }
)


def every_drill(
    options: DrillOptions, only: Sequence[str] = (), *, drills: Mapping[str, Drill] = DRILLS
) -> DrillReport:
    """Run them; one that cannot be run fails, and the others go on. Raises ConfigError for one that there is not."""
    for name in only:
        if name not in drills:
            raise ConfigError(f"drill {NAME}: no drill {name}. There are: {', '.join(drills)}.")
    checks: list[DrillCheck] = []
    notes: list[str] = []
    for name in only or drills:
        options.say(f"drill {name}")
        try:
            report = drills[name](options)
        except (FirmquoteError, TimeoutError) as error:
            report = DrillReport(drill=name, checks=(_not_run(error),))
        checks += [structs.replace(check, name=f"{name}: {check.name}") for check in report.checks]
        notes += report.notes
    return DrillReport(drill=NAME, checks=tuple(checks), notes=tuple(notes))


def _not_run(error: Exception) -> DrillCheck:
    return DrillCheck(name="runs to its end", value=0, unit="", limit=1, passed=False, words=str(error))
