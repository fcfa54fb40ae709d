"""The failover drill on a running installation: moves the role to the warm provider and back, by the API alone."""

import threading
from typing import Any

from firmquote.cli.client import fetch, operator_token
from firmquote.cli.printing import encode_path
from firmquote.errors import ConfigError
from firmquote.model import NS_PER_MS, NS_PER_S, USABLE_GRADES
from firmquote.model.drill import DrillCheck, DrillReport, at_least, at_most
from firmquote.runtime.clock import SystemClock

SAMPLE_S = 0.05
WATCH_S = 3.0
"""For how long the board is watched after each move."""
SWITCH_S_MAX = 10.0
AVAILABLE_MIN = 0.999


class _Samples:
    """What the board showed while it was watched."""

    def __init__(self, known: frozenset[str]) -> None:
        self.seen = 0
        self.usable = 0
        self.backward = 0
        self._known = known
        self._newest_ms: dict[str, int] = {}

    def take(self, quotes: list[dict[str, Any]]) -> None:
        """Take one sample of every symbol that had a usable quote before the drill."""
        for quote in quotes:
            symbol, event_ns = quote["symbol"], quote["event_ns"]
            if symbol not in self._known:
                continue
            self.seen += 1
            self.usable += quote["grade"] in USABLE_GRADES
            if event_ns is not None:
                event_ms, newest_ms = event_ns // NS_PER_MS, self._newest_ms.get(symbol, 0)
                self.backward += event_ms < newest_ms
                self._newest_ms[symbol] = max(event_ms, newest_ms)


def live_failover_drill(url: str) -> DrillReport:
    """Run it against the gateway at `url`. It takes some seconds and leaves the roles as they were.

    Raises:
        ConfigError: there is no warm provider that could serve.
        FirmquoteError: the gateway does not answer, or refuses the order.
    """
    token = operator_token(url)
    providers = fetch(url, "/v1/providers")
    active = next((p["name"] for p in providers if p["role"] == "active"), None)
    warm = next((p["name"] for p in providers if p["role"] == "warm" and p["status"] == "healthy"), None)
    if active is None or warm is None:
        raise ConfigError("drill failover: no healthy warm provider, so the drill would leave you without quotes.")
    known = frozenset(quote["symbol"] for quote in fetch(url, "/v1/quotes") if quote["grade"] in USABLE_GRADES)
    checks = [*_move(url, token, active, warm, known), *_move(url, token, warm, active, known)]
    return DrillReport(drill="failover", checks=tuple(checks))


def _move(url: str, token: str, before: str, after: str, known: frozenset[str]) -> list[DrillCheck]:
    now_ns = SystemClock.monotonic_ns
    samples, begun_ns = _Samples(known), now_ns()
    fetch(url, f"/v1/providers/{encode_path(after)}/activate", body={"reason": "failover drill"}, token=token)
    moved_s: float | None = None
    while (now_ns() - begun_ns) / NS_PER_S < WATCH_S:
        samples.take(fetch(url, "/v1/quotes"))
        if moved_s is None and any(p["name"] == after and p["role"] == "active" for p in fetch(url, "/v1/providers")):
            moved_s = (now_ns() - begun_ns) / NS_PER_S
        threading.Event().wait(SAMPLE_S)
    name = f"{before} to {after}"
    return [
        DrillCheck(
            name=f"{name}: time to switch",
            value=moved_s,
            unit="s",
            limit=SWITCH_S_MAX,
            passed=moved_s is not None and moved_s <= SWITCH_S_MAX,
        ),
        at_least(f"{name}: availability", samples.usable / max(1, samples.seen), AVAILABLE_MIN, "share"),
        at_most(f"{name}: event times that went back", samples.backward, 0, "count"),
    ]
