"""Debian's Chromium, driven by Playwright, with a gateway behind it: one of each for all tests of a module.

They run in an event loop of their own thread, which goes on between tests: a gateway that stands still would notice.
"""

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import uvloop
from msgspec import structs
from playwright.async_api import BrowserContext, Page, async_playwright
from playwright.async_api import Error as PlaywrightError
from tests.scenarios.gateway import Scenario, scenario, with_state_dir

from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.runtime import Config, SystemClock

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRED = os.environ.get("FIRMQUOTE_REQUIRE_BROWSER") == "1"
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None and not REQUIRED, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)
FLAGS = ["--no-sandbox", "--disable-gpu"]
DEADLINE_MS = 30_000
TEST_S = 120
MODULE_S = 1_000
TICK_NS = 20 * NS_PER_MS
LATE_SHARE_MAX = 0.1
"""Of a loop that is later than this nobody can tell how soon the page showed something."""
SHOWN_AT_MS = """([selector, words]) => new Promise((done) => {
  const shows = (one) => words.every((word) => one.textContent.includes(word));
  const look = () => [...document.querySelectorAll(selector)].some(shows) ? done(Date.now()) : setTimeout(look, 10);
  look();
})"""
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


class Dashboard:
    """A running gateway with its lab, the address of its page, and a browser."""

    def __init__(self, running: Scenario, url: str, context: BrowserContext, state: Path) -> None:
        self.running = running
        self.gateway = running.gateway
        self.url = url
        self.token = next(state.glob("operator-*.token")).read_text()
        self._context = context

    @asynccontextmanager
    async def page(
        self, *, theme: str = "light", size: dict[str, int] | None = None, charts: bool = False
    ) -> AsyncIterator[Watched]:
        """Open a page while the block runs; without `charts` it does not wait for the library, which takes a second."""
        page = await self._context.new_page()
        if not charts:
            await page.route("**/plotly.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
        await page.set_viewport_size({"width": (size or WIDE)["width"], "height": (size or WIDE)["height"]})
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        try:
            yield Watched(page)
        finally:
            await page.unroute_all(behavior="ignoreErrors")
            await page.close()

    async def let_serve(self, name: str) -> None:
        """Begin with `name` in charge, whatever the test before did."""
        members = self.gateway.manager.members
        await self.running.until(lambda: members[name].usable)
        self.gateway.conductor.activate(name, "the test begins")

    @asynccontextmanager
    async def within_a_second(self, page: Page, selector: str, *words: str) -> AsyncIterator[None]:
        """What the block does is shown a second after it, by the page's clock; on a late machine only that it is."""
        late = Lateness()
        watching = asyncio.create_task(late.watch())
        yield
        done_ns = SystemClock.now_ns()
        try:
            async with asyncio.timeout(DEADLINE_MS / 1_000):
                shown_ms = await page.evaluate(SHOWN_AT_MS, [selector, words])
        except TimeoutError:
            raise AssertionError(f"{selector} never shows {words}") from None
        finally:
            watching.cancel()
        took_s = shown_ms / 1_000 - done_ns / NS_PER_S
        assert took_s <= 1 or late.seconds > LATE_SHARE_MAX * took_s, f"{took_s:.1f} s, late by {late.seconds:.2f} s"


class Lateness:
    """How late the loop of gateway and test wakes up, added up."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def watch(self) -> None:
        clock = SystemClock()
        while True:
            due_ns = clock.monotonic_ns() + TICK_NS
            await clock.sleep_until(due_ns)
            self.seconds += (clock.monotonic_ns() - due_ns) / NS_PER_S


class Stage:
    """Runs coroutines beside a `Dashboard` that lives on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, dashboard: Dashboard) -> None:
        self._loop = loop
        self._dashboard = dashboard

    def play(self, body: Callable[[Dashboard], Awaitable[None]]) -> None:
        """Run one test."""

        async def bounded() -> None:
            async with asyncio.timeout(TEST_S):
                await body(self._dashboard)

        asyncio.run_coroutine_threadsafe(bounded(), self._loop).result()


@contextmanager
def open_stage(state: Path) -> Iterator[Stage]:
    """Keep a gateway and a browser running while the block runs."""
    assert CHROMIUM is not None, "CI must have Chromium: apt-get install chromium"
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stage")
    thread.start()
    leave = asyncio.Event()
    begun: Future[Dashboard] = Future()

    async def whole() -> None:
        try:
            async with _dashboard(state) as dashboard:
                begun.set_result(dashboard)
                await leave.wait()
        except (OSError, AssertionError, TimeoutError, PlaywrightError) as error:
            if begun.done():
                raise
            begun.set_exception(error)

    ended = asyncio.run_coroutine_threadsafe(whole(), loop)
    try:
        yield Stage(loop, begun.result(TEST_S))
    finally:
        loop.call_soon_threadsafe(leave.set)
        ended.result(TEST_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _unmoved(config: Config) -> Config:
    """Let stages move by a test's word alone: on a slow machine gates and guard would step in."""
    return structs.replace(
        config,
        rollout=structs.replace(config.rollout, breaches_to_roll_back=1_000_000),
        hotpath=structs.replace(config.hotpath, breaches_to_throttle=1_000_000, breaches_to_stop=1_000_000),
    )


@asynccontextmanager
async def _dashboard(state: Path) -> AsyncIterator[Dashboard]:
    with_state = with_state_dir(state)
    async with (
        scenario(change=lambda config: with_state(_unmoved(config)), deadline_s=MODULE_S) as running,
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
    ):
        await running.until(lambda: running.gateway.report.not_ready() is None)
        async with running.gateway.serve() as url:
            yield Dashboard(running, url, await browser.new_context(), state)


async def rows(page: Page, table: str) -> list[list[str]]:
    """Return the texts of a table's cells."""
    return [await row.locator("td").all_inner_texts() for row in await page.locator(f"#{table} tr").all()]
