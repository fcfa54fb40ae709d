"""The restart drill: one process takes over from another while clients ask, orders come and a position is held."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import msgspec
import uvloop
from msgspec import Struct, structs

from firmquote.decision import PaperPolicy
from firmquote.errors import RefusedError
from firmquote.lab.drills.crowd import USABLE, Answers, Crowd
from firmquote.lab.drills.options import DrillOptions
from firmquote.lab.drills.post import Items, Post
from firmquote.lab.drills.processes import START_S, Process, end_process, gateway_process, watch_books
from firmquote.lab.drills.range import WIRE_DELAY_MS, Setup
from firmquote.lab.serve import Lab, LabConfig
from firmquote.lab.simulator import SimulatorConfig
from firmquote.lab.tape import load_tape
from firmquote.model import NS_PER_MS, NS_PER_S
from firmquote.model.drill import DrillCheck, DrillReport, at_most
from firmquote.runtime import Config, SystemClock, demo_config
from firmquote.runtime.keeper import verify_audit
from firmquote.safety import RatePolicy

SETUPS = (
    Setup(name="two streams", active="polygon", warm="alpaca"),
    Setup(name="one stream", active="polygon", warm="alphavantage"),
)
"""Each stream may be open once a key. In the first the role is moved by hand before: it is not the configured one."""
LONGEST_ANSWER_MS_MAX = 5_000.0
"""After that our own command line gives up."""
WITHOUT_S_MAX = {"two streams": 0.0, "one stream": 5.0}
"""How long a symbol may be without a usable quote: with a second stream never."""
BACK_S = 15.0
AFTER_S = 1.0
SPEED = 4.0


class State(Struct, frozen=True, kw_only=True):
    """What must be as it was."""

    switches: tuple[str, ...]
    stage: str
    held: str | None
    role: str | None
    shares: Mapping[str, int]


def restart_drill(options: DrillOptions, *, setups: Sequence[Setup] = SETUPS) -> DrillReport:
    """Run it."""
    checks = [check for setup in setups for check in uvloop.run(_run(setup, options))]
    return DrillReport(drill="restart", checks=tuple(checks))


async def _run(setup: Setup, options: DrillOptions) -> list[DrillCheck]:
    simulators = {name: SimulatorConfig(wire_delay_ms=WIRE_DELAY_MS[name]) for name in WIRE_DELAY_MS}
    with TemporaryDirectory(prefix="firmquote-drill-") as name:
        directory = Path(name)
        async with Lab(load_tape(), SystemClock(), LabConfig(simulators=simulators, speed=SPEED)) as lab:
            config = _config(setup, {each: lab.settings[each] for each in setup.providers}, directory)
            path = directory / "gateway.yaml"
            path.write_bytes(msgspec.yaml.encode(msgspec.to_builtins(config, enc_hook=str)))
            async with gateway_process(path) as old:
                url = await old.url(SystemClock())
                async with aiohttp.ClientSession(url) as session:
                    post = Post(session, _token(directory))
                    await _prepare(post, setup)
                    options.say(f"{setup.name}: a position, a switch, a rollout that is held; now the restart")
                    return await _hand_over(old, url, post, directory, setup)


async def _hand_over(old: Process, url: str, post: Post, directory: Path, setup: Setup) -> list[DrillCheck]:
    before, clock, token = await _state(post), post.clock, _token(directory)
    crowd = Crowd(url, token)
    async with crowd.asking():
        await clock.sleep_until(clock.monotonic_ns() + NS_PER_S)
        begun_ns = clock.monotonic_ns()
        ordering = await _firmquote_restart(url, token)
        both = await watch_books(old, clock)
        took_s = (clock.monotonic_ns() - begun_ns) / NS_PER_S
        new_pid = await _new_pid(ordering)
        await clock.sleep_until(clock.monotonic_ns() + int(AFTER_S * NS_PER_S))
    after = await _state_again(post, before)
    await end_process(new_pid, clock)
    problems = _problems_of_audit(directory)
    name, without_s = setup.name, crowd.board.without_ns / NS_PER_S
    return [
        *(_no_failure(name, client, answers) for client, answers in crowd.clients.items()),
        at_most(f"{name}: from the order to the end of the old process", took_s, START_S, "s"),
        at_most(f"{name}: longest answer", crowd.longest_ms, LONGEST_ANSWER_MS_MAX, "ms"),
        at_most(f"{name}: longest without a usable quote", without_s, WITHOUT_S_MAX[name], "s"),
        at_most(f"{name}: event times that went back", crowd.board.backward, 0, "count"),
        at_most(f"{name}: looks at which two processes held the books", both, 0, "looks"),
        _exit(name, old),
        *(_kept(name, field, before, after) for field in State.__struct_fields__),
        at_most(f"{name}: problems of the audit trail", problems, 0, "count"),
    ]


async def _firmquote_restart(url: str, token: str) -> asyncio.subprocess.Process:
    """Do what an operator does."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmquote", "restart", "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "FIRMQUOTE_URL": url, "FIRMQUOTE_TOKEN": token},
    )


