"""`firmquote watch` on a screen without a terminal: it shows a failover, a switch and an alert, and nothing old as live."""

from collections.abc import Callable

import pytest
from tests.publish.fixed_safety import OneToken
from tests.scenarios.gateway import Scenario, play, scenario
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from firmquote.cli.watching import Watching
from firmquote.lab import Fault
from firmquote.publish import LOOPBACK_NAMES, bind, serving

pytestmark = pytest.mark.scenario
AnyPilot = Pilot[None]


def text(pilot: AnyPilot, name: str) -> str:
    return str(pilot.app.query_one(f"#{name}", Static).content)


def table(pilot: AnyPilot, name: str) -> dict[str, list[str]]:
    """Return the cells of each row by its first one."""
    shown = pilot.app.query_one(f"#{name}", DataTable)
    rows = [[str(cell) for cell in shown.get_row_at(at)] for at in range(shown.row_count)]
    return {row[0]: row[1:] for row in rows}


async def until(running: Scenario, pilot: AnyPilot, condition: Callable[[], bool]) -> None:
    """Ask again until it holds; the scenario's deadline bounds it."""
    while not condition():
        await pilot.press("r")
        await pilot.pause()
        await running.turn()


def test_the_terminal_shows_a_failover_a_switch_and_an_alert_and_when_it_is_cut_off() -> None:
    async def body() -> None:
        async with scenario() as running:
            gateway = running.gateway
            await running.until(
                lambda: gateway.report.not_ready() is None and gateway.manager.members["polygon"].usable
            )
            gateway.conductor.activate("polygon", "test")
            listening = bind("127.0.0.1", 0)
            gateway.alerting.serves_at("http://127.0.0.1")
            watching = Watching(f"http://127.0.0.1:{listening.getsockname()[1]}")
            async with watching.run_test(size=(160, 40)) as pilot:
                async with serving(gateway.report, listening, access=OneToken("t"), hosts=LOOPBACK_NAMES):
                    await until(running, pilot, lambda: "polygon serves" in text(pilot, "head"))
                    assert table(pilot, "providers")["polygon"][0] == "active"
                    assert sorted(table(pilot, "quotes")) == ["AIG", "BAC", "IBM", "SPY"]
                    await running.lab.polygon.inject(Fault.DISCONNECT)
                    await until(running, pilot, lambda: "alphavantage serves" in text(pilot, "head"))
                    assert table(pilot, "providers")["polygon"][1] == "failed"
                    gateway.safety.stop_everything("test")
                    await until(running, pilot, lambda: "SWITCHED OFF: all" in text(pilot, "head"))
                    await until(running, pilot, lambda: "switch_engaged" in text(pilot, "alerts"))
                    await until(running, pilot, lambda: "provider_failed polygon" in text(pilot, "alerts"))
                await until(
                    running, pilot, lambda: text(pilot, "head").startswith("DISCONNECTED: the last answer came at")
                )
                assert (table(pilot, "providers"), table(pilot, "quotes"), text(pilot, "alerts")) == ({}, {}, "")
                await pilot.press("q")

    play(body)
