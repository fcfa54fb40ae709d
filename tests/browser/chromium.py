"""Debian's Chromium, driven by Playwright; and a gateway behind it."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright
from tests.scenarios.gateway import Scenario, play, scenario, with_state_dir

from firmquote.runtime import Config

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRED = os.environ.get("FIRMQUOTE_REQUIRE_BROWSER") == "1"
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None and not REQUIRED, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)
DEADLINE_MS = 10_000
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


class Watched:
    """A page and everything that its console said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(DEADLINE_MS)

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


@asynccontextmanager
async def browser_page(*, theme: str = "light", size: dict[str, int] | None = None) -> AsyncIterator[Watched]:
    """Open a page while the block runs."""
    assert CHROMIUM is not None, "CI must have Chromium: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            page = await browser.new_page(
                viewport={"width": (size or WIDE)["width"], "height": (size or WIDE)["height"]},
                color_scheme="dark" if theme == "dark" else "light",
            )
            yield Watched(page)
        finally:
            await browser.close()


def on_the_page(
    state: Path,
    check: Callable[[Scenario, Watched, str], Awaitable[None]],
    *,
    theme: str = "light",
    size: dict[str, int] | None = None,
    change: Callable[[Config], Config] = lambda config: config,
) -> None:
    """Run a gateway with the lab, open its page, and check; `check` also gets the gateway's URL."""

    async def body() -> None:
        async with (
            scenario(change=lambda config: with_state_dir(state)(change(config))) as running,
            browser_page(theme=theme, size=size) as watched,
        ):
            await running.until(lambda: running.gateway.report.not_ready() is None)
            async with running.gateway.serve() as url:
                await check(running, watched, url)

    play(body)


async def rows(page: Page, table: str) -> list[list[str]]:
    """Return the texts of a table's cells."""
    return [await row.locator("td").all_inner_texts() for row in await page.locator(f"#{table} tr").all()]


def token_in(state: Path) -> str:
    """Return the operator's token."""
    return next(state.glob("operator-*.token")).read_text()
