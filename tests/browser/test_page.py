"""The page in a real browser: it shows what the gateway says, acts when asked, and never shows an old number as live."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect
from tests.browser.chromium import NEEDS_CHROMIUM, PHONE, WIDE, Watched, on_the_page, rows, token_in
from tests.publish.fixed_safety import OneToken
from tests.scenarios.gateway import Scenario

from firmquote.lab import Fault
from firmquote.publish import LOOPBACK_NAMES, bind, serving

pytestmark = [pytest.mark.scenario, NEEDS_CHROMIUM]
GRADES = re.compile("firm|indicative")


async def open_live(watched: Watched, url: str) -> None:
    await watched.page.goto(url)
    await expect(watched.page.locator("body")).to_have_attribute("data-state", "live")


def test_the_page_shows_quotes_providers_and_decisions_without_a_console_error(tmp_path: Path) -> None:
    async def check(_: Scenario, watched: Watched, url: str) -> None:
        page = watched.page
        await open_live(watched, url)
        quotes = await rows(page, "quotes")
        assert [row[0] for row in quotes] == ["AIG", "BAC", "IBM", "SPY"]
        assert all(GRADES.fullmatch(row[1]) for row in quotes)
        assert {"Alpha Vantage", "Polygon (Massive)", "Mock"} <= set(await page.locator("h3").all_inner_texts())
        assert [row[0] for row in await rows(page, "decisions")] == ["AIG", "BAC", "IBM", "SPY"]
        await expect(page.locator("#timeline .plot-container")).to_be_visible()
        assert watched.complaints == []

    on_the_page(tmp_path, check)


def test_a_failover_appears_on_the_page_within_a_second(tmp_path: Path) -> None:
    async def check(running: Scenario, watched: Watched, url: str) -> None:
        page = watched.page
        await open_live(watched, url)
        running.gateway.conductor.activate("polygon", "test")
        await expect(page.locator("#serving")).to_contain_text("polygon serves", timeout=1_000)
        await running.lab.polygon.inject(Fault.DISCONNECT, for_s=5)
        await running.until(lambda: running.gateway.manager.serving == "alphavantage")
        await expect(page.locator("#serving")).to_contain_text("alphavantage serves", timeout=1_000)
        await expect(page.locator("#changes tr").filter(has_text="polygon → alphavantage")).to_be_visible(timeout=1_000)
        card = page.locator('.card[data-name="polygon"]')
        await expect(card.locator(".status")).to_contain_text("failed", timeout=1_000)

    on_the_page(tmp_path, check)


def test_a_provider_is_activated_from_the_page_with_a_reason_and_the_token(tmp_path: Path) -> None:
    async def check(running: Scenario, watched: Watched, url: str) -> None:
        page = watched.page
        await open_live(watched, url)
        await page.locator('.card[data-name="polygon"] button').click()
        await page.get_by_label("Reason").fill("bid and ask")
        await page.get_by_label("Operator's token").fill("wrong")
        await page.get_by_role("button", name="Activate", exact=True).click()
        await expect(page.locator("#confirm-error")).to_contain_text("this needs a token")
        assert running.gateway.manager.serving == "alphavantage"
        await page.get_by_label("Operator's token").fill(token_in(tmp_path))
        await page.keyboard.press("Enter")
        await expect(page.locator("#confirm")).to_be_hidden()
        await expect(page.locator("#serving")).to_contain_text("polygon serves", timeout=1_000)
        assert (last := running.gateway.conductor.last_role_change) is not None
        assert "bid and ask" in last.cause

    on_the_page(tmp_path, check)


def test_a_switch_engaged_on_the_page_takes_effect_and_is_an_alert_there_that_can_be_taken(tmp_path: Path) -> None:
    async def check(running: Scenario, watched: Watched, url: str) -> None:
        page = watched.page
        await open_live(watched, url)
        await page.get_by_label("Another").fill("symbol:IBM")
        await page.keyboard.press("Enter")
        await page.get_by_label("Reason").fill("looks wrong")
        await page.get_by_label("Operator's token").fill(token_in(tmp_path))
        await page.locator("#confirm-do").click()
        await expect(page.locator("#quotes tr").filter(has_text="IBM")).to_contain_text("switched off", timeout=1_000)
        assert running.gateway.report.quote("IBM").bid is None
        row = page.locator("#switches tr").filter(has_text="symbol:IBM")
        await expect(row).to_contain_text("ENGAGED")
        await expect(row).to_contain_text("looks wrong")
        alert = page.locator("#alerts li").filter(has_text="switch engaged symbol:IBM")
        await alert.get_by_role("button").click()
        await page.get_by_label("Reason").fill("on it")
        await page.locator("#confirm-do").click()
        await expect(alert).to_contain_text("operator: on it")
        async with page.expect_popup() as opened:
            await alert.get_by_role("link", name="what to do").click()
        await expect((await opened.value).locator("body")).to_contain_text("**Means.**")
        await row.get_by_role("button", name="Release…").click()
        await page.get_by_label("Reason").fill("it was right")
        await page.locator("#confirm-do").click()
        await expect(page.locator("#quotes tr").filter(has_text="IBM")).not_to_contain_text("switched off")
        assert watched.complaints == []

    on_the_page(tmp_path, check)


def test_a_gateway_that_stops_leaves_no_number_that_looks_live(tmp_path: Path) -> None:
    async def check(running: Scenario, watched: Watched, _: str) -> None:
        page = watched.page
        listening = bind("127.0.0.1", 0)
        port = listening.getsockname()[1]
        async with serving(running.gateway.report, listening, access=OneToken("t"), hosts=LOOPBACK_NAMES):
            await open_live(watched, f"http://127.0.0.1:{port}")
            await expect(page.locator("#lost")).to_be_hidden()
        await expect(page.get_by_text("No connection to the gateway.")).to_be_visible()
        await expect(page.locator("body")).to_have_attribute("data-state", "lost")
        assert await page.locator("main").evaluate("e => getComputedStyle(e).opacity") == "0.35"
        assert await page.locator("main button:not(:disabled)").count() == 0
        async with serving(running.gateway.report, bind("127.0.0.1", port), access=OneToken("t"), hosts=LOOPBACK_NAMES):
            await expect(page.locator("body")).to_have_attribute("data-state", "live")
            await expect(page.locator("#lost")).to_be_hidden()
            await expect(page.locator('.card[data-name="polygon"] button')).to_be_enabled()

    on_the_page(tmp_path, check)


@pytest.mark.parametrize(("theme", "size"), [("light", WIDE), ("dark", PHONE)], ids=["light", "dark and narrow"])
def test_axe_finds_no_serious_violation_and_nothing_is_wider_than_the_window(
    tmp_path: Path, theme: str, size: dict[str, int]
) -> None:
    async def check(_: Scenario, watched: Watched, url: str) -> None:
        page = watched.page
        await open_live(watched, url)
        for state in ("page", "dialog"):
            if state == "dialog":
                await page.locator('.card[data-name="polygon"] button').click()
            found = (await Axe().run(page)).response["violations"]
            serious = [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in ("serious", "critical")]
            assert (state, []) == (state, serious)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]

    on_the_page(tmp_path, check, theme=theme, size=size)


def test_the_keyboard_alone_reaches_every_action(tmp_path: Path) -> None:
    async def check(_: Scenario, watched: Watched, url: str) -> None:
        page = watched.page
        await open_live(watched, url)
        reached: set[str] = set()
        for _step in range(40):
            await page.keyboard.press("Tab")
            reached.add(await page.evaluate("document.activeElement.closest('[data-name]')?.dataset.name ?? ''"))
        assert "polygon" in reached
        await page.locator('.card[data-name="polygon"] button').focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Reason")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.locator("#confirm")).to_be_hidden()

    on_the_page(tmp_path, check)
