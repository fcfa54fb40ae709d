"""Providers are asked for corporate actions over real sockets and within their budgets."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random

from msgspec import structs
from tests.patience import PATIENCE_S
from tests.scenarios.gateway import play, scenario, with_state_dir

from firmquote.budget import BudgetPolicy, ProviderBudget
from firmquote.lab import LAB_KEY, Lab, LabConfig, SimulatorConfig, load_tape
from firmquote.model import NS_PER_S
from firmquote.runtime import KEY_NAME, Config, Gateway, SystemClock, demo_config
from firmquote.runtime.references import LOOK_NS, References, Source
from firmquote.symbols import Dividend, SpinOff, Split
from firmquote.testing import ManualClock

DAY = datetime.fromtimestamp(SystemClock.now_ns() / NS_PER_S, UTC).date() + timedelta(days=30)
SPLIT = Split(symbol="IBM", effective=DAY, ratio=Fraction(3, 2))
DIVIDEND = Dividend(symbol="BAC", effective=DAY, cash_usd=0.24)
SPIN_OFF = SpinOff(
    symbol="AIG", effective=DAY, child="KD", child_shares=Fraction(1, 5), price_factor=Fraction(1000, 1046)
)
FAST = 6_000
PROVIDERS = ("polygon", "alphavantage", "alpaca")


def told_by_all(lab: Lab) -> None:
    lab.market.reference.actions += [SPLIT, DIVIDEND, SPIN_OFF]


def asking_alpha_vantage_too(config: Config) -> Config:
    section = config.providers["alphavantage"]
    own = {**section.settings, "corporate_actions": True, "requests_per_minute": FAST}
    return structs.replace(
        config, providers={**config.providers, "alphavantage": structs.replace(section, settings=own)}
    )


def test_what_three_providers_tell_is_agreed_on_and_what_nobody_can_be_sure_of_is_shown_and_not_applied() -> None:
    async def body() -> None:
        lab = LabConfig(simulators={"alphavantage": SimulatorConfig(per_minute=FAST)})
        async with scenario(
            lab=lab, providers=PROVIDERS, change=asking_alpha_vantage_too, prepare=told_by_all
        ) as running:
            corporate = running.gateway.corporate
            await running.until(
                lambda: set(corporate.told) == set(PROVIDERS) and len(corporate.told["alphavantage"]) == 2
            )
            await running.until(lambda: bool(running.gateway.references.doubts))
            bare = structs.replace(SPIN_OFF, price_factor=None)
            assert corporate.told["polygon"] == [SPLIT]
            assert corporate.told["alphavantage"] == [SPLIT, DIVIDEND]
            assert set(corporate.told["alpaca"]) == {SPLIT, DIVIDEND, bare}
            assert set(corporate.agreed.actions) == {SPLIT, DIVIDEND, bare}
            assert corporate.agreed.conflicts == ()
            (doubt,) = running.gateway.report.data.actions().doubts
            assert doubt.startswith("alphavantage: AIG: ")
            assert "1.0460" in doubt
            with closing(sqlite3.connect(running.gateway.spending.desk.path)) as ledger:
                (spent,) = ledger.execute("SELECT sum(requests) FROM spend WHERE provider='alpaca'").fetchone()
            assert spent >= running.lab.alpaca.rest.served >= 1

    play(body)


def test_a_round_that_the_budget_stops_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async def body() -> None:
        clock = ManualClock(SystemClock.now_ns())
        async with asyncio.timeout(PATIENCE_S), Lab(load_tape(), SystemClock()) as lab:
            told_by_all(lab)
            config = with_state_dir(tmp_path)(demo_config({"polygon": lab.polygon.settings}, port=0))
            quotes = structs.replace(config.feeds.quotes, provider_active="polygon", provider_warm=None)
            budgets = BudgetPolicy(reserve_pct=0, providers={"polygon": ProviderBudget(requests_per_minute=3)})
            config = structs.replace(config, feeds=structs.replace(config.feeds, quotes=quotes), budgets=budgets)
            gateway = Gateway(config, {KEY_NAME: LAB_KEY}, clock, Random(1))
            (source,) = gateway.references._sources
            ledger = asyncio.create_task(gateway.spending.desk.run())
            references = References([source], gateway.corporate, gateway.spending, gateway.symbols, clock)

            async def go_on(source: Source) -> int:
                going = asyncio.create_task(references._go_on(source))
                until_ns = clock.monotonic_ns() + 30 * NS_PER_S  # within the budget's minute, however slow a disk is
                while not going.done():
                    if clock.monotonic_ns() < until_ns:
                        clock.advance(NS_PER_S // 10)
                    await asyncio.wait({going}, timeout=0.005)
                return going.result()

            assert await go_on(source) >= LOOK_NS
            assert lab.polygon.rest.served + lab.polygon.rest.refused == 3
            assert gateway.corporate.told == {"polygon": [SPLIT]}, "what was heard counts at once"
            clock.advance(61 * NS_PER_S)
            assert await go_on(source) == LOOK_NS
            assert lab.polygon.rest.served + lab.polygon.rest.refused == 1 + len(gateway.symbols)
            ledger.cancel()
            await asyncio.wait({ledger})

    play(body)