async def _new_pid(ordering: asyncio.subprocess.Process) -> int:
    said, trouble = await ordering.communicate()
    if ordering.returncode != 0:
        raise RefusedError(f"firmquote restart: {trouble.decode().strip()}")
    found: int = json.loads(said)["new_pid"]
    return found


async def _prepare(post: Post, setup: Setup) -> None:
    """Make a state that a restart could lose: a position, a switch, a rollout that is held, a role moved by hand."""
    await post.until("/v1/quotes", lambda quotes: all(q["grade"] in USABLE for q in quotes), within_s=START_S)
    await post.until("/v1/quotes", lambda quotes: any(q["grade"] == "firm" for q in quotes), within_s=START_S)
    await post.give("/v1/advice", {"symbol": "AIG", "score": 0.5, "source": "drill"})
    await post.until("/v1/orders", _filled, within_s=START_S)
    await post.order("news", engaged=True)
    await post.give("/v1/rollout/hold", {"held": True, "reason": "drill"})
    if setup.warm == "alpaca":
        await post.give(f"/v1/providers/{setup.warm}/activate", {"reason": "drill"})


def _filled(orders: Items) -> bool:
    return any(each["order"]["state"] == "filled" for each in orders)


async def _state(post: Post) -> State:
    switches, rollout = await post.look("/v1/switches"), await post.look("/v1/rollout")
    providers, account = await post.look("/v1/providers"), await post.look("/v1/positions")
    return State(
        switches=tuple(each["name"] for each in switches["switches"] if each["engaged"]),
        stage=rollout["stage"],
        held=rollout["held"],
        role=next((each["name"] for each in providers if each["role"] == "active"), None),
        shares={each["symbol"]: each["shares"] for each in account["positions"]},
    )


async def _state_again(post: Post, before: State) -> State:
    """Give the role time to come back: its provider's connection was the last to be handed over."""
    clock = post.clock
    deadline_ns = clock.monotonic_ns() + int(BACK_S * NS_PER_S)
    while (after := await _state(post)) != before and clock.monotonic_ns() < deadline_ns:
        await clock.sleep_until(clock.monotonic_ns() + 100 * NS_PER_MS)
    return after


def _no_failure(setup: str, client: str, answers: Answers) -> DrillCheck:
    words = f"of {answers.count}; {'; '.join(answers.failures[:3])}".removesuffix("; ")
    failures = len(answers.failures)
    return DrillCheck(
        name=f"{setup}: failed requests, {client}",
        value=failures,
        unit="count",
        limit=0,
        passed=not failures and answers.count > 0,
        words=words,
    )


def _exit(setup: str, old: Process) -> DrillCheck:
    code = old.process.returncode
    return DrillCheck(name=f"{setup}: exit code of the old process", value=code, unit="", limit=0, passed=code == 0)


def _kept(setup: str, field: str, before: State, after: State) -> DrillCheck:
    was, now = getattr(before, field), getattr(after, field)
    words = f"{was}" if was == now else f"{was}, and then {now}"
    return at_most(f"{setup}: {field} lost", float(was != now), 0, "", words=words)


def _problems_of_audit(directory: Path) -> int:
    (state,) = directory.glob("gateway-*/")
    return len(verify_audit(state).problems)


def _token(directory: Path) -> str:
    (path,) = directory.glob("operator-*.token")
    return path.read_text()


def _config(setup: Setup, settings: Mapping[str, Mapping[str, str]], directory: Path) -> Config:
    config = demo_config(settings, port=0)
    quotes = structs.replace(config.feeds.quotes, provider_active=setup.active, provider_warm=setup.warm)
    return structs.replace(
        config,
        feeds=structs.replace(config.feeds, quotes=quotes),
        serve=structs.replace(config.serve, state_dir=str(directory), requests=RatePolicy(per_s=10_000, burst=10_000)),
        decision=structs.replace(
            config.decision, strategies={}, paper=PaperPolicy(latency_ms_min=0, latency_ms_max=10)
        ),
    )
