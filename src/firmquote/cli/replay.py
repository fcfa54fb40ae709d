"""`firmquote replay`: a recorded day, decided again."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firmquote.errors import ConfigError

if TYPE_CHECKING:
    from firmquote.runtime import Difference, ReplayReport

OPENING = ("BUY_1X", "BUY_5X")


def replay(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The day, e.g. 2013-10-08.")],
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = Path(
        "config/live_feeds.yaml"
    ),
    tape: Annotated[Path | None, typer.Option(help="A folder of tapes instead of what was recorded.")] = None,
    against: Annotated[Path | None, typer.Option(help="Another configuration to compare with.")] = None,
    symbol: Annotated[list[str] | None, typer.Option(help="Only these symbols; none plays those configured.")] = None,
    account: Annotated[bool, typer.Option("--account/--no-account", help="Tell of every intent.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the engine over a recorded day: decisions, fills, profit, and what another configuration would change.

    Halts, price limits, news and advice are not recorded, so none of them is in the way.
    """
    from firmquote.cli.running import set_up_logs  # noqa: PLC0415 - the whole product is behind this import
    from firmquote.runtime import compare, load_config, replay_day  # noqa: PLC0415 - as above

    set_up_logs(as_json=as_json)
    base_config = load_config(config)
    folder = tape or base_config.history_dir()
    symbols = tuple(symbol or base_config.feeds.quotes.live_symbols_allowlist)
    base = replay_day(base_config, folder, day.date(), symbols)
    if not base.quotes:
        raise ConfigError(f"{folder}: no quotes of {', '.join(symbols)} on {day:%Y-%m-%d}. Name others with --symbol.")
    other = None if against is None else replay_day(load_config(against), folder, day.date(), symbols)
    difference = None if other is None else compare(base, other)
    if as_json:
        import msgspec  # noqa: PLC0415 - so that --help stays quick

        body = {"report": base, "against": other, "difference": difference}
        typer.echo(json.dumps(msgspec.to_builtins(body)))
        return
    if account:
        tell(base)
    summarise(base)
    if difference is not None and other is not None:
        typer.echo(f"\nWith {against}:")
        summarise(other)
        contrast(difference)


def tell(report: "ReplayReport") -> None:
    """Print every intent that a day came to: what, when, why, and what became of its order."""
    from firmquote.runtime import time_of_day  # noqa: PLC0415 - as above

    orders = {order.decision: order for order in report.orders}
    for decision in report.receipts:
        opinions = ", ".join(f"{name} {score:+.2f}" for name, score in decision.per_strategy.items())
        head = f"{time_of_day(decision.decided_ns)} {decision.symbol:6} {decision.intent:7} {decision.fused_score:+.2f}"
        if decision.gates_blocked:
            why = "; ".join(f"{block.gate}: {block.saw}" for block in decision.gates_blocked)
        else:
            why = opinions if decision.intent == "HOLD" else f"{decision.policy} [{opinions}]"
        typer.echo(f"{head}  {why}")
        order = orders.get(decision.id)
        if order is not None:
            average = order.filled_micros / order.filled_shares / 1e6 if order.filled_shares else None
            price = "" if average is None else f" at {average:.4f}"
            limit = "at the market" if order.limit_price is None else f"limit {order.limit_price:.2f}"
            typer.echo(
                f"{'':25}{order.side.value} {order.quantity_shares} {limit}: "
                f"{order.state.value}, {order.filled_shares} filled{price}"
            )


def summarise(report: "ReplayReport") -> None:
    """Print what a day came to."""
    counts = {intent: sum(d.intent == intent for d in report.receipts) for intent in (*OPENING, "REDUCE", "REJECT")}
    told = ", ".join(f"{count} {intent}" for intent, count in counts.items())
    typer.echo(
        f"{report.day}: {report.quotes:,} quotes ({report.refused:,} refused), {report.decisions:,} looks, "
        f"{len(report.receipts)} decisions ({told}), {len(report.orders)} orders, {len(report.fills)} fills.\n"
        f"Profit {report.profit_usd:+,.2f} dollars ({report.realised_usd:+,.2f} realised); "
        f"account {report.nav_usd:,.2f}. Configuration {report.config_version}, digest {report.digest[:16]}."
    )
    for fault in report.faults:
        typer.echo(f"A strategy's opinion was dropped. {fault}")


def contrast(difference: "Difference") -> None:
    """Print how two configurations differ."""
    typer.echo(
        f"Difference: {difference.orders:+d} orders, {difference.fills:+d} fills, "
        f"{difference.profit_usd:+,.2f} dollars."
    )
    for words, names in (("only the first", difference.only_base), ("only the second", difference.only_other)):
        for name in names:
            typer.echo(f"  {words}: {name}")
