"""`firmquote decisions`: what is decided, why, and what would have been decided otherwise."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from firmquote.cli.client import DEFAULT_URL, fetch, operator_token
from firmquote.cli.printing import Json, Url, encode_path, print_json

STYLE = {"BUY_1X": "bold green", "BUY_5X": "bold green", "REDUCE": "bold yellow", "REJECT": "red", "HOLD": "dim"}


class SymbolOrCommand(TyperGroup):
    """What is no command is a symbol: `decisions IBM` shows IBM."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own context
        """Put the name of the command that shows before everything else."""
        if not {"-h", "--help"}.intersection(args) and (not args or args[0] not in self.commands):
            args = ["show", *args]
        return super().parse_args(ctx, args)


decisions = typer.Typer(
    cls=SymbolOrCommand, help="Decisions: [SYMBOL] [--why] shows them; and what each rests on.", no_args_is_help=False
)


@decisions.command()
def show(
    symbol: Annotated[str | None, typer.Argument(help="One symbol; none shows all.")] = None,
    why: Annotated[bool, typer.Option("--why", help="With everything that each rests on.")] = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show the decisions as they stand (this is what `firmquote decisions [SYMBOL]` does)."""
    found = fetch(url, "/v1/decisions") if symbol is None else [fetch(url, f"/v1/decisions/{encode_path(symbol)}")]
    if as_json:
        print_json(found if symbol is None else found[0])
    elif why:
        for decision in found:
            typer.echo(explained(decision) + "\n")
    else:
        _print_table(found)


@decisions.command()
def why(
    number: Annotated[int, typer.Argument(metavar="ID", help="The decision's number.")],
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Explain a recorded decision, and decide it again on what its receipt holds."""
    receipt = fetch(url, f"/v1/receipts/{number}")
    if as_json:
        print_json(receipt)
        return
    typer.echo(explained(receipt["decision"]))
    for seen in receipt["quotes"]:
        if not seen["used"]:
            typer.echo(f"  not used    {described(seen['quote'])}")
    refused = ", ".join(f"{count} {reason}" for reason, count in receipt["refused"].items())
    typer.echo(f"  refused     {refused or 'none of its quotes'}")
    left = receipt["budget_left_pct"]
    typer.echo(
        f"  stage       {receipt['stage']}; budget left: {'no limit' if left is None else f'{left:.0f} %'}; "
        f"{receipt['held_shares']} shares held; account {receipt['nav_usd']:,.2f} dollars"
    )
    never = "; never made: the gateway ended before it was stored, and no broker got it" if receipt["unmade"] else ""
    typer.echo(f"  order       {receipt['order'] or 'none'}{never}")
    again = "the same, byte for byte" if receipt["identical"] else "DIFFERENT"
    typer.echo(f"  again       {again} (rules {receipt['rules']}, configuration {receipt['config_version']})")
    if not receipt["identical"]:
        raise typer.Exit(1)


@decisions.command(name="what-if")
def what_if(
    number: Annotated[int, typer.Argument(metavar="ID", help="The decision's number.")],
    active: Annotated[str, typer.Option(help="The provider that shall have served.")],
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Decide again on another provider's quote of that moment."""
    found = fetch(url, f"/v1/receipts/{number}/what-if?active={encode_path(active)}")
    if as_json:
        print_json(found)
        return
    typer.echo("It was:\n" + explained(found["was"]))
    typer.echo(f"\nWith {active} it would have been:\n" + explained(found["would_be"]))
    for words in found.get("unknown", ()):  # a gateway that was not restarted yet does not say
        typer.echo(f"  not known   {words}")


@decisions.command()
def resume(
    reason: Annotated[str, typer.Option(help="What was found; it goes into the audit trail.")],
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Go on after a loss, or a fill that nobody waited for: lift the pauses that wait for an operator."""
    lifted = fetch(url, "/v1/decisions/resume", body={"reason": reason}, token=operator_token(url))
    if as_json:
        print_json(lifted)
    else:
        typer.echo(f"lifted: {'; '.join(lifted)}" if lifted else "no pause waits for an operator")


def explained(decision: dict[str, Any]) -> str:
    """Return a decision as a paragraph that people read."""
    opinions = ", ".join(f"{name} {score:+.2f}" for name, score in decision["per_strategy"].items()) or "nobody spoke"
    wanted = "" if decision["wanted"] == decision["intent"] else f" (wanted {decision['wanted']})"
    lines = [
        f"{decision['symbol']}: {decision['intent']}{wanted}, decision {decision['id']}",
        f"  score       {decision['fused_score']:+.2f}: {opinions}",
        f"  quote       {described(decision['quote'])}",
        f"  policy      {decision['policy']}",
    ]
    lines += [f"  blocked     {block['gate']}: {block['saw']}" for block in decision["gates_blocked"]]
    if decision["gates_passed"]:
        lines.append(f"  passed      {', '.join(decision['gates_passed'])}")
    lines += [f"  would change it: {change}" for change in decision["what_would_change_it"]]
    return "\n".join(lines)


def described(quote: dict[str, Any]) -> str:
    """Return a quote in a line."""
    if quote["bid"] is not None and quote["ask"] is not None:
        price = f"{quote['bid']:.2f} / {quote['ask']:.2f}"
    elif quote["last"] is not None:
        price = f"last {quote['last']:.2f}"
    else:
        price = "no price"
    reasons = f" ({', '.join(quote['reasons'])})" if quote["reasons"] else ""
    age = "" if quote["age_ms"] is None else f", {quote['age_ms']:.0f} ms old"
    return f"{price}, {quote['grade']}{reasons}, {quote['provider'] or 'no provider'}{age}"


def _print_table(found: list[dict[str, Any]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - tables take a while to import
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=None, header_style="bold")
    for name in ("SYMBOL", "DECISION", "WANTED", "SCORE", "QUOTE", "WHY NOT", "ID"):
        table.add_column(name)
    for decision in found:
        blocked = ", ".join(block["gate"].replace("_", " ") for block in decision["gates_blocked"])
        table.add_row(
            decision["symbol"],
            f"[{STYLE[decision['intent']]}]{decision['intent']}[/]",
            decision["wanted"],
            f"{decision['fused_score']:+.2f}",
            f"{decision['quote']['grade']} {decision['quote']['provider'] or ''}",
            blocked,
            str(decision["id"]),
        )
    Console().print(table)
