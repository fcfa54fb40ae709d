"""The budget for people."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from firmquote.cli.show import ABSENT

STEP_STYLE = {
    "normal": "green",
    "warned": "yellow",
    "slowed": "yellow",
    "positions_only": "bold red",
    "stopped": "bold red",
}
WINDOW_COLUMNS = ("PROVIDER", "STEP", "WINDOW", "SPENT", "LIMIT", "HELD BACK", "LEFT", "RESETS", "ENDS")
SYMBOLS_SHOWN = 20


def print_budget(found: dict[str, Any]) -> None:
    """Print one line a window, then what each symbol cost."""
    console = Console()
    if found["trouble"] is not None:
        console.print(f"[bold red]Nothing is spent: {found['trouble']}[/]")
    windows = Table(box=None, header_style="bold")
    for name in WINDOW_COLUMNS:
        windows.add_column(name)
    for p in found["providers"]:
        style = STEP_STYLE[p["step"]]
        for w in p["windows"] or [None]:
            columns = [ABSENT] * 7 if w is None else _window(w)
            windows.add_row(p["provider"], f"[{style}]{p['step'].replace('_', ' ')}[/]", *columns)
    console.print(windows)
    for p in found["providers"]:
        for w in p["windows"]:
            if w["usd_micros_limit"] is not None:
                spent, limit, left = (_dollars(w[f"usd_micros{name}"]) for name in ("", "_limit", "_left"))
                console.print(f"{p['provider']}: ${spent} of ${limit} of the {w['window']} are spent, ${left} are left")
        if p["pause_words"] is not None:
            console.print(f"{p['provider']} is left alone for {p['paused_s']:.0f} s: {p['pause_words']}")
    costs = Table(box=None, header_style="bold")
    for name in ("PROVIDER", "SYMBOL", "FOR", "REQUESTS", "QUOTES", "$", "$ A QUOTE", "PLANNED"):
        costs.add_column(name)
    rows = [(p["provider"], cost) for p in found["providers"] for cost in p["symbols"][:SYMBOLS_SHOWN]]
    for provider, cost in rows:
        per_quote = cost["usd_micros_per_quote"]
        interval = cost["planned_interval_s"]
        costs.add_row(
            provider,
            cost["symbol"] or "(elsewhere)",
            cost["purpose"],
            f"{cost['requests']:g}",
            str(cost["quotes"]),
            _dollars(cost["usd_micros"]),
            ABSENT if per_quote is None else _dollars(per_quote),
            ABSENT if interval is None else f"every {interval:.1f} s",
        )
    if rows:
        console.print("\nThe last day:")
        console.print(costs)


def _window(w: dict[str, Any]) -> list[str]:
    return [
        w["window"],
        str(w["requests"]),
        _number(w["requests_limit"]),
        str(w["requests_reserved"]) if w["requests_limit"] is not None else ABSENT,
        _number(w["requests_left"]),
        _moment(w["ends_ns"]),
        _moment(w["forecast_end_ns"]),
    ]


def _number(value: int | None) -> str:
    return ABSENT if value is None else str(value)


def _dollars(micros: float) -> str:
    return f"{micros / 1e6:.4f}"


def _moment(at_ns: int | None) -> str:
    return ABSENT if at_ns is None else f"{datetime.fromtimestamp(at_ns / 1e9, UTC):%m-%d %H:%M} UTC"
