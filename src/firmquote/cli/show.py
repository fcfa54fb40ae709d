"""Tables for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

ABSENT = "-"
GRADE_STYLE = {"firm": "bold green", "indicative": "yellow", "stale": "red", "mock": "magenta", "none": "dim"}
NUMBERS = {"BID", "ASK", "LAST", "AGE"}
STATUS_STYLE = {"healthy": "green", "degraded": "yellow", "failed": "bold red", "connecting": "dim"}


def print_quotes(quotes: list[dict[str, Any]]) -> None:
    """Print one line a symbol."""
    table = Table(box=None, header_style="bold")
    for name in ("SYMBOL", "GRADE", "BID", "ASK", "LAST", "AGE", "PROVIDER", "WHY"):
        table.add_column(name, justify="right" if name in NUMBERS else "left")
    for quote in quotes:
        style = GRADE_STYLE[quote["grade"]]
        table.add_row(
            quote["symbol"],
            f"[{style}]{quote['grade']}[/]",
            _price(quote["bid"]),
            _price(quote["ask"]),
            _price(quote["last"]),
            _ms(quote["age_ms"]),
            quote["provider"] or ABSENT,
            ", ".join(reason.replace("_", " ") for reason in quote["reasons"]),
        )
    Console().print(table)


def print_providers(report: dict[str, Any]) -> None:
    """Print one line a provider, and the last change of role."""
    table = Table(box=None, header_style="bold")
    for name in ("PROVIDER", "ROLE", "STATUS", "SUCCESS", "P95", "STALE FOR", "QUOTES/S", "WHY"):
        table.add_column(name)
    for p in report["providers"]:
        rate = p["success_rate"]
        table.add_row(
            p["name"],
            p["role"],
            f"[{STATUS_STYLE[p['status']]}]{p['status']}[/]",
            ABSENT if rate is None else f"{rate:.1%}",
            _ms(p["p95_latency_ms"]),
            _ms(p["staleness_ms"]),
            ABSENT if p["quotes_per_s"] is None else f"{p['quotes_per_s']:.1f}",
            p["why"],
        )
    console = Console()
    console.print(table)
    change = report["last_role_change"]
    if change is not None:
        console.print(f"Last change of role: {change['before']} → {change['after']}: {change['cause']}")


def print_lines(lines: list[dict[str, Any]]) -> None:
    """Print one line a symbol of a provider."""
    table = Table(box=None, header_style="bold")
    for name in ("SYMBOL", "SERVED FROM HERE", "STALE FOR", "LONGEST USUAL GAP", "UNFIT BECAUSE"):
        table.add_column(name)
    for line in lines:
        table.add_row(
            line["symbol"],
            "yes" if line["serving"] else "no",
            _ms(line["staleness_ms"]),
            _ms(line["usual_gap_ms"]),
            line["unfit"] or "",
        )
    Console().print(table)


def _price(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.2f}"


def _ms(value: float | None) -> str:
    if value is None:
        return ABSENT
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1_000:.0f} s"
