"""The page in a real browser: it shows what the gateway says, acts when asked, and never shows an old number as live."""

import json
import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Route, expect
from tests.browser.chromium import NEEDS_CHROMIUM, PHONE, WIDE, Dashboard, Stage, Watched, open_stage, rows
from tests.publish.fixed_safety import OneToken

from firmquote.lab import Fault
from firmquote.model import NS_PER_S
from firmquote.model.trading import AdviceInput
from firmquote.publish import LOOPBACK_NAMES, bind, serving

pytestmark = [pytest.mark.scenario, NEEDS_CHROMIUM]
GRADES = re.compile("firm|indicative")
HOUR_NS = 3_600 * NS_PER_S


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(tmp_path_factory.mktemp("state")) as stage:
        yield stage


async def open_live(watched: Watched, url: str) -> Page:
    await watched.page.goto(url)
    await expect(watched.page.locator("body")).to_have_attribute("data-state", "live")
    return watched.page


async def confirm(page: Page, dashboard: Dashboard, reason: str) -> None:
    """Fill in the dialog and confirm."""
    await page.get_by_label("Reason").fill(reason)
    await page.get_by_label("Operator's token").fill(dashboard.token)
    await page.locator("#confirm-do").click()


def test_the_page_shows_quotes_providers_and_decisions_without_a_console_error(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        async with dashboard.page(charts=True) as watched:
            page = await open_live(watched, dashboard.url)
            quotes = await rows(page, "quotes")
            assert [row[0] for row in quotes] == ["AIG", "BAC", "IBM", "SPY"]
            assert all(GRADES.fullmatch(row[1]) for row in quotes)
            assert {"Alpha Vantage", "Polygon (Massive)", "Mock"} <= set(await page.locator("h3").all_inner_texts())
            assert [row[0] for row in await rows(page, "decisions")] == ["AIG", "BAC", "IBM", "SPY"]
            await expect(page.locator("#timeline .plot-container")).to_be_visible()
            await expect(page).to_have_title(re.compile(r"(All well|Degraded) · Firmquote"))
            title, why = await page.evaluate("[document.title, document.getElementById('overall-why').textContent]")
            assert title.startswith("All well") or why
            assert watched.complaints == []

    stage.play(body)


def test_a_failover_appears_on_the_page_within_a_second_with_its_cause_and_on_the_timeline(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        running, gateway = dashboard.running, dashboard.gateway
        await running.until(lambda: gateway.manager.members["polygon"].usable)
        await dashboard.let_serve("alphavantage")
        async with dashboard.page(charts=True) as watched:
            page = await open_live(watched, dashboard.url)
            async with dashboard.within_a_second(page, "#serving", "polygon serves"):
                await dashboard.let_serve("polygon")
            bars = page.locator("#timeline .bars .point")
            await expect(page.locator("#timeline .plot-container")).to_be_visible()
            async with dashboard.within_a_second(page, "#serving", "alphavantage serves"):
                await running.lab.polygon.inject(Fault.DISCONNECT)
                await running.until(lambda: gateway.manager.serving == "alphavantage")
            change = page.locator("#changes tr").filter(has_text="polygon → alphavantage").first
            await expect(change).to_contain_text("polygon is failed")
            await expect(page.locator('.card[data-name="polygon"] .status')).to_contain_text("failed")
            moves = [event for event in gateway.conductor.events if event.kind == "role"]
            await expect(bars).to_have_count(len(moves) + (moves[0].before is not None))
            running.lab.polygon.clear()

    stage.play(body)


def test_a_provider_is_activated_from_the_page_with_a_reason_and_the_token(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        await dashboard.let_serve("polygon")
        await dashboard.let_serve("alphavantage")
        async with dashboard.page() as watched:
            page = await open_live(watched, dashboard.url)
            await page.locator('.card[data-name="polygon"] button').click()
            await page.get_by_label("Reason").fill("bid and ask")
            await page.get_by_label("Operator's token").fill("wrong")
            await page.get_by_role("button", name="Activate", exact=True).click()
            await expect(page.locator("#confirm-error")).to_contain_text("this needs a token")
            assert dashboard.gateway.manager.serving == "alphavantage"
            await page.get_by_label("Operator's token").fill(dashboard.token)
            async with dashboard.within_a_second(page, "#serving", "polygon serves"):
                await page.keyboard.press("Enter")
                await expect(page.locator("#confirm")).to_be_hidden()
            assert (last := dashboard.gateway.conductor.last_role_change) is not None
            assert "bid and ask" in last.cause

    stage.play(body)


def test_a_switch_engaged_on_the_page_takes_effect_and_is_an_alert_there_that_can_be_taken(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        async with dashboard.page() as watched:
            page = await open_live(watched, dashboard.url)
            await page.get_by_label("Another").fill("symbol:IBM")
            await page.keyboard.press("Enter")
            async with dashboard.within_a_second(page, "#quotes tr", "IBM", "switched off"):
                await confirm(page, dashboard, "looks wrong")
                await expect(page.locator("#confirm")).to_be_hidden()
            assert dashboard.gateway.report.quote("IBM").bid is None
            await expect(page).to_have_title("Degraded · Firmquote")
            await expect(page.locator("#overall-why")).to_contain_text("no IBM")
            row = page.locator("#switches tr").filter(has_text="symbol:IBM")
            await expect(row).to_contain_text("ENGAGED")
            await expect(row).to_contain_text("looks wrong")
            alert = page.locator("#alerts li").filter(has_text="switch engaged symbol:IBM")
            await alert.get_by_role("button").click()
            await confirm(page, dashboard, "on it")
            await expect(alert).to_contain_text("operator: on it")
            async with page.expect_popup() as opened:
                await alert.get_by_role("link", name="what to do").click()
            await expect((await opened.value).locator("body")).to_contain_text("**Means.**")
            await row.get_by_role("button", name="Release…").click()
            await confirm(page, dashboard, "it was right")
            await expect(page.locator("#quotes tr").filter(has_text="IBM")).not_to_contain_text("switched off")
            assert watched.complaints == []

    stage.play(body)


def test_the_board_is_searched_and_says_when_nothing_is_found(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        async with dashboard.page() as watched:
            page = await open_live(watched, dashboard.url)
            await page.get_by_label("Find").fill("b")
            symbols = page.locator("#quotes tr td:first-child")
            await expect(symbols).to_have_text(["BAC", "IBM"])
            await page.get_by_label("Find").fill("xyz")
            await expect(symbols).to_have_text(["No symbol contains XYZ."])
            await page.get_by_label("Find").fill("")
            await expect(symbols).to_have_count(4)

    stage.play(body)


def test_a_decision_shows_what_blocks_it_and_what_would_change_it(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        await dashboard.let_serve("alphavantage")
        trading, clock = dashboard.gateway.trading, dashboard.gateway.clock
        trading.advise(
            AdviceInput(symbol="IBM", score=1, source="desk", source_weight=1_000, ttl_s=200), clock.now_ns()
        )
        async with dashboard.page() as watched:
            page = await open_live(watched, dashboard.url)
            row = page.locator("#decisions tr").filter(has_text="IBM")
            await expect(row.locator("td").nth(3)).to_contain_text("grade: the quote is indicative")
            await expect(row.locator("td").nth(1)).to_have_text(re.compile("HOLD|REJECT"))
            await expect(row.locator("td").nth(4)).to_contain_text("firm")

    stage.play(body)


def test_the_budgets_section_shows_what_is_left_and_warns_when_it_ends_too_early(stage: Stage) -> None:
    async def spent(route: Route) -> None:
        view = await (await route.fetch()).json()
        provider = view["providers"][0]
        at_ns = view["as_of_ns"]
        provider.update(left_pct=12.0, step="warned", why="12 % left")
        provider["windows"][0].update(window="day", ends_ns=at_ns + HOUR_NS, forecast_end_ns=at_ns + HOUR_NS // 2)
        await route.fulfill(json=view)

    async def body(dashboard: Dashboard) -> None:
        async with dashboard.page(charts=True) as watched:
            page = await open_live(watched, dashboard.url)
            real = {window.window for p in dashboard.gateway.budget.view().providers for window in p.windows}
            await expect(page.locator("#budgets tr").first).to_contain_text("normal")
            assert {row[1] for row in await rows(page, "budgets")} == real
            await expect(page.locator("#burn")).to_be_hidden()  # no day or month is limited in the demo
            await page.route("**/v1/budget", spent)
            first = page.locator("#budgets tr").first
            await expect(first).to_contain_text("warned: 12 % left")
            await expect(first).to_contain_text(re.compile(r"spent at \d\d:\d\d:\d\d"))
            await expect(page.locator("#burn .scatterlayer .trace")).to_have_count(1)
            assert watched.complaints == []

    stage.play(body)


def test_sparklines_grow_and_say_their_scale(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        async with dashboard.page() as watched:
            page = await open_live(watched, dashboard.url)
            lines = page.locator('.card[data-name="alphavantage"] figure')
            await expect(lines.last).to_contain_text(re.compile(r"staleness, at most [\d.]+ (ms|s)"))
            line = lines.last.locator("polyline")
            await expect(line).to_have_attribute("points", re.compile(r"(\d+\.\d,\d+\.\d ?){3,}"))

    stage.play(body)


def test_a_gateway_that_stops_leaves_no_number_that_looks_live(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        listening = bind("127.0.0.1", 0)
        port = listening.getsockname()[1]
        report = dashboard.gateway.report
        async with dashboard.page() as watched:
            page = watched.page
            async with serving(report, listening, access=OneToken("t"), hosts=LOOPBACK_NAMES):
                await open_live(watched, f"http://127.0.0.1:{port}")
                await expect(page.locator("#lost")).to_be_hidden()
                await expect(page.locator("#switches tr")).not_to_have_count(1)
            await expect(page.get_by_text("No connection to the gateway.")).to_be_visible()
            await expect(page.locator("body")).to_have_attribute("data-state", "lost")
            await expect(page).to_have_title("Disconnected · Firmquote")
            assert await page.locator("main").evaluate("e => getComputedStyle(e).opacity") == "0.35"
            assert (
                await page.locator("#serving").evaluate("e => getComputedStyle(e).textDecorationLine") == "line-through"
            )
            assert await page.locator("main button:not(:disabled)").count() == 0
            async with serving(report, bind("127.0.0.1", port), access=OneToken("t"), hosts=LOOPBACK_NAMES):
                await expect(page.locator("body")).to_have_attribute("data-state", "live")
                await expect(page.locator("#lost")).to_be_hidden()
                await expect(page.locator('.card[data-name="mock"] button')).to_be_enabled()

    stage.play(body)


def test_before_the_first_answer_nothing_looks_like_a_value(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        async with dashboard.page() as watched:
            page = watched.page
            held: list[Route] = []

            def hold(route: Route) -> None:
                held.append(route)

            await page.route("**/v1/**", hold)
            await page.goto(dashboard.url, wait_until="domcontentloaded")
            await expect(page.locator("#overall")).to_have_text("Connecting…")
            for section in ("alerts", "providers", "quotes", "gates", "switches", "budgets", "decisions"):
                await expect(page.locator(f"#{section}")).to_have_text("Waiting for the first answer…")
            for route in held:
                await route.abort()

    stage.play(body)


@pytest.mark.parametrize(("theme", "size"), [("light", WIDE), ("dark", PHONE)], ids=["light", "dark and narrow"])
def test_axe_finds_no_serious_violation_and_nothing_is_wider_than_the_window(
    stage: Stage, theme: str, size: dict[str, int]
) -> None:
    async def body(dashboard: Dashboard) -> None:
        await dashboard.let_serve("alphavantage")
        async with dashboard.page(theme=theme, size=size, charts=True) as watched:
            page = await open_live(watched, dashboard.url)
            await expect(page.locator("#rollout-actions button")).to_have_count(3)
            for state in ("page", "dialog"):
                if state == "dialog":
                    await page.locator('.card[data-name="polygon"] button').click()
                found = (await Axe().run(page)).response["violations"]
                serious = [
                    f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in ("serious", "critical")
                ]
                assert (state, []) == (state, serious)
            assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            assert watched.complaints == []

    stage.play(body)


def test_the_keyboard_alone_reaches_every_action(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        await dashboard.let_serve("alphavantage")
        async with dashboard.page() as watched:
            page = await open_live(watched, dashboard.url)
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

    stage.play(body)


def test_the_rollout_goes_back_from_the_page_and_a_promotion_is_refused_in_its_own_words(stage: Stage) -> None:
    async def body(dashboard: Dashboard) -> None:
        rollout = dashboard.gateway.safety.promotion
        async with dashboard.page() as watched:
            page = await open_live(watched, dashboard.url)
            await expect(page.locator("#stage")).to_have_text("stage full")
            await page.get_by_role("button", name="Rollback…").click()
            await page.locator("#confirm-do").click()
            assert await page.get_by_label("Reason").evaluate("e => e.validity.valueMissing"), "it needs a reason"
            await confirm(page, dashboard, "spreads look wrong")
            await expect(page.locator("#stage")).not_to_have_text("stage full")
            stage_now, last = rollout.view().stage, rollout.view().history[-1]
            await expect(page.locator("#stage")).to_have_text(f"stage {stage_now}")
            assert "spreads look wrong" in json.dumps(str(last))
            await page.get_by_role("button", name="Promote…").click()
            await page.get_by_label("Reason").fill("they were right")
            await page.locator("#confirm-do").click()
            await expect(page.locator("#confirm-error")).to_contain_text(f"{stage_now} stays")
            assert rollout.view().stage == stage_now
            await page.keyboard.press("Escape")
            await expect(page.locator("#rollout-missing")).to_contain_text("In the way of the next stage:")

    stage.play(body)
