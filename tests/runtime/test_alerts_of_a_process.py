"""A gateway in a process of its own that is stopped, killed and started again; what people hear of it, and how often."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from tests.runtime.watched import Inbox, receivers
from tests.scenarios.gateway import TAPE, play

from firmquote.lab import LAB_KEY, Fault, Lab
from firmquote.runtime import SystemClock

pytestmark = pytest.mark.scenario


class Process:
    """`firmquote …` with its first line of output."""

    def __init__(self, process: asyncio.subprocess.Process, told: Mapping[str, str]) -> None:
        self.signal = process.send_signal
        self.wait = process.wait
        self.told = told


@asynccontextmanager
async def firmquote(environ: Mapping[str, str], *words: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "firmquote", *words, "--json",
        env={**os.environ, **environ}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield Process(process, json.loads(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def configure(place: Path, lab: Lab, port: int, *, name: str = "live_feeds.yaml", escalate_after_s: float = 600) -> str:
    """Write a configuration as an owner would; `disk_low` fires because no disk is as large as is asked for."""
    path = place / name
    symbols = ["AIG", "IBM"]
    path.write_text(
        yaml.safe_dump(
            {
                "feeds": {
                    "quotes": {
                        "live_enabled": True, "shadow_mode": False, "provider_active": "polygon",
                        "provider_warm": "alphavantage", "live_symbols_allowlist": symbols, "canary_symbols": symbols,
                    }
                },
                "providers": {
                    name: {"api_key": {"env": "LAB_KEY"}, "settings": lab.settings[name]}
                    for name in ("polygon", "alphavantage")
                },
                "quality": {"calendar": "always_regular"},
                "rollout": {"start": "canary"},
                "alerts": {
                    "channels": {"mail": {"env": "MAIL"}, "hook": {"env": "HOOK"}},
                    "after_s": {"gateway_down": 1},
                    "group_wait_s": 0.2, "resolve_after_s": 1.5, "rate_over_s": 2, "restart_grace_s": 5,
                    "escalate_after_s": escalate_after_s, "escalations_max": 1, "disk_free_mb_min": 1e12,
                    "rate_max": 1_000,
                },
                "serve": {"port": port, "state_dir": str(place / "state")},
            }
        )
    )  # fmt: skip
    return str(path)


class Operator:
    """Reads and orders over HTTP."""

    def __init__(self, url: str, place: Path) -> None:
        self._url = url
        (token,) = (place / "state").glob("operator-*.token")
        self._headers = {"Authorization": f"Bearer {token.read_text()}"}

    async def alerts(self) -> dict[str, dict[str, object]]:
        """Return what is open, by name."""
        async with httpx.AsyncClient(base_url=self._url) as client:
            shown = (await client.get("/v1/alerts")).json()["alerts"]
        return {alert["name"]: alert for alert in shown if alert["state"] != "resolved"}

    async def order(self, path: str, body: Mapping[str, object]) -> None:
        async with httpx.AsyncClient(base_url=self._url, headers=self._headers) as client:
            answer = await client.post(path, json=dict(body))
        assert answer.is_success, answer.text


async def turn() -> None:
    clock = SystemClock()
    await clock.sleep_until(clock.monotonic_ns() + 20_000_000)


async def heard(inbox: Inbox, *names: str, over: bool = False) -> None:
    while not all(set(names) <= {one.name for one in told(over=over)} for told in (inbox.by_mail, inbox.by_hook)):
        await turn()


async def follow(inbox: Inbox, *names: str) -> None:
    """Note what the links of these alerts answer."""
    async with httpx.AsyncClient() as client:
        for link in inbox.links():
            name = link.rsplit("/", 1)[1]
            if name in names:
                answer = await client.get(link)
                assert answer.status_code == 200
                inbox.link_texts[name] = answer.text


def escalations(inbox: Inbox) -> list[str]:
    return [title for title, _ in inbox.hook.notices if "NOT ACKNOWLEDGED" in title]


async def stand_still(process: Process) -> None:
    clock = SystemClock()
    process.signal(signal.SIGSTOP)
    await clock.sleep_until(clock.monotonic_ns() + 700_000_000)
    process.signal(signal.SIGCONT)


async def story(inbox: Inbox, place: Path, lab: Lab, environ: Mapping[str, str]) -> None:
    async with AsyncExitStack() as stack:
        run = ("run", "--config", configure(place, lab, 0))
        first = await stack.enter_async_context(firmquote(environ, *run))
        url = first.told["url"]
        configure(place, lab, int(url.rsplit(":", 1)[1]))
        guards = configure(place, lab, 0, name="guard.yaml")
        guard = ("alerts", "guard", "--config", guards, "--url", url, "--every", "300ms", "--port", "0")
        await stack.enter_async_context(firmquote(environ, *guard))
        await heard(inbox, "disk_low")
        await lab.alphavantage.inject(Fault.BAD_LOGIN)
        await heard(inbox, "key_refused")
        operator = Operator(url, place)
        taken = (await operator.alerts())["key_refused"]
        await operator.order(f"/v1/alerts/{taken['id']}/acknowledge", {"who": "ada", "reason": "asking for a new key"})
        await stand_still(first)
        await heard(inbox, "process_stalled")
        await follow(inbox, "process_stalled")
        first.signal(signal.SIGKILL)
        await first.wait()
        await heard(inbox, "gateway_down")
        await follow(inbox, "gateway_down")
        configure(place, lab, int(url.rsplit(":", 1)[1]), escalate_after_s=1)  # long ago, by the first one's clock
        await stack.enter_async_context(firmquote(environ, *run))
        await heard(inbox, "unclean_start")
        await follow(inbox, "unclean_start")
        operator = Operator(url, place)
        assert (await operator.alerts())["key_refused"]["acknowledged_by"] == "ada"
        await operator.order("/v1/rollout/promote", {"reason": "the machine is well again", "forced": True})
        await heard(inbox, "process_stalled", "gateway_down", "unclean_start", over=True)
        while not all([one.name for one in told()].count("disk_low") > 1 for told in (inbox.by_mail, inbox.by_hook)):
            await turn()


def test_a_process_that_is_stopped_killed_and_started_again(tmp_path: Path) -> None:
    async def body() -> None:
        async with asyncio.timeout(300), receivers() as inbox, Lab(TAPE, SystemClock(), None) as lab:
            environ = {"MAIL": inbox.mail.address, "HOOK": inbox.hook.address, "LAB_KEY": LAB_KEY}
            await story(inbox, tmp_path, lab, environ)
            inbox.check(("process_stalled", "gateway_down", "unclean_start"))
            assert not any("key_refused" in title for title in escalations(inbox)), "ada has it, in both processes"
            for told in (inbox.by_mail, inbox.by_hook):
                names = [one.name for one in told()]
                assert (names.count("key_refused"), names.count("disk_low")) == (1, 2), (
                    "news, and of what nobody took the one escalation"
                )

    play(body)
