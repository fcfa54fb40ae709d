"""The switches drill: pulls every switch during a flood of quotes, and looks from outside what is still seen and done.

Meanwhile the gateway trades: somebody advises to buy every symbol, so that an order too many would show.
"""

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

from firmquote.decision import Caps, PaperPolicy
from firmquote.lab.drills.obstacles import OBSTACLES, Obstacle
from firmquote.lab.drills.options import DrillOptions
from firmquote.lab.drills.post import Items, Post
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
SYMBOLS = ("AIG", "BAC", "IBM", "SPY")
SYMBOL = "IBM"
ADVISER = "drill"
ACTING = ("BUY_1X", "BUY_5X", "REDUCE")
LOOKERS = RatePolicy(per_s=10_000, burst=10_000)
READY_S = 30.0
Item = Mapping[str, Any]


class Pull(Struct, frozen=True, kw_only=True):
    """A switch, what must not be seen once it is pulled, and whom it keeps from trading."""

    name: str
    is_gone: Callable[[Item], bool]
    """Whether a thing shown is as it must be afterwards."""
    seen: str = "live quote"
    path: str = "/v1/quotes"
    to_mock: bool = False
    stops: tuple[str, ...] = SYMBOLS
    """The symbols that must not be traded any more …"""
    stops_fills: bool = True
    """… and whether that ends orders that are on their way."""


def _not_live(quote: Item) -> bool:
    return quote["provider"] in (None, "mock") and quote["grade"] in ("none", "mock")


PULLS = (
    Pull(name="quotes", is_gone=_not_live, to_mock=True),
    Pull(name="force_mock", is_gone=_not_live, to_mock=True),
    Pull(name="all", is_gone=lambda quote: quote["grade"] == "none"),
    Pull(name="provider:polygon", is_gone=lambda quote: quote["provider"] != "polygon"),
    Pull(
        name=f"symbol:{SYMBOL}",
        is_gone=lambda quote: quote["symbol"] != SYMBOL or quote["grade"] == "none",
        stops=(SYMBOL,),
    ),
    Pull(name="halts", seen="firm quote", is_gone=lambda quote: quote["grade"] != "firm"),
    Pull(
        name="news",
        path="/v1/decisions",
        seen="decision that listens to advice",
        is_gone=lambda decision: ADVISER not in decision["per_strategy"],
        stops_fills=False,
    ),
    Pull(
        name="decisions",
        path="/v1/decisions",
        seen="decision to act",
        is_gone=lambda decision: decision["intent"] not in ACTING,
    ),
)


class Seen(Struct, frozen=True, kw_only=True):
    """What one pull led to."""

    obstacle: str
    pull: Pull
    accepted_ns: int
    effect_ms: float | None
    """`None`: the machine was too late to tell."""
    sent_ms: float
    """The last thing seen that must be gone, since the order was sent."""
    mock_ms: float | None
    answer_ms: float
    persisted: bool
    traded_ms: float = 0.0
    """The last order made or filled after the switch was pulled and before it was released."""
    orders_before: int = 0
    """Orders made in the second before: what a switch that does nothing would have let go on."""


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
    with socket.create_server(("127.0.0.1", 0)) as mute, Firehose(SYMBOLS, PER_S) as hose:
        nobody = f"http://127.0.0.1:{mute.getsockname()[1]}"  # accepts, and never answers
        config = demo_config(
            {"polygon": {"stream_url": hose.url, "rest_url": nobody}, "alphavantage": {"rest_url": nobody}}, port=0
        )
        gateway = Gateway(_changed(config, directory), {KEY_NAME: "k"}, SystemClock(), Random(7))  # noqa: S311 - jitter
        running = asyncio.create_task(gateway.run())
        try:
            async with gateway.serve() as url, aiohttp.ClientSession(url) as session:
                post = Post(session, _token(directory))
                await post.until("/v1/quotes", _all_firm, within_s=READY_S)
                for symbol in SYMBOLS:
                    await post.give("/v1/advice", {"symbol": symbol, "score": 1, "source": ADVISER, "ttl_s": 604_800})
                yield gateway, post, hose
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def _changed(config: Config, directory: Path) -> Config:
    quotes = structs.replace(config.feeds.quotes, provider_active="polygon", provider_warm="alphavantage")
    election = structs.replace(config.routing.election, failback_after_s=0.1, switches_max=1_000, dwell_ms=100)
    decision = structs.replace(
        config.decision,
        strategies={},
        cooldown_s=0.2,
        caps=Caps(symbol_usd=1e9, gross_usd=1e9, net_usd=1e9, orders_per_day=1_000_000),
        sector_usd=1e9,
        paper=PaperPolicy(cash_usd=1e9, latency_ms_min=20, latency_ms_max=60),
    )
    return structs.replace(
        config,
        feeds=structs.replace(config.feeds, quotes=quotes),
        routing=structs.replace(config.routing, election=election),
        decision=decision,
        # What is broken here on purpose is the obstacles' doing: neither the gates nor the guard shall step in first.
        rollout=structs.replace(config.rollout, breaches_to_roll_back=1_000_000),
        hotpath=structs.replace(config.hotpath, breaches_to_throttle=1_000_000, breaches_to_stop=1_000_000),
        serve=structs.replace(config.serve, state_dir=str(directory), requests=LOOKERS),
    )


