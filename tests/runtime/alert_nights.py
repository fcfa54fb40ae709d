"""The nights: each is one story with its real faults, and names the alerts that it is about."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from msgspec import Struct, structs
from tests.runtime.channel_stories import without_providers
from tests.runtime.watched import QUICK, Inbox, Story, watched
from tests.scenarios.gateway import with_roles
from tests.scenarios.test_failover_scenarios import usual_gap_is_known

from firmquote.budget import BudgetPolicy, ProviderBudget
from firmquote.decision import MarketView, Panel
from firmquote.lab import Fault, LabConfig, SimulatorConfig
from firmquote.model import NS_PER_S
from firmquote.runtime import Config, SystemClock

STREAM_FIRST = with_roles("polygon", "alphavantage")
POLL_FIRST = with_roles("alphavantage", "polygon")
OFTEN_ASKED = LabConfig(simulators={"alphavantage": SimulatorConfig(per_minute=1_200)})
TO_COME = date(2036, 11, 24)


class Night(Struct, frozen=True):
    """One story and the alerts that it is about."""

    tell: Story
    covers: tuple[str, ...]


NIGHTS: list[Night] = []
"""In the order of the file: those that last longest are first, so that nobody is left alone with one at the end."""


def a_night(
    *covers: str,
) -> Callable[[Story], Story]:
    """Register what follows as the night of these alerts."""

    def register(tell: Story) -> Story:
        NIGHTS.append(Night(tell, covers))
        return tell

    return register


class Curious:
    """A strategy that asks a server of its own before it has an opinion."""

    name = "curious"

    def on_view(self, view: MarketView, now_ns: int) -> None:
        del view, now_ns
        socket.getaddrinfo("localhost", 9)


def _quick_gates(config: Config) -> Config:
    return structs.replace(
        STREAM_FIRST(config),
        rollout=structs.replace(config.rollout, start="full", evaluate_every_s=0.3, breaches_to_roll_back=2),
        hotpath=structs.replace(config.hotpath, evaluate_every_s=0.3, breaches_to_throttle=1, breaches_to_stop=10_000),
    )


@a_night("rolled_back", "symbol_withheld", "hotpath_violation")
async def a_provider_that_is_half_a_per_cent_off_and_a_strategy_that_asks_the_network(
    inbox: Inbox, place: Path
) -> None:
    async with watched(inbox, place, change=_quick_gates, lab=OFTEN_ASKED) as night:
        await night.lab.polygon.inject(Fault.SCALE, magnitude=1.006)
        await night.until_fired("rolled_back", "symbol_withheld")
        night.lab.polygon.clear()
        rollout = night.gateway.safety.promotion.rollout
        # What the gates of a busy machine would take back once more is another story.
        rollout.policy = structs.replace(rollout.policy, breaches_to_roll_back=1_000_000)
        engine = night.gateway.trading.engine
        honest, engine.panel = engine.panel, Panel((Curious(),))
        await night.until_fired("hotpath_violation")
        engine.panel = honest
        await night.until_over("hotpath_violation")
        for symbol in list(rollout.quarantined):
            await night.order("/v1/rollout/readmit", {"symbol": symbol, "reason": "the provider is right again"})
        await night.order("/v1/rollout/promote", {"reason": "mended", "forced": True})
        await night.until_over("rolled_back", "symbol_withheld")


@a_night("quotes_refused", "provider_unfit", "messages_unreadable")
async def prices_that_cannot_be_and_bytes_that_cannot_be_read(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=STREAM_FIRST, lab=OFTEN_ASKED) as night:
        await night.lab.polygon.inject(Fault.CROSS)
        await night.until_fired("quotes_refused", "provider_unfit")
        night.lab.polygon.clear()
        await night.until_over("quotes_refused", "provider_unfit")
        await night.lab.polygon.inject(Fault.GARBAGE)
        await night.until_fired("messages_unreadable")
        night.lab.polygon.clear()
        await night.until_over("messages_unreadable")


@a_night("provider_silent")
async def a_frozen_stream(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=STREAM_FIRST) as night:
        await night.running.until(lambda: usual_gap_is_known(night.gateway.conductor.watch))
        await night.lab.polygon.inject(Fault.FREEZE)
        await night.until_fired("provider_silent")
        night.lab.polygon.clear()
        await night.until_over("provider_silent")


@a_night("key_refused", "state_unreadable")
async def a_key_that_is_refused_until_the_gateway_begins_again_and_finds_its_state_damaged(
    inbox: Inbox, place: Path
) -> None:
    async with watched(inbox, place, change=POLL_FIRST) as night:
        await night.lab.alphavantage.inject(Fault.BAD_LOGIN)
        await night.until_fired("key_refused")
    (night.directory / "rollout.json").write_bytes(b"\x00\x00\x00")
    async with watched(inbox, place, change=POLL_FIRST, port=night.port, ready=False) as night:
        await night.until_fired("state_unreadable")
        (night.directory / "rollout.json.unreadable").unlink()
        await night.until_over("key_refused", "state_unreadable")


@contextmanager
def a_full_disk(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        os.posix_fallocate(descriptor, 0, 2_000_000_000)
        yield
    finally:
        os.close(descriptor)
        path.unlink()


def _edit(path: Path) -> Callable[[], None]:
    """Change one byte of the first record; returns what sets it right."""
    before = path.read_bytes()
    at = before.index(b'"why"') + 8

    def write(byte: bytes) -> None:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(byte)

    write(b"X")
    return lambda: write(before[at : at + 1])


def _troubled(place: Path) -> Callable[[Config], Config]:
    days = (TO_COME, TO_COME + timedelta(days=3))
    actions = place / "actions.yaml"
    actions.write_text("\n".join(f"- {{type: split, symbol: IBM, effective: {day}, ratio: 2}}" for day in days))
    ledger = place / "ledger.sqlite"
    ledger.write_bytes(b"this is no database, and long enough to be seen as none" * 100)

    def change(config: Config) -> Config:
        config = with_roles("polygon", "alpaca")(config)
        election = structs.replace(config.routing.election, switches_max=4, switches_window_s=5)
        return structs.replace(
            config,
            routing=structs.replace(config.routing, election=election),
            symbols=structs.replace(config.symbols, actions_file=str(actions)),
            budgets=BudgetPolicy(ledger=str(ledger)),
        )

    return change


@a_night(
    "ledger_unusable", "actions_conflict", "flapping", "switch_engaged", "test", "disk_low", "state_unwritable", "audit_broken",
)  # fmt: skip
async def a_night_in_which_only_the_machine_and_its_operators_are_at_fault(inbox: Inbox, place: Path) -> None:
    free_mb = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize / 1_000_000
    policy = structs.replace(QUICK, disk_free_mb_min=free_mb - 1_000)
    streams = ("polygon", "alpaca")
    async with watched(inbox, place, policy=policy, change=_troubled(place), providers=streams, ready=False) as night:
        await night.running.until(lambda: all(night.running.status(name) == "healthy" for name in streams))
        for provider in ("alpaca", "polygon") * 2:
            await night.order(f"/v1/providers/{provider}/activate", {"reason": "they cannot agree"})
        await night.order("/v1/switches/symbol:IBM", {"engaged": True, "reason": "an alert about it"})
        await night.order("/v1/alerts/test", {"reason": "do you hear me?"})
        (trail,) = (night.directory / "audit").glob("audit-*.jsonl")
        mend = _edit(trail)
        with a_full_disk(place / "ballast"):
            await night.until_fired("ledger_unusable", "actions_conflict", "flapping", "switch_engaged", "test")
            await night.until_fired("disk_low", "audit_broken")
        mend()
        in_the_way = night.directory / ".switches.json.new"
        in_the_way.symlink_to("/dev/full")
        await night.order("/v1/switches/symbol:IBM", {"engaged": False, "reason": "the alert about it came"})
        await night.until_fired("state_unwritable")
        in_the_way.unlink()
        (place / "ledger.sqlite").unlink()
        split = {"type": "split", "symbol": "IBM", "effective": str(TO_COME), "ratio": 2}
        await night.order("/v1/actions", {"action": split, "reason": "the exchange says so"})
        await night.until_over("ledger_unusable", "actions_conflict", "flapping", "switch_engaged", "test")
        await night.until_over("disk_low", "audit_broken", "state_unwritable")


@a_night("no_live_provider", "symbols_unusable")
async def nobody_is_left(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=POLL_FIRST) as night:
        await night.lab.alphavantage.inject(Fault.BAD_LOGIN)
        await night.running.until(lambda: night.running.status("alphavantage") == "failed")
        await night.lab.polygon.inject(Fault.DISCONNECT)
        await night.until_fired("no_live_provider", "symbols_unusable")
        night.lab.polygon.clear()
        await night.until_over("no_live_provider", "symbols_unusable")


def _touchy(config: Config) -> Config:
    health = structs.replace(
        config.routing.health,
        max_p95_latency_ms=400,
        window_ms=4_000,
        samples_min=3,
        bad_evaluations=2,
        good_evaluations=2,
    )
    config = POLL_FIRST(config)
    return structs.replace(config, routing=structs.replace(config.routing, health=health))


@a_night("provider_degraded")
async def a_provider_that_answers_slowly(inbox: Inbox, place: Path) -> None:
    policy = structs.replace(QUICK, resolve_after_s=6)  # whom a busy machine leaves few answers flickers less long
    async with watched(inbox, place, policy=policy, change=_touchy, lab=OFTEN_ASKED) as night:
        await night.lab.alphavantage.inject(Fault.SLOW, magnitude=0.6)
        await night.until_fired("provider_degraded")
        night.lab.alphavantage.clear()
        await night.until_over("provider_degraded")


def _budget(requests_per_day: int) -> Callable[[Config], Config]:
    limits = BudgetPolicy(
        reserve_pct=0, warn_left_pct=90, slow_left_pct=1, positions_left_pct=0,
        providers={"alphavantage": ProviderBudget(requests_per_day=requests_per_day)},
    )  # fmt: skip
    return lambda config: structs.replace(config, budgets=limits)


@a_night("budget_low", "budget_spent")
async def a_budget_that_runs_out_until_a_larger_one_is_bought(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=_budget(4), ready=False) as night:
        await night.order("/v1/quotes/IBM/refresh")
        await night.until_fired("budget_low")
        for symbol in ("AIG", "BAC", "SPY"):
            await night.order(f"/v1/quotes/{symbol}/refresh")
        await night.until_fired("budget_spent")
    async with watched(inbox, place, change=_budget(100_000), port=night.port) as night:
        await night.until_over("budget_low", "budget_spent")


@a_night("provider_failed", "failover")
async def a_lost_connection(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=STREAM_FIRST) as night:
        await night.lab.polygon.inject(Fault.DISCONNECT)
        await night.until_fired("provider_failed", "failover")
        night.lab.polygon.clear()
        await night.until_over("provider_failed", "failover")


@a_night("cut_off")
async def everybody_lost_at_once(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=STREAM_FIRST) as night:
        for provider in (night.lab.polygon, night.lab.alphavantage):
            await provider.inject(Fault.DISCONNECT)
        await night.until_fired("cut_off")
        for provider in (night.lab.polygon, night.lab.alphavantage):
            provider.clear()
        await night.until_over("cut_off")


def _alone(config: Config) -> Config:
    quotes = structs.replace(config.feeds.quotes, provider_active="polygon", provider_warm=None)
    return structs.replace(config, feeds=structs.replace(config.feeds, quotes=quotes))


@a_night("quarantine")
async def a_split_that_nobody_can_confirm(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=_alone, providers=("polygon",)) as night:
        await night.lab.polygon.inject(Fault.SCALE, symbols=frozenset({"AIG"}))
        await night.until_fired("quarantine")
        night.lab.polygon.clear()
        await night.until_over("quarantine")


class ShiftedClock:
    """A machine whose wall clock is wrong, and is set right."""

    def __init__(self, shift_ns: int) -> None:
        self.shift_ns = shift_ns
        self._clock = SystemClock()
        self.monotonic_ns = self._clock.monotonic_ns
        self.sleep_until = self._clock.sleep_until

    def now_ns(self) -> int:
        return self._clock.now_ns() + self.shift_ns


@a_night("own_clock_wrong", "clock_step")
async def a_clock_that_is_wrong_and_is_set_right(inbox: Inbox, place: Path) -> None:
    clock = ShiftedClock(3 * NS_PER_S)
    change = with_roles("polygon", "alpaca")
    async with watched(inbox, place, change=change, providers=("polygon", "alpaca"), clock=clock, ready=False) as night:
        await night.until_fired("own_clock_wrong")
        clock.shift_ns = 0
        await night.until_fired("clock_step")
        await night.until_over("own_clock_wrong", "clock_step")


@a_night("channel_failing")
async def a_channel_that_takes_nothing(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, ready=False) as night:
        inbox.hook.broken = True
        await night.order("/v1/alerts/test", {"reason": "is the webhook well?"})
        await night.until_fired("channel_failing")
        inbox.hook.broken = False
        await night.until_over("channel_failing")
        await night.running.until(lambda: "test" in {one.name for one in inbox.by_hook()})


def _leased(config: Config) -> Config:
    safety = structs.replace(config.safety, dead_man_s=2, dead_man_all_s=600)
    return structs.replace(without_providers(config), safety=safety)


@a_night("lease_expired")
async def a_dead_man(inbox: Inbox, place: Path) -> None:
    async with watched(inbox, place, change=_leased, providers=(), ready=False) as night:
        await night.until_fired("lease_expired")
        while "lease_expired" not in {one.name for one in inbox.by_hook(over=True)}:
            await night.order("/v1/lease")
            await night.running.turn()
        await night.until_over("lease_expired")
