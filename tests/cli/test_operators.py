"""`status`, `wait`, `doctor`, `alerts`, `watch` against a running gateway: what an operator looks at first."""

import asyncio
import json
import socket
from collections.abc import Iterator
from threading import Thread

import pytest
from tests.docs.live_demo import ROOT, LiveDemo, live_demo
from tests.docs.quick import Quick
from textual.widgets import DataTable, Static

from firmquote.cli.watching import Watching
from firmquote.runtime import SystemClock

pytestmark = pytest.mark.scenario


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, quick: Quick) -> Iterator[LiveDemo]:
    with live_demo(tmp_path_factory.mktemp("home"), programs=quick.folder) as running:
        yield running


def test_status_is_one_screen_and_a_field_of_it_one_word(demo: LiveDemo) -> None:
    lines = demo.shell("firmquote status").stdout.splitlines()
    assert lines[0].endswith("alphavantage serves, stage full, session regular")
    assert any(line.startswith("provider  polygon") for line in lines)
    assert len(lines) < 24
    assert demo.shell("firmquote status --field health.active_provider").stdout == "alphavantage\n"
    assert demo.shell("firmquote status --field symbols").stdout == "AIG BAC IBM SPY\n"
    wrong = demo.shell("firmquote status --field health.nothing")
    assert (wrong.returncode, "there is no nothing" in wrong.stderr) == (2, True)
    assert demo.shell("firmquote status --provider polygon").returncode == 0


def test_wait_says_how_long_it_took_or_that_it_did_not_happen(demo: LiveDemo) -> None:
    begun_ns = SystemClock.monotonic_ns()
    document = json.loads(demo.shell("firmquote wait usable --json").stdout)
    most_s = (SystemClock.monotonic_ns() - begun_ns) / 1e9
    assert (document["met"], 0 < document["took_s"] < most_s) == (True, True)
    late = demo.shell("firmquote wait active=polygon --within 200ms")
    assert (late.returncode, "NOT within" in late.stdout) == (1, True)
    assert demo.shell("firmquote wait weather").returncode == 2


def test_alerts_are_shown_taken_and_tried(demo: LiveDemo) -> None:
    assert "no_live_provider" in demo.shell("firmquote alerts kinds").stdout
    assert "A test alert is on its way" in demo.shell("firmquote alerts test --reason try").stdout
    engaged = demo.shell("firmquote switch engage symbol:IBM --reason try && firmquote wait alert=switch_engaged")
    assert engaged.returncode == 0
    alerts = {alert["name"]: alert for alert in json.loads(demo.shell("firmquote alerts --json").stdout)["alerts"]}
    assert alerts["test"]["words"] == "try", "also once it is over"
    taken = alerts["switch_engaged"]["id"]
    assert "operator is on it" in demo.shell(f"firmquote alerts ack {taken} --reason mine").stdout
    assert "does not fire" in demo.shell("firmquote alerts ack 999 --reason mine").stderr
    released = demo.shell(
        "firmquote switch release symbol:IBM --reason tried && firmquote wait no-alert=switch_engaged"
    )
    assert (released.returncode, demo.shell("firmquote wait no-alert=test").returncode) == (0, 0)


def hang_up(listening: socket.socket) -> None:
    listening.accept()[0].close()


def test_doctor_looks_at_everything_and_says_what_to_do(demo: LiveDemo) -> None:
    done = demo.shell("firmquote doctor --json")
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert {"clock", "limits", "memory", "configuration", "state", "disk", "ledger", "key polygon"} <= set(found)
    assert (found["configuration"]["verdict"], found["port"]["verdict"]) == ("ok", "ok")
    assert any(name.startswith("reach") for name in found)
    fails = [finding for finding in found.values() if finding["verdict"] == "FAIL"]
    assert done.returncode == (1 if fails else 0)
    assert all(finding["do"] or "." in finding["saw"] for finding in fails)
    running = demo.home / "running.yaml"
    port = demo.url.rsplit(":", 1)[1]
    running.write_text((ROOT / "config" / "live_feeds.yaml").read_text().replace("8090", port))
    assert f"a gateway listens at 127.0.0.1:{port}" in demo.shell(f"firmquote doctor --config {running}").stdout
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        Thread(target=hang_up, args=(deaf,)).start()
        config = demo.home / "feeds.yaml"
        config.write_text((ROOT / "config" / "live_feeds.yaml").read_text().replace("8090", str(deaf.getsockname()[1])))
        taken = demo.shell(f"firmquote doctor --config {config}")
    assert (taken.returncode, "FAIL  port" in taken.stdout) == (1, True)
    assert "in the way of `firmquote run" in taken.stdout.splitlines()[-1]
    config.write_text((ROOT / "config" / "live_feeds.yaml").read_text() + "\nmachine: {processor: 4095}\n")
    elsewhere = demo.shell(f"firmquote doctor --config {config} --json")
    (machine,) = [finding for finding in json.loads(elsewhere.stdout) if finding["name"] == "machine"]
    assert (machine["verdict"], machine["do"].startswith("Choose one of: ")) == ("FAIL", True)
    missing = demo.shell("firmquote doctor --config /nowhere.yaml")
    assert (missing.returncode, "/nowhere.yaml: cannot be read" in missing.stdout) == (1, True)


def test_watch_shows_the_essentials_and_says_when_it_is_disconnected(demo: LiveDemo) -> None:
    async def body(url: str, first: str) -> tuple[str, int]:
        app = Watching(url)
        async with app.run_test(size=(140, 40)) as pilot:
            async with asyncio.timeout(60):
                head = app.query_one("#head", Static)
                while not str(head.content).startswith(first) and first not in str(head.content):
                    await pilot.pause(0.05)
            rows = app.query_one("#quotes", DataTable).row_count
            await pilot.press("q")
            return str(head.content), rows

    words, rows = asyncio.run(body(demo.url, "serves"))
    assert ("stage full" in words, rows) == (True, 4)
    words, rows = asyncio.run(body("http://127.0.0.1:9", "DISCONNECTED"))
    assert ("nothing ever came" in words, rows) == (True, 0)
