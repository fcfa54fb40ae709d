"""Take the pictures of the dashboard from a demo of its own: `python docs/screenshots.py [DIRECTORY]`.

Needs Chromium (Debian: apt-get install chromium) and the development environment.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
BYTES_MAX = 200_000
WAIT_MS = 40_000


@contextmanager
def demo(home: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run a demo while the block runs; yields its process, its address and the simulator's port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "firmquote", "demo", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "HOME": home},
    )
    assert process.stdout is not None
    try:
        started = json.loads(process.stdout.readline())
        yield process, started["url"], started["polygon"].rsplit(":", 1)[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def order(home: str, *arguments: str) -> None:
    """Give an order on the command line, as an operator does."""
    subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "firmquote", *arguments],
        check=True, env={**os.environ, "HOME": home}, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def open_page(browser: Browser, url: str, size: dict[str, int], *, dark: bool = False) -> Page:
    """Open the dashboard and wait until it is live and drawn."""
    page = browser.new_page(
        viewport={"width": size["width"], "height": size["height"]}, color_scheme="dark" if dark else "light"
    )
    page.set_default_timeout(WAIT_MS)
    page.goto(url)
    expect(page.locator("body")).to_have_attribute("data-state", "live", timeout=WAIT_MS)
    expect(page.locator("#timeline .plot-container")).to_be_visible(timeout=WAIT_MS)
    return page


def shoot(page: Page, directory: Path, name: str) -> None:
    """Write one picture."""
    path = directory / f"dashboard-{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path}: {size // 1000} kB")
    assert size < BYTES_MAX, f"{path} is above {BYTES_MAX} bytes"


def main(directory: Path) -> None:
    """Take every picture."""
    assert CHROMIUM is not None, "needs Chromium: apt-get install chromium"
    directory.mkdir(exist_ok=True)
    with (
        TemporaryDirectory(prefix="firmquote-") as home,
        demo(home) as (process, url, port),
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        light, dark, phone = (
            open_page(browser, url, size, dark=dark) for size, dark in ((WIDE, False), (WIDE, True), (PHONE, True))
        )
        order(home, "wait", "usable", "--within", "30s", "--url", url)
        order(home, "activate", "polygon", "--reason", "bid and ask", "--url", url)
        light.wait_for_timeout(20_000)  # so that the sparklines and the timeline have something to show
        shoot(light, directory, "light")
        shoot(dark, directory, "dark")
        shoot(phone, directory, "phone")
        light.locator("#timeline-title").evaluate("title => title.scrollIntoView()")
        light.mouse.wheel(0, -60)  # the header stays on top
        light.wait_for_timeout(500)
        shoot(light, directory, "lower")
        light.evaluate("scrollTo(0, 0)")
        order(home, "lab", "fault", "polygon", "disconnect", "--for", "60s", "--port", port)
        expect(light.locator("#serving")).to_contain_text("alphavantage serves", timeout=WAIT_MS)
        expect(light.locator("#alerts li.alert").first).to_be_visible(timeout=WAIT_MS)
        light.wait_for_timeout(3_000)
        shoot(light, directory, "failover")
        process.send_signal(signal.SIGSTOP)
        expect(light.locator("body")).to_have_attribute("data-state", "lost", timeout=WAIT_MS)
        shoot(light, directory, "disconnected")
        process.send_signal(signal.SIGCONT)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