def _token(directory: Path) -> str:
    (path,) = directory.glob("operator-*.token")
    return path.read_text()


def _all_firm(quotes: Items) -> bool:
    return all(quote["grade"] == "firm" for quote in quotes)


async def _pull_until_told(post: Post, hose: Firehose, directory: Path, obstacle: Obstacle, pull: Pull) -> Seen:
    released_ns = post.clock.now_ns()
    for left in reversed(range(TRIES)):
        await post.until("/v1/quotes", _all_firm, within_s=READY_S)
        await post.until_traded(released_ns, SYMBOLS, within_s=READY_S)
        with obstacle.stand(directory, hose):
            seen = await _pull(post, obstacle, pull)
        released_ns = (await post.order(pull.name, engaged=False))["accepted_ns"]
        seen = await _add_trades(post, seen, released_ns)
        if seen.effect_ms is not None or not left:
            break
    return seen


async def _pull(post: Post, obstacle: Obstacle, pull: Pull) -> Seen:
    clock = post.clock
    looks: list[tuple[int, Items]] = []
    late_ns = 0

    async def look() -> None:
        nonlocal late_ns
        while True:
            due_ns = clock.monotonic_ns() + LOOK_NS
            items = await post.look(pull.path)
            looks.append((items[0].get("as_of_ns", clock.now_ns()), items))
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
    last_ns = max((at for at, items in looks if not all(pull.is_gone(i) for i in items)), default=accepted_ns)
    mocks_ns = [at for at, items in looks if pull.to_mock and at >= accepted_ns and _all_mock(items)]
    told = late_ns <= STALLED_MS_MAX * NS_PER_MS and len(looks) > 20
    return Seen(
        obstacle=obstacle.name,
        pull=pull,
        accepted_ns=accepted_ns,
        effect_ms=max(0, last_ns - accepted_ns) / NS_PER_MS if told else None,
        sent_ms=max(0, last_ns - sent_ns) / NS_PER_MS,
        mock_ms=(mocks_ns[0] - accepted_ns) / NS_PER_MS if mocks_ns else None,
        answer_ms=(answered_ns - accepted_ns) / NS_PER_MS,
        persisted=outcome["persisted"],
    )


async def _add_trades(post: Post, seen: Seen, released_ns: int) -> Seen:
    """Look at the orders once trading goes on: what was made before is on the disk and shown by then."""
    await post.until_traded(released_ns, seen.pull.stops, within_s=READY_S)
    orders = [view for view in await post.look("/v1/orders") if view["order"]["symbol"] in seen.pull.stops]
    made = [view["order"]["created_ns"] for view in orders]
    filled = [fill["at_ns"] for view in orders for fill in view["fills"]] if seen.pull.stops_fills else []
    accepted_ns = seen.accepted_ns
    too_late = [at for at in (*made, *filled) if accepted_ns < at < released_ns]
    return structs.replace(
        seen,
        traded_ms=(max(too_late, default=accepted_ns) - accepted_ns) / NS_PER_MS,
        orders_before=sum(accepted_ns - 1_000 * NS_PER_MS < at <= accepted_ns for at in made),
    )


def _all_mock(quotes: Items) -> bool:
    return all(quote["grade"] == "mock" for quote in quotes)


def _checks(seen: Seen) -> list[DrillCheck]:
    pull, name = seen.pull, f"{seen.obstacle}/{seen.pull.name}"
    told = seen.effect_ms is not None
    stored = "on" if seen.persisted else "NOT on"
    what_else = f"{seen.sent_ms:.1f} ms after it was sent; answered after {seen.answer_ms:.0f} ms, {stored} the disk"
    late = "inconclusive: the machine was late"
    found = [
        _in_time(f"{name}: last {pull.seen} after the order was accepted", seen.effect_ms, EFFECT_MS_MAX, what_else)
        if told
        else _in_time(f"{name}: last {pull.seen} after the order was accepted", None, EFFECT_MS_MAX, late)
    ]
    traded = seen.traded_ms if told and seen.orders_before else None
    made = f"{seen.orders_before} orders in the second before" if told else late
    what = "order made or filled" if pull.stops_fills else "order made"
    found.append(_in_time(f"{name}: last {what} after the order was accepted", traded, EFFECT_MS_MAX, made))
    if pull.to_mock:
        found.append(_in_time(f"{name}: degraded to mock", seen.mock_ms, MOCK_MS_MAX, ""))
    return found


def _in_time(name: str, value: float | None, limit: float, words: str) -> DrillCheck:
    passed = value is not None and value < limit
    return DrillCheck(name=name, value=value, unit="ms", limit=limit, passed=passed, words=words)
