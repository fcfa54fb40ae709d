"""What people get on their channels: grouped, limited, escalated until somebody takes it, and through another one."""

from pathlib import Path

import httpx
from msgspec import structs
from tests.runtime.watched import QUICK, Inbox, Watch, watched

from firmquote.model import NS_PER_S
from firmquote.model.alerts import Severity
from firmquote.publish.alerting import ChannelPolicy
from firmquote.runtime import Config

NO_DISK_IS_SO_LARGE = 1e12
"""MB; a critical alert that lasts."""


def without_providers(config: Config) -> Config:
    quotes = structs.replace(config.feeds.quotes, live_enabled=False)
    return structs.replace(config, feeds=structs.replace(config.feeds, quotes=quotes))


def escalations(inbox: Inbox) -> list[str]:
    titles = [title.partition("NOT ACKNOWLEDGED: ")[2] for title, _ in inbox.hook.notices]
    return [names for names in titles if names]


async def wait(night: Watch, seconds: float) -> None:
    clock = night.gateway.clock
    await clock.sleep_until(clock.monotonic_ns() + int(seconds * 1e9))


async def what_comes_together_is_one_message_and_above_the_limit_messages_wait(inbox: Inbox, place: Path) -> None:
    after_s = QUICK.after_s | {"process_stalled": 1e6}  # a busy machine says nothing here
    policy = structs.replace(QUICK, group_wait_s=1, rate_max=2, rate_window_s=8, after_s=after_s)
    async with watched(inbox, place, policy=policy, change=without_providers, providers=()) as night:
        clock, file = night.gateway.clock, night.directory / "switches"
        begun_ns = clock.monotonic_ns()
        file.write_text("symbol:AIG\nsymbol:BAC\n")
        await night.running.until(lambda: len(inbox.hook.notices) == 1)
        assert {one.subject for one in inbox.by_hook()} >= {"symbol:AIG", "symbol:BAC"}, "one message for both"
        file.write_text("symbol:IBM\n")
        await night.running.until(lambda: len(inbox.hook.notices) == 2)
        file.write_text("symbol:SPY\n")
        await night.running.until(lambda: len(night.gateway.alerting.desk.firing()) >= 4)
        await wait(night, 2)
        await night.order("/v1/alerts/test", {"reason": "held back as well"})
        in_time = clock.monotonic_ns() - begun_ns < policy.rate_window_s * NS_PER_S
        # On a late machine the test alert is over before it may be told, and is told as over alone.
        await night.running.until(lambda: "test" in {one.name for one in inbox.by_hook() + inbox.by_hook(over=True)})
        held = {one.name for one in inbox.by_hook()[3:] + inbox.by_hook(over=True)}
        assert held >= {"switch_engaged", "test"}, "every one came"
        assert len(inbox.hook.notices) == 3 or not in_time, "what was held back came as one; a late machine holds none"


async def what_nobody_takes_is_escalated_to_whom_it_is_meant_for(inbox: Inbox, place: Path) -> None:
    policy = structs.replace(
        QUICK, escalate_after_s=2, escalations_max=2, disk_free_mb_min=NO_DISK_IS_SO_LARGE,
        channels={"hook": ChannelPolicy(env="unused", escalation=True)},
    )  # fmt: skip

    def leased(config: Config) -> Config:
        config = without_providers(config)
        return structs.replace(config, safety=structs.replace(config.safety, dead_man_s=1, dead_man_all_s=600))

    async with watched(inbox, place, policy=policy, change=leased, providers=(), ready=False) as night:
        await night.until_fired("disk_low", "lease_expired")
        (taken,) = [one for one in night.gateway.alerting.desk.firing() if one.name == "disk_low"]
        path = f"/v1/alerts/{taken.id}/acknowledge"
        answer = await night.order(path, {"reason": "buying a larger one", "who": "ada"})
        assert (answer.json()["state"], answer.json()["acknowledged_by"]) == ("acknowledged", "ada")
        await night.running.until(lambda: len(escalations(inbox)) == 2)
        await wait(night, 3)
        assert escalations(inbox) == ["lease_expired"] * 2, "bounded, and without disk_low"
        assert not any("NOT ACKNOWLEDGED" in title for title, _ in inbox.mail.mails), "not whom it is meant for"


async def what_only_the_failing_channel_wanted_goes_to_another(inbox: Inbox, place: Path) -> None:
    policy = structs.replace(QUICK, channels={"mail": ChannelPolicy(env="unused", min_severity=Severity.CRITICAL)})
    async with watched(inbox, place, policy=policy, change=without_providers, providers=()) as night:
        inbox.hook.broken = True
        await night.order("/v1/alerts/test", {"reason": "does it arrive all the same?"})
        await night.running.until(lambda: any("does it arrive" in text for _, text in inbox.mail.mails))


async def an_order_about_alerts_takes_the_token_and_an_alert_that_fires(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=without_providers, providers=()) as night:
        async with httpx.AsyncClient(base_url=night.url) as client:
            assert (await client.post("/v1/alerts/test", json={"reason": "x"})).status_code == 401
            headers = night.headers()
            path = "/v1/alerts/777/acknowledge"
            answer = await client.post(path, json={"reason": "trying"}, headers=headers)
        assert (answer.status_code, "does not fire" in answer.json()["detail"]) == (409, True)


async def alerts_of_a_later_release_are_put_aside_and_told_of(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=without_providers, providers=()) as night:
        kept = night.directory / "alerts.json"
    kept.write_text('{"schema": 2, "numbers": 1, "alerts": [], "sent_ns": []}')
    async with watched(inbox, place, change=without_providers, providers=(), port=night.port, ready=False) as night:
        await night.until_fired("state_unreadable")
        assert "alerts.json" in {one.subject for one in inbox.by_hook() if one.name == "state_unreadable"}
        kept.with_name("alerts.json.unreadable").unlink()
        await night.until_over("state_unreadable")


CHANNEL_STORIES = (
    what_comes_together_is_one_message_and_above_the_limit_messages_wait,
    what_nobody_takes_is_escalated_to_whom_it_is_meant_for,
    what_only_the_failing_channel_wanted_goes_to_another,
    an_order_about_alerts_takes_the_token_and_an_alert_that_fires,
    alerts_of_a_later_release_are_put_aside_and_told_of,
)
