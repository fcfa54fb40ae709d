"""Each alert is fired by its real fault, arrives by mail and by webhook, once, with a link that answers, and resolves."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from msgspec import structs
from tests.runtime.receivers import Mailbox, Webhook, mailbox, webhook
from tests.scenarios.gateway import Scenario, play, scenario, with_roles, with_state_dir
from tests.scenarios.test_failover_scenarios import usual_gap_is_known

from firmquote.budget import BudgetPolicy, CadencePolicy, ProviderBudget
from firmquote.lab import Fault
from firmquote.publish.alerting import KINDS, AlertPolicy, ChannelPolicy, HeartbeatPolicy
from firmquote.runtime import Config, SystemClock

pytestmark = pytest.mark.scenario
FIRED = re.compile(r"^(?:WARNING|CRITICAL) (\w+)(?: \S+)? \(alert (\d+)\)$", re.MULTILINE)
RESOLVED = re.compile(r"^RESOLVED (\w+)(?: \S+)? \(alert (\d+)\)", re.MULTILINE)
QUICK = AlertPolicy(
    group_wait_s=0.2, resolve_after_s=0.5, rate_max=100, rate_over_s=4, disk_free_mb_min=0, probe_every_s=1,
    after_s={"symbols_unusable": 0, "provider_degraded": 0, "cut_off": 0},
)  # fmt: skip


class Watch:
    """A gateway with its faults, and what arrived about it."""

    def __init__(self, running: Scenario, mail: Mailbox, hook: Webhook, url: str) -> None:
        self.running = running
        self.mail = mail
        self.hook = hook
        self.url = url

    def fired(self, kind: re.Pattern[str] = FIRED) -> set[str]:
        """Return the names of what arrived as firing, by webhook."""
        return {name for _, text in self.hook.notices for name, _ in kind.findall(text)}

    async def until_fired(self, *names: str) -> None:
        await self.running.until(lambda: set(names) <= self.fired())

    async def until_resolved(self, *names: str) -> None:
        await self.running.until(lambda: set(names) <= self.fired(RESOLVED))

    async def check(self, *names: str) -> None:
        """Both receivers got the same; each alert once; each link answers with its section."""
        await self.running.until(lambda: len(self.mail.mails) == len(self.hook.notices))
        for pattern in (FIRED, RESOLVED):
            by_mail = [found for _, text in self.mail.mails for found in pattern.findall(text.replace("\r", ""))]
            by_hook = [found for _, text in self.hook.notices for found in pattern.findall(text)]
            assert sorted(by_mail) == sorted(by_hook)
            assert len(set(by_mail)) == len(by_mail), "one alert is told once"
            assert set(names) <= {name for name, _ in by_mail}
        async with httpx.AsyncClient() as client:
            for name in names:
                links = {
                    link for _, text in self.hook.notices for link in re.findall(rf"Do this: (\S+/{name})\b", text)
                }
                answer = await client.get(links.pop())
                assert (answer.status_code, answer.text.splitlines()[0]) == (200, f"### {name}")
                assert "**It worked**" in answer.text


def operator(tmp_path: Path) -> dict[str, str]:
    token = next((tmp_path / "state").glob("operator-*.token")).read_text()
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def watched(
    tmp_path: Path,
    policy: AlertPolicy = QUICK,
    change: Callable[[Config], Config] = lambda config: config,
    *,
    ready: bool = True,
) -> AsyncIterator[Watch]:
    async with mailbox() as mail, webhook() as hook:
        for name, address in (("mail", mail.address), ("hook", hook.address)):
            (tmp_path / name).write_text(address)
        channels = {name: ChannelPolicy(file=str(tmp_path / name)) for name in ("mail", "hook")}
        alerts = structs.replace(policy, channels=channels)
        with_state = with_state_dir(tmp_path / "state")
        async with scenario(
            deadline_s=60, change=lambda config: structs.replace(with_state(change(config)), alerts=alerts)
        ) as running:
            await running.until(lambda: not ready or running.gateway.report.not_ready() is None)
            async with running.gateway.serve() as url:
                yield Watch(running, mail, hook, url)


async def a_lost_connection(tmp_path: Path) -> None:
    async with watched(tmp_path, change=with_roles("polygon", "alphavantage")) as night:
        await night.running.lab.polygon.inject(Fault.DISCONNECT)
        await night.until_fired("provider_failed", "failover")
        night.running.lab.polygon.clear()
        await night.until_resolved("provider_failed", "failover")
        await night.check("provider_failed", "failover")


async def a_frozen_stream(tmp_path: Path) -> None:
    async with watched(tmp_path, change=with_roles("polygon", "alphavantage")) as night:
        watch = night.running.gateway.conductor.watch
        await night.running.until(lambda: usual_gap_is_known(watch))
        await night.running.lab.polygon.inject(Fault.FREEZE)
        await night.until_fired("provider_silent", "failover")
        night.running.lab.polygon.clear()
        await night.until_resolved("provider_silent", "failover")
        await night.check("provider_silent", "failover")


async def a_refused_key_stays_and_without_the_other_provider_nobody_is_left(tmp_path: Path) -> None:
    async with watched(tmp_path) as night:
        lab = night.running.lab
        await lab.alphavantage.inject(Fault.BAD_LOGIN)
        await night.until_fired("key_refused", "failover")
        await lab.polygon.inject(Fault.BAD_LOGIN)
        await lab.polygon.inject(Fault.CLOSE_CLEAN)
        await night.until_fired("no_live_provider", "symbols_unusable")
        assert "key_refused" not in night.fired(RESOLVED), "it needs its operator"
        await night.running.until(lambda: len(night.mail.mails) == len(night.hook.notices))
        assert any("CRITICAL key_refused alphavantage" in text for _, text in night.mail.mails)


async def everybody_lost_at_once(tmp_path: Path) -> None:
    async with watched(tmp_path, change=with_roles("polygon", "alphavantage")) as night:
        lab = night.running.lab
        for provider in (lab.polygon, lab.alphavantage):
            await provider.inject(Fault.DISCONNECT)
        await night.until_fired("cut_off")
        for provider in (lab.polygon, lab.alphavantage):
            provider.clear()
        await night.until_resolved("cut_off")
        await night.check("cut_off")


async def prices_that_cannot_be_and_bytes_that_cannot_be_read(tmp_path: Path) -> None:
    async with watched(tmp_path, change=with_roles("polygon", "alphavantage")) as night:
        lab = night.running.lab
        await lab.polygon.inject(Fault.CROSS)
        await night.until_fired("quotes_refused")
        lab.polygon.clear()
        await night.until_resolved("quotes_refused")
        await lab.polygon.inject(Fault.GARBAGE)
        await night.until_fired("messages_unreadable")
        lab.polygon.clear()
        await night.until_resolved("messages_unreadable")
        await night.check("quotes_refused", "messages_unreadable")


def test_a_standstill_of_our_own_and_a_role_that_moves_too_often(tmp_path: Path) -> None:
    async def body() -> None:
        async with watched(tmp_path) as night:
            conductor = night.running.gateway.conductor
            for turn in range(6):
                conductor.activate(("polygon", "alphavantage")[turn % 2], "flapping")
            end_ns = SystemClock().monotonic_ns() + 600_000_000
            while SystemClock().monotonic_ns() < end_ns:
                pass  # the event loop stands still
            await night.until_fired("process_stalled", "flapping")
            await night.until_resolved("process_stalled")

    play(body)


async def a_disk_that_fills(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize / 1_000_000
    ballast = tmp_path / "ballast"
    policy = structs.replace(QUICK, disk_free_mb_min=free - 1_000)
    async with watched(tmp_path, policy) as night:
        descriptor = os.open(ballast, os.O_CREAT | os.O_WRONLY)
        os.posix_fallocate(descriptor, 0, 2_000_000_000)
        await night.until_fired("disk_low")
        os.close(descriptor)
        ballast.unlink()
        await night.until_resolved("disk_low")
        await night.check("disk_low")


async def a_channel_that_takes_nothing_is_reported_through_the_other_one(tmp_path: Path) -> None:
    async with watched(tmp_path) as night:
        night.hook.broken = True
        night.running.gateway.alerting.test("is the webhook well?")
        await night.running.until(lambda: any("channel_failing hook" in text for _, text in night.mail.mails))
        night.hook.broken = False
        await night.running.until(lambda: any("RESOLVED channel_failing hook" in text for _, text in night.mail.mails))
        assert any("WARNING test" in text for _, text in night.hook.notices), "late, and not lost"


NIGHTS = [
    a_lost_connection,
    a_frozen_stream,
    a_refused_key_stays_and_without_the_other_provider_nobody_is_left,
    everybody_lost_at_once,
    prices_that_cannot_be_and_bytes_that_cannot_be_read,
    a_channel_that_takes_nothing_is_reported_through_the_other_one,
    *([a_disk_that_fills] if shutil.disk_usage("/tmp").free > 4 * 10**9 else []),
]


def test_each_alert_is_fired_by_its_real_fault_arrives_once_and_resolves(tmp_path: Path) -> None:
    async def body() -> None:
        async with asyncio.TaskGroup() as group:  # they wait far more than they work
            for night in NIGHTS:
                place = tmp_path / night.__name__
                place.mkdir()
                group.create_task(night(place))

    play(body)


def test_a_message_that_only_the_failing_channel_wanted_goes_to_another(tmp_path: Path) -> None:
    from firmquote.model.alerts import Severity  # noqa: PLC0415 - only here

    async def body() -> None:
        async with watched(tmp_path) as night:
            mail = night.running.gateway.alerting.channels["mail"]
            mail.policy = structs.replace(mail.policy, min_severity=Severity.CRITICAL)
            night.hook.broken = True
            night.running.gateway.alerting.test("does it arrive all the same?")
            await night.running.until(lambda: any("does it arrive" in text for _, text in night.mail.mails))

    play(body)


def test_a_switch_is_told_of_and_an_alert_is_taken_over_http_with_the_token_and_a_reason(tmp_path: Path) -> None:
    async def body() -> None:
        async with watched(tmp_path) as night, httpx.AsyncClient(base_url=night.url) as client:
            headers = operator(tmp_path)
            assert (await client.post("/v1/alerts/test", json={"reason": "x"})).status_code == 401
            switch = "/v1/switches/symbol:IBM"
            order = {"reason": "the alert about it", "engaged": True}
            assert (await client.post(switch, json=order, headers=headers)).status_code == 200
            await night.until_fired("switch_engaged")
            assert (await client.post(switch, json=order | {"engaged": False}, headers=headers)).status_code == 200
            await night.until_resolved("switch_engaged")
            sent = await client.post("/v1/alerts/test", json={"reason": "x"}, headers=headers)
            assert sent.status_code == 202
            await night.until_fired("test")
            shown = (await client.get("/v1/alerts")).json()["alerts"]
            (alert,) = [one for one in shown if one["name"] == "test"]
            path = f"/v1/alerts/{alert['id']}/acknowledge"
            taken = await client.post(path, json={"reason": "trying", "who": "ada"}, headers=headers)
            assert (taken.json()["state"], taken.json()["acknowledged_by"]) == ("acknowledged", "ada")
            await night.until_resolved("test")
            again = await client.post(path, json={"reason": "trying"}, headers=headers)
            assert (again.status_code, "does not fire" in again.json()["detail"]) == (409, True)
            await night.check("test", "switch_engaged")

    play(body)


def test_a_budget_that_runs_out_is_told_of_before_and_when_it_is_spent(tmp_path: Path) -> None:
    tight = BudgetPolicy(
        reserve_pct=0, warn_left_pct=90, slow_left_pct=1, positions_left_pct=0,
        providers={"alphavantage": ProviderBudget(requests_per_day=4)},
        cadence=CadencePolicy(),
    )  # fmt: skip

    async def body() -> None:
        change = with_roles("alphavantage", "polygon")
        async with watched(tmp_path, change=lambda c: structs.replace(change(c), budgets=tight), ready=False) as night:
            async with httpx.AsyncClient(base_url=night.url, headers=operator(tmp_path)) as client:
                assert (await client.post("/v1/quotes/IBM/refresh")).status_code == 200
                await night.until_fired("budget_low")
                for symbol in ("AIG", "BAC", "SPY"):
                    await client.post(f"/v1/quotes/{symbol}/refresh")
            await night.until_fired("budget_spent", "failover")

    play(body)


def test_a_ledger_that_cannot_be_opened_stops_the_spending_and_is_told_of(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    ledger.write_bytes(b"this is no database, and long enough to be seen as none" * 100)

    async def body() -> None:
        policy = BudgetPolicy(ledger=str(ledger))
        async with watched(tmp_path, change=lambda c: structs.replace(c, budgets=policy), ready=False) as night:
            await night.until_fired("ledger_unusable")
            assert night.running.gateway.feeds["polygon"].accepted > 0, "streams need no ledger"
            ledger.unlink()
            await night.until_resolved("ledger_unusable")
            await night.check("ledger_unusable")

    play(body)


def test_the_heartbeat_comes_while_all_is_well_and_stops_with_the_gateway() -> None:
    async def body() -> None:
        async with webhook() as service:
            policy = structs.replace(QUICK, heartbeat=HeartbeatPolicy(env="HEART", every_s=0.3))
            async with scenario(
                change=lambda config: structs.replace(config, alerts=policy), environ={"HEART": service.address}
            ) as running:
                await running.until(lambda: len(service.notices) >= 3)
                assert {title for title, _ in service.notices} == {"[firmquote] alive"}
            beats = len(service.notices)
            clock = SystemClock()
            await clock.sleep_until(clock.monotonic_ns() + 1_000_000_000)
            assert len(service.notices) <= beats + 1, "at most one that was under way"

    play(body)


def test_every_alert_has_its_runbook_section_of_one_shape() -> None:
    from firmquote.publish.runbook import runbook_section  # noqa: PLC0415 - only here

    for name in KINDS:
        section = runbook_section(name)
        assert section is not None, name
        for part in ("**Means.**", "**Look here.**", "**Do this.**", "**It worked**"):
            assert part in section, (name, part)
