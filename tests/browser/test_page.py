"""The page in a real browser: it shows what the gateway says, and never an old number as a live one."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.scenarios.gateway import play, scenario, with_state_dir

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRED = os.environ.get("FIRMQUOTE_REQUIRE_BROWSER") == "1"
pytestmark = [
    pytest.mark.scenario,
    pytest.mark.skipif(
        CHROMIUM is None and not REQUIRED, reason="no Chromium on this machine (Debian: apt-get install chromium)"
    ),
]
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip


def rendered(url: str, profile: Path, *, after_ms: int = 3_000) -> tuple[str, str]:
    """Return the page's DOM after its scripts ran, and the browser's log."""
    assert CHROMIUM is not None, "CI must have Chromium: apt-get install chromium"
    command = [CHROMIUM, *QUIET, "--enable-logging=stderr", f"--user-data-dir={profile}"]
    command += [f"--virtual-time-budget={after_ms}", "--dump-dom", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, done.stderr


def cells(dom: str, table: str) -> list[list[str]]:
    body = re.search(rf'<tbody id="{table}">(.*?)</tbody>', dom, re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]


def with_page(tmp_path: Path, check: Callable[[str, str], None]) -> None:
    async def body() -> None:
        async with scenario(change=with_state_dir(tmp_path / "state")) as running:
            await running.until(lambda: running.gateway.report.not_ready() is None)
            async with running.gateway.serve() as url:
                dom, log = await asyncio.to_thread(rendered, url, tmp_path / "profile")
            check(dom, log)

    play(body)


def test_the_page_shows_quotes_providers_and_decisions_without_a_console_error(tmp_path: Path) -> None:
    def check(dom: str, log: str) -> None:
        quotes = cells(dom, "quotes")
        assert [row[0] for row in quotes] == ["AIG", "BAC", "IBM", "SPY"]
        assert {row[1] for row in quotes} <= {"firm", "indicative"}
        assert {row[0] for row in cells(dom, "providers")} == {"Alpha Vantage", "Polygon (Massive)", "Mock"}
        assert [row[0] for row in cells(dom, "decisions")] == ["AIG", "BAC", "IBM", "SPY"]
        assert 'data-state="live"' in dom
        assert [line for line in log.splitlines() if ":CONSOLE" in line] == []

    with_page(tmp_path, check)


def test_without_the_gateway_the_page_says_so_in_words(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "src" / "firmquote" / "publish" / "page" / "index.html"
    dom, _ = rendered(page.as_uri(), tmp_path / "profile")
    assert 'data-state="lost"' in dom
    assert re.search(r'<div id="lost" role="alert">', dom), "the warning is no longer hidden"
    assert "Disconnected" in dom
