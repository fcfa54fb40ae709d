"""`firmquote watch`: the essentials of the dashboard in a terminal, over SSH too."""

import asyncio
from datetime import datetime
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Footer, Static

from firmquote.cli.client import fetch
from firmquote.cli.show import GRADE_STYLE, STATUS_STYLE
from firmquote.errors import FirmquoteError

EVERY_S = 1.0
PROVIDERS = ("PROVIDER", "ROLE", "STATUS", "SUCCESS", "P95 MS", "STALE MS", "QUOTES/S", "BUDGET", "WHY")
QUOTES = ("SYMBOL", "GRADE", "BID", "ASK", "LAST", "AGE MS", "PROVIDER", "WHY")
PATHS = ("/healthz/providers", "/v1/quotes", "/v1/alerts", "/v1/switches")


class Watching(App[None]):
    """Asks once a second; when nobody answers it says so, and shows nothing old as live."""

    TITLE = "Firmquote"
    CSS = """
    #head { height: auto; padding: 0 1; text-style: bold; }
    #head.lost { background: $error; color: $text; }
    DataTable { height: auto; margin: 0 0 1 0; }
    #alerts { padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "Leave"), ("r", "refresh_now", "Ask now")]

    def __init__(self, url: str) -> None:
        super().__init__()
        self.gateway = url
        self.answered_at: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the screen (textual)."""
        yield Static("Connecting…", id="head")
        with VerticalScroll():
            yield DataTable[Text](id="providers", cursor_type="none")
            yield DataTable[Text](id="quotes", cursor_type="none")
            yield Static(id="alerts")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to ask (textual)."""
        self.query_one("#providers", DataTable).add_columns(*PROVIDERS)
        self.query_one("#quotes", DataTable).add_columns(*QUOTES)
        self.set_interval(EVERY_S, self.action_refresh_now)
        self.call_later(self.action_refresh_now)

    async def action_refresh_now(self) -> None:
        """Ask for everything, and show it."""
        try:
            health, quotes, alerts, switches = await asyncio.gather(
                *(asyncio.to_thread(fetch, self.gateway, path) for path in PATHS)
            )
        except FirmquoteError as error:
            self._lost(str(error))
            return
        self.answered_at = datetime.fromtimestamp(health["as_of_ns"] / 1e9).astimezone().strftime("%H:%M:%S")
        self._head(health, switches)
        self._fill("providers", [_provider(p) for p in health["providers"]])
        self._fill("quotes", [_quote(q) for q in quotes])
        firing = [alert for alert in alerts["alerts"] if alert["state"] != "resolved"]
        words = [f"{a['severity'].upper()} {a['name']} {a['subject']} ({a['id']}): {a['words']}" for a in firing]
        self.query_one("#alerts", Static).update(Text("\n".join(words) or "No alert fires."))

    def _head(self, health: dict[str, Any], switches: dict[str, Any]) -> None:
        head = self.query_one("#head", Static)
        head.remove_class("lost")
        engaged = [switch["name"] for switch in switches["switches"] if switch["engaged"]]
        stopped = f"  SWITCHED OFF: {', '.join(engaged)}" if engaged else ""
        line = f"{self.answered_at}  {health['status'].upper()}  {health['active_provider'] or 'nobody'} serves"
        because = "".join(f"\n{reason}" for reason in health["reasons"])
        head.update(Text(f"{line}, stage {health['expansion_state']}, session {health['session']}{stopped}{because}"))

    def _lost(self, words: str) -> None:
        head = self.query_one("#head", Static)
        head.add_class("lost")
        since = f"the last answer came at {self.answered_at}" if self.answered_at else "nothing ever came"
        head.update(Text(f"DISCONNECTED: {since}. {words}"))
        for name in ("providers", "quotes"):
            self.query_one(f"#{name}", DataTable).clear()
        self.query_one("#alerts", Static).update("")

    def _fill(self, name: str, rows: list[list[Text]]) -> None:
        table = self.query_one(f"#{name}", DataTable)
        table.clear()
        for row in rows:
            table.add_row(*row)


def _provider(p: dict[str, Any]) -> list[Text]:
    share = None if p["success_rate"] is None else p["success_rate"] * 100
    return [
        Text(p["name"]), Text(p["role"]), Text(p["status"], style=STATUS_STYLE[p["status"]]), _number(share, " %"),
        _number(p["p95_latency_ms"]), _number(p["staleness_ms"]), _number(p["quotes_per_s"]),
        _number(p["budget_left_pct"], " %"), Text(p["why"]),
    ]  # fmt: skip


def _quote(q: dict[str, Any]) -> list[Text]:
    why = ", ".join(reason.replace("_", " ") for reason in q["reasons"])
    return [
        Text(q["symbol"]), Text(q["grade"], style=GRADE_STYLE[q["grade"]]), _price(q["bid"]), _price(q["ask"]),
        _price(q["last"]), _number(q["age_ms"]), Text(q["provider"] or "-"), Text(why),
    ]  # fmt: skip


def _price(value: float | None) -> Text:
    return Text("-" if value is None else f"{value:.2f}", justify="right")


def _number(value: float | None, unit: str = "") -> Text:
    return Text("-" if value is None else f"{value:.0f}{unit}", justify="right")
