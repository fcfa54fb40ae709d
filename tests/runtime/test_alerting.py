"""Each alert is fired by its real fault, arrives by mail and by webhook, once, with a link that answers, and resolves."""

from pathlib import Path

import pytest
from msgspec import structs
from tests.runtime.alert_nights import NIGHTS, Night
from tests.runtime.channel_stories import CHANNEL_STORIES, without_providers
from tests.runtime.receivers import webhook
from tests.runtime.watched import Inbox, Story, all_at_once
from tests.scenarios.gateway import play, scenario

from firmquote.publish.alerting import KINDS, AlertPolicy, HeartbeatPolicy
from firmquote.publish.runbook import runbook_section
from firmquote.runtime import SystemClock

pytestmark = pytest.mark.scenario
FROM_OUTSIDE = frozenset({"gateway_down", "process_stalled", "unclean_start"})
"""Of a process of its own: test_alerts_of_a_process.py."""


def test_each_alert_is_fired_by_its_real_fault_arrives_once_and_resolves(tmp_path: Path) -> None:
    """All nights at once, and what people get on their channels: they wait far more than they work."""

    def checked(night: Night) -> Story:
        async def story(inbox: Inbox, place: Path) -> None:
            await night.tell(inbox, place)
            inbox.check(night.covers)

        return story

    stories = {", ".join(night.covers): checked(night) for night in NIGHTS}
    play(lambda: all_at_once(tmp_path, stories | {story.__name__: story for story in CHANNEL_STORIES}))


def test_every_alert_has_its_night() -> None:
    covered = [name for night in NIGHTS for name in night.covers]
    assert sorted([*covered, *FROM_OUTSIDE]) == sorted(KINDS), "each alert once"


def test_every_alert_has_its_runbook_section_of_one_shape() -> None:
    for name in KINDS:
        section = runbook_section(name)
        assert section is not None, name
        for part in ("**Means.**", "**Look here.**", "**Do this.**", "**It worked**"):
            assert part in section, (name, part)


def test_the_heartbeat_comes_while_all_is_well_and_stops_with_the_gateway() -> None:
    async def body() -> None:
        async with webhook() as service:
            policy = AlertPolicy(heartbeat=HeartbeatPolicy(env="HEART", every_s=0.3))
            async with scenario(
                change=lambda config: structs.replace(without_providers(config), alerts=policy),
                providers=(),
                environ={"HEART": service.address},
            ) as running:
                await running.until(lambda: len(service.notices) >= 3)
                assert {title for title, _ in service.notices} == {"[firmquote] alive"}
            beats = len(service.notices)
            clock = SystemClock()
            await clock.sleep_until(clock.monotonic_ns() + 700_000_000)
            assert len(service.notices) <= beats + 1, "at most one that was under way"

    play(body)
