"""The switches drill: pulls every switch during a flood of quotes, and looks from outside how long live quotes last."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import uvloop
from msgspec import Struct, structs

from firmquote.lab.drills.obstacles import OBSTACLES, Obstacle
from firmquote.lab.drills.options import DrillOptions
from firmquote.lab.firehose import Firehose
from firmquote.model import NS_PER_MS
from firmquote.model.drill import DrillCheck, DrillReport, at_least
from firmquote.runtime import KEY_NAME, Config, Gateway, SystemClock, demo_config
from firmquote.safety import RatePolicy

PER_S = 20_000
EFFECT_MS_MAX = 100.0
MOCK_MS_MAX = 2_000.0
RATE_SHARE_MIN = 0.9
LOOK_NS = 3 * NS_PER_MS
WATCH_NS = 400 * NS_PER_MS
STALLED_MS_MAX = 80.0
"""A machine on which the looker itself was later than this proves nothing; the pull is repeated."""
TRIES = 5
SYMBOL = "IBM"
LOOKERS = RatePolicy(per_s=10_000, burst=10_000)
Quotes = Sequence[Mapping[str, Any]]


class Pull(Struct, frozen=True, kw_only=True):
    """A switch, and which quotes must not be seen once it is pulled."""

    name: str
    is_gone: Callable[[Mapping[str, Any]], bool]
    """Whether a quote is as it must be afterwards."""
    to_mock: bool = False


def _not_live(quote: Mapping[str, Any]) -> bool:
    return quote["provider"] in (None, "mock") and quote["grade"] in ("none", "mock")


PULLS = (
    Pull(name="quotes", is_gone=_not_live, to_mock=True),
    Pull(name="force_mock", is_gone=_not_live, to_mock=True),
    Pull(name="all", is_gone=lambda quote: quote["grade"] == "none"),
    Pull(name="provider:polygon", is_gone=lambda quote: quote["provider"] != "polygon"),
    Pull(name=f"symbol:{SYMBOL}", is_gone=lambda quote: quote["symbol"] != SYMBOL or quote["grade"] == "none"),
    Pull(name="halts", is_gone=lambda quote: quote["grade"] != "firm"),
)


class Seen(Struct, frozen=True, kw_only=True):
    """What one pull led to. `None`: the machine was too late to tell."""

    obstacle: str
    pull: str
    effect_ms: float | None
    sent_ms: float
    """The last live quote, since the order was sent."""
    mock_ms: float | None
    answer_ms: float
    persisted: bool


class Post:
    """Orders and looks, over HTTP like anybody's."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self._session = session
        self._headers = {"Authorization": f"Bearer {token}"}
        self.clock = SystemClock()

    async def order(self, name: str, *, engaged: bool) -> Mapping[str, Any]:
        """Engage or release."""
        body = {"engaged": engaged, "reason": "drill"}
        async with self._session.post(f"/v1/switches/{name}", json=body, headers=self._headers) as answer:
            found: Mapping[str, Any] = await answer.json()
            assert answer.status == 200, found
            return found

    async def quotes(self) -> Quotes:
        """Return what the board shows."""
        async with self._session.get("/v1/quotes") as answer:
            found: Quotes = await answer.json()
            return found

    async def until(self, condition: Callable[[Quotes], bool], *, within_s: float) -> None:
        """Wait for a look at which `condition` holds."""
        async with asyncio.timeout(within_s):
            while not condition(await self.quotes()):
                await self.clock.sleep_until(self.clock.monotonic_ns() + 10 * NS_PER_MS)


def switches_drill(options: DrillOptions, *, obstacles: Sequence[Obstacle] = OBSTACLES) -> DrillReport:
    """Run it."""
    seen, rate = uvloop.run(_run(options, obstacles))
    checks = [
        at_least("quotes a second", rate, RATE_SHARE_MIN * PER_S, "1/s"),
        *(c for one in seen for c in _checks(one)),
    ]
    return DrillReport(drill="switches", checks=tuple(checks))


async def _run(options: DrillOptions, obstacles: Sequence[Obstacle]) -> tuple[list[Seen], float]:
    seen: list[Seen] = []
    with TemporaryDirectory(prefix="firmquote-drill-") as name:
        directory = Path(name)
        async with _flooded(directory) as (gateway, post, hose):
            begun_ns, before = post.clock.monotonic_ns(), gateway.feeds["polygon"].accepted
            for obstacle in obstacles:
                for pull in PULLS:
                    seen.append(await _pull_until_told(post, hose, directory, obstacle, pull))
                    options.say(f"{obstacle.name}: {pull.name} {seen[-1].effect_ms} ms")
                if obstacle is obstacles[0]:
                    took_s = (post.clock.monotonic_ns() - begun_ns) / 1e9
                    rate = (gateway.feeds["polygon"].accepted - before) / took_s
    return seen, rate


