"""`firmquote drill`: show on this machine that the defences hold, as a table for people or a report for scripts."""

from pathlib import Path
from typing import Annotated

import typer

from firmquote.cli.client import DEFAULT_URL
from firmquote.cli.printing import Json, Url

drill = typer.Typer(help="Drills: break something on purpose, and measure what follows.", no_args_is_help=True)


@drill.command()
def quality(
    trials: Annotated[int, typer.Option(help="How often each class of fault is injected.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="The same seed injects at the same moments.")] = 1,
    tape: Annotated[Path | None, typer.Option(help="A directory with your own tape.")] = None,
    data: Annotated[Path | None, typer.Option(help="Also replay the NBBO and venue files of this directory.")] = None,
    as_json: Json = False,
) -> None:
    """Send wrong quotes of every class into real ticks: how fast they are caught, and what gets through."""
    from firmquote.cli.drill_report import finish  # noqa: PLC0415 - as below
    from firmquote.cli.running import set_up_logs  # noqa: PLC0415 - the whole product is behind this import
    from firmquote.lab import DEMO_TAPE, load_tape  # noqa: PLC0415 - as above
    from firmquote.lab.quality_drill import run_drill, table_lines  # noqa: PLC0415 - as above
    from firmquote.lab.replaying import nbbo_rows, replay, replay_checks, replay_directory  # noqa: PLC0415 - as above
    from firmquote.model.drill import DrillReport  # noqa: PLC0415 - as above

    set_up_logs(as_json=as_json, quiet=True)
    ticks = load_tape(tape or DEMO_TAPE)
    report, rows = run_drill(ticks, trials=trials, seed=seed)
    replays = [replay("NBBO of the tape", nbbo_rows(ticks), ticks.symbols)] if data is None else replay_directory(data)
    if not as_json:
        for line in table_lines(rows):
            typer.echo(line)
        for each in replays:
            typer.echo(
                f"{each.name}: {each.rows} rows, of {each.rows_regular} in regular hours {each.refused_regular} "
                f"refused ({each.refused_share:.4%}), {each.published} published, {each.crossed} crossed, "
                f"{each.implausible} implausible (worst {each.worst_bps:.1f} bps)"
            )
    finish(DrillReport(drill=report.drill, checks=(*report.checks, *replay_checks(replays))), as_json=as_json)


@drill.command()
def failover(
    fault: Annotated[list[str] | None, typer.Option(help="Only this fault; may be given several times.")] = None,
    setup: Annotated[list[str] | None, typer.Option(help="Only this arrangement of roles; likewise.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every fault in every setup, as without --fault.")] = False,
    live: Annotated[bool, typer.Option("--live", help="On the running gateway: move the role and back.")] = False,
    consent: Annotated[
        bool, typer.Option("--i-want-roles-to-move", help="What --live needs, besides a token.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page, too.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Break the provider that serves in every manner: how fast it is found, whose fault it is called, what is shown."""
    from firmquote.cli.drill_report import finish  # noqa: PLC0415 - as above
    from firmquote.cli.running import set_up_logs  # noqa: PLC0415 - the whole product is behind this import

    if sum((every, live, bool(fault))) > 1:
        raise typer.BadParameter("--all, --live and --fault exclude each other")
    if live:
        from firmquote.cli.live_drill import live_failover_drill  # noqa: PLC0415 - as above

        if not consent:
            raise typer.BadParameter("--live moves the role on a running gateway: add --i-want-roles-to-move")
        finish(live_failover_drill(url), as_json=as_json, html=html)
        return
    from firmquote.lab.drills import DrillOptions, failover_drill  # noqa: PLC0415 - as above

    set_up_logs(as_json=as_json, quiet=True)
    options = DrillOptions(
        faults=tuple(fault or ()), setups=tuple(setup or ()), say=lambda line: typer.echo(line, err=True)
    )
    finish(failover_drill(options), as_json=as_json, html=html)


@drill.command()
def budget(
    runs: Annotated[int, typer.Option(help="How often a process is killed.", min=1)] = 10,
    seed: Annotated[int, typer.Option(help="The same seed draws the same moments.")] = 1,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page, too.")] = None,
    as_json: Json = False,
) -> None:
    """Kill processes, make clocks jump, break the ledger: is a request too many ever made?"""
    import asyncio  # noqa: PLC0415 - so that --help stays quick

    from firmquote.cli.drill_report import finish  # noqa: PLC0415 - as above
    from firmquote.cli.running import set_up_logs  # noqa: PLC0415 - the whole product is behind this import
    from firmquote.lab import load_tape  # noqa: PLC0415 - as above
    from firmquote.lab.drills.budget import run_budget_drill  # noqa: PLC0415 - as above

    set_up_logs(as_json=as_json, quiet=True)
    finish(asyncio.run(run_budget_drill(load_tape(), runs=runs, seed=seed)), as_json=as_json, html=html)


@drill.command()
def switches(as_json: Json = False) -> None:
    """Pull every kill switch during 20,000 quotes a second, also with databases, disks and providers that hang."""
    from firmquote.cli.drill_report import finish  # noqa: PLC0415 - as above
    from firmquote.cli.running import set_up_logs  # noqa: PLC0415 - the whole product is behind this import
    from firmquote.lab.drills import DrillOptions, switches_drill  # noqa: PLC0415 - as above

    set_up_logs(as_json=as_json, quiet=True)
    finish(switches_drill(DrillOptions(say=lambda line: typer.echo(line, err=True))), as_json=as_json)


@drill.command()
def rollout(as_json: Json = False) -> None:
    """Go from off to full on the simulators under a faster clock, then breach every gate: what is rolled back, why."""
    from firmquote.cli.drill_report import finish  # noqa: PLC0415 - as above
    from firmquote.cli.running import set_up_logs  # noqa: PLC0415 - the whole product is behind this import
    from firmquote.lab.drills import DrillOptions, rollout_drill  # noqa: PLC0415 - as above

    set_up_logs(as_json=as_json, quiet=True)
    finish(rollout_drill(DrillOptions(say=lambda line: typer.echo(line, err=True))), as_json=as_json)


@drill.command()
def restart(as_json: Json = False) -> None:
    """Let a new process take over from a running one while clients ask and orders come: is anything lost?"""
    from firmquote.cli.drill_report import finish  # noqa: PLC0415 - as above
    from firmquote.cli.running import set_up_logs  # noqa: PLC0415 - the whole product is behind this import
    from firmquote.lab.drills import DrillOptions, restart_drill  # noqa: PLC0415 - as above

    set_up_logs(as_json=as_json, quiet=True)
    finish(restart_drill(DrillOptions(say=lambda line: typer.echo(line, err=True))), as_json=as_json)


@drill.command("all")
def every(
    only: Annotated[list[str] | None, typer.Option(help="Only this drill; may be given several times.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A sample of each, in minutes instead of an hour.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page, too.")] = None,
    as_json: Json = False,
) -> None:
    """Run every drill, one after the other, in one report."""
    from firmquote.cli.drill_report import finish  # noqa: PLC0415 - as above
    from firmquote.cli.running import set_up_logs  # noqa: PLC0415 - the whole product is behind this import
    from firmquote.lab.drills import DrillOptions, every_drill  # noqa: PLC0415 - as above

    set_up_logs(as_json=as_json, quiet=True)
    options = DrillOptions(quick=quick, say=lambda line: typer.echo(line, err=True))
    finish(every_drill(options, only or ()), as_json=as_json, html=html)