@asynccontextmanager
async def _flooded(directory: Path) -> AsyncIterator[tuple[Gateway, Post, Firehose]]:
    symbols = ("AIG", "BAC", "IBM", "SPY")
    with socket.create_server(("127.0.0.1", 0)) as mute, Firehose(symbols, PER_S) as hose:
        nobody = f"http://127.0.0.1:{mute.getsockname()[1]}"  # accepts, and never answers
        config = demo_config(
            {"polygon": {"stream_url": hose.url, "rest_url": nobody}, "alphavantage": {"rest_url": nobody}}, port=0
        )
        gateway = Gateway(_changed(config, directory), {KEY_NAME: "k"}, SystemClock(), Random(7))  # noqa: S311 - jitter
        running = asyncio.create_task(gateway.run())
        try:
            async with gateway.serve() as url, aiohttp.ClientSession(url) as session:
                post = Post(session, _token(directory))
                await post.until(lambda quotes: all(quote["grade"] == "firm" for quote in quotes), within_s=20)
                yield gateway, post, hose
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def _changed(config: Config, directory: Path) -> Config:
    quotes = structs.replace(config.feeds.quotes, provider_active="polygon", provider_warm="alphavantage")
    election = structs.replace(config.routing.election, failback_after_s=0.1, switches_max=1_000, dwell_ms=100)
    return structs.replace(
        config,
        feeds=structs.replace(config.feeds, quotes=quotes),
        routing=structs.replace(config.routing, election=election),
        serve=structs.replace(config.serve, state_dir=str(directory), requests=LOOKERS),
    )


def _token(directory: Path) -> str:
    (path,) = directory.glob("operator-*.token")
    return path.read_text()


async def _pull_until_told(post: Post, hose: Firehose, directory: Path, obstacle: Obstacle, pull: Pull) -> Seen:
    for left in reversed(range(TRIES)):
        await post.until(lambda quotes: all(quote["grade"] == "firm" for quote in quotes), within_s=30)
        with obstacle.stand(directory, hose):
            seen = await _pull(post, obstacle, pull)
        await post.order(pull.name, engaged=False)
        if seen.effect_ms is not None or not left:
            break
    return seen


async def _pull(post: Post, obstacle: Obstacle, pull: Pull) -> Seen:
    clock = post.clock
    looks: list[tuple[int, Quotes]] = []
    late_ns = 0

    async def look() -> None:
        nonlocal late_ns
        while True:
            due_ns = clock.monotonic_ns() + LOOK_NS
            quotes = await post.quotes()
            looks.append((quotes[0]["as_of_ns"], quotes))
            await clock.sleep_until(due_ns)
            late_ns = max(late_ns, clock.monotonic_ns() - due_ns)

    looking = asyncio.create_task(look())
    await clock.sleep_until(clock.monotonic_ns() + 10 * LOOK_NS)
    sent_ns = clock.now_ns()
    outcome = await post.order(pull.name, engaged=True)
    answered_ns = clock.now_ns()
    await clock.sleep_until(clock.monotonic_ns() + WATCH_NS)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    accepted_ns = outcome["accepted_ns"]
    last_ns = max((at for at, quotes in looks if not all(pull.is_gone(q) for q in quotes)), default=accepted_ns)
    mocks_ns = [at for at, quotes in looks if at >= accepted_ns and all(q["grade"] == "mock" for q in quotes)]
    told = late_ns <= STALLED_MS_MAX * NS_PER_MS and len(looks) > 20
    return Seen(
        obstacle=obstacle.name,
        pull=pull.name,
        effect_ms=max(0, last_ns - accepted_ns) / NS_PER_MS if told else None,
        sent_ms=max(0, last_ns - sent_ns) / NS_PER_MS,
        mock_ms=(mocks_ns[0] - accepted_ns) / NS_PER_MS if pull.to_mock and mocks_ns else None,
        answer_ms=(answered_ns - accepted_ns) / NS_PER_MS,
        persisted=outcome["persisted"],
    )


def _checks(seen: Seen) -> list[DrillCheck]:
    name = f"{seen.obstacle}/{seen.pull}"
    words = "" if seen.effect_ms is not None else "inconclusive: the machine was late"
    effect = DrillCheck(
        name=f"{name}: last live quote after the order was accepted",
        value=seen.effect_ms,
        unit="ms",
        limit=EFFECT_MS_MAX,
        passed=seen.effect_ms is not None and seen.effect_ms < EFFECT_MS_MAX,
        words=words
        or f"{seen.sent_ms:.1f} ms after it was sent; answered after {seen.answer_ms:.0f} ms, "
        f"{'on' if seen.persisted else 'NOT on'} the disk",
    )
    if not any(pull.name == seen.pull and pull.to_mock for pull in PULLS):
        return [effect]
    degraded = DrillCheck(
        name=f"{name}: degraded to mock",
        value=seen.mock_ms,
        unit="ms",
        limit=MOCK_MS_MAX,
        passed=seen.mock_ms is not None and seen.mock_ms < MOCK_MS_MAX,
    )
    return [effect, degraded]
