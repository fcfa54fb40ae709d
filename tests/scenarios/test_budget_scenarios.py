"""Budgets in the running gateway: what is not asked twice, what happens when a budget or the ledger ends."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from msgspec import structs
from tests.scenarios.gateway import Scenario, play, scenario, with_roles

from firmquote.budget import BudgetPolicy, ProviderBudget
from firmquote.lab import LAB_KEY, Fault
from firmquote.model import NS_PER_S
from firmquote.runtime import KEY_NAME, Config, Gateway, SystemClock

pytestmark = pytest.mark.scenario


def with_budget(**own: int) -> Callable[[Config], Config]:
    """Return a change that gives Alpha Vantage, which serves, a budget."""
    policy = BudgetPolicy(providers={"alphavantage": ProviderBudget(**own)})  # type: ignore[arg-type]  # numbers only
    return lambda config: structs.replace(config, budgets=policy)


async def both_healthy(running: Scenario) -> None:
    await running.until(lambda: {running.status("polygon"), running.status("alphavantage")} == {"healthy"})


def said(running: Scenario, provider: str) -> list[str | None]:
    """Return what the budget's events say became of a provider."""
    return [e.after for e in running.gateway.conductor.events if e.kind == "budget" and e.provider == provider]


def asked(running: Scenario) -> int:
    return len(running.lab.alphavantage.arrivals_ns)


def test_a_symbol_that_is_wanted_fifty_times_at_once_is_asked_for_once() -> None:
    async def body() -> None:
        async with scenario(change=with_roles("polygon", "alphavantage")) as running:
            await both_healthy(running)
            poll = running.gateway._polls["alphavantage"]
            # The tier's memory must be over, so that it is asked at all.
            await running.until(lambda: not poll._governor.cadence.is_fresh("AIG", SystemClock.monotonic_ns()))
            before = poll._spending.counts["alphavantage"].coalesced
            answers = await asyncio.gather(*(poll.refresh("AIG") for _ in range(50)))
            assert set(answers) == {None}
            assert poll._spending.counts["alphavantage"].coalesced - before >= 49
            assert await poll.refresh("AIG") is None
            assert poll._spending.counts["alphavantage"].cache_hits >= 1

    play(body)


def test_a_spent_budget_steps_down_says_why_and_hands_over_to_who_has_budget() -> None:
    async def body() -> None:
        async with scenario(change=with_budget(requests_per_day=8)) as running:
            # Recorded ticks count as one session without end, so the pace is slow; operators make it go.
            await both_healthy(running)
            symbols = running.gateway.symbols
            while running.gateway.manager.serving == "alphavantage":
                await asyncio.gather(*(running.gateway._polls["alphavantage"].refresh(s) for s in symbols))
                await running.turn()
            assert running.gateway.manager.serving == "polygon"
            words = running.gateway.manager.members["alphavantage"].why
            assert "0 of 7 requests are left of the day" in words
            assert said(running, "alphavantage")[-1] == "stopped"
            assert asked(running) <= 8
            view = running.gateway.report.budget()
            budget = next(p for p in view.providers if p.provider == "alphavantage")
            assert (budget.step, budget.left_pct) == ("stopped", 0)
            status = next(p for p in running.gateway.report.providers() if p.name == "alphavantage")
            assert status.budget_left_pct == 0

    play(body)


def test_a_lost_ledger_stops_spending_with_an_alert_and_streams_go_on() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_healthy(running)
            running.gateway.spending.desk.path.unlink()
            await running.until(lambda: "unusable" in said(running, "ledger"))
            await running.until(lambda: running.gateway.manager.serving == "polygon")
            event = next(e for e in running.gateway.conductor.events if e.provider == "ledger")
            assert "deleted or replaced" in event.cause
            before, quotes = asked(running), running.gateway.feeds["polygon"].accepted
            why = await running.gateway._polls["alphavantage"].refresh("BAC")
            await running.until(lambda: running.gateway.feeds["polygon"].accepted >= quotes + 20)
            assert asked(running) == before
            assert why is None or "ledger" in why or "deleted" in why
            assert running.gateway.report.budget().trouble is not None
            assert "deleted or replaced" in running.gateway.manager.members["alphavantage"].why

    play(body)


@pytest.mark.parametrize("content", [b"damaged " * 4_096, b""], ids=["corrupt", "a directory in its place"])
def test_a_ledger_that_cannot_be_opened_asks_nothing_and_streams_serve(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.sqlite"
    if content:
        path.write_bytes(content)
    else:
        path.mkdir()

    def change(config: Config) -> Config:
        return structs.replace(config, budgets=BudgetPolicy(ledger=str(path)))

    async def body() -> None:
        async with scenario(change=change) as running:
            await running.until(lambda: running.gateway.manager.serving == "polygon")
            await running.until(lambda: running.gateway.feeds["polygon"].accepted > 0)
            assert asked(running) == 0
            assert running.gateway.report.budget().trouble is not None

    play(body)


def test_a_provider_that_says_its_day_is_over_is_left_alone() -> None:
    async def body() -> None:
        async with scenario(change=with_budget(requests_per_day=5_000)) as running:
            await both_healthy(running)
            await running.lab.alphavantage.inject(Fault.HTTP_NOTE)
            await running.gateway._polls["alphavantage"].refresh("AIG")
            await running.until(lambda: "paused" in said(running, "alphavantage"))
            await running.until(lambda: running.gateway.manager.serving == "polygon")
            why = running.gateway.manager.members["alphavantage"].why
            assert "wants no requests for" in why
            before = asked(running)
            await running.gateway._polls["alphavantage"].refresh("BAC")
            assert asked(running) <= before + 1

    play(body)


def test_two_gateways_never_evict_each_other_where_a_key_has_one_connection() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_healthy(running)
            second = Gateway(running.gateway.config, {KEY_NAME: LAB_KEY}, SystemClock(), Random(8))
            task = asyncio.create_task(second.run())
            waits = "holds the connection that this key may have"
            await running.until(lambda: waits in (second.manager.members["polygon"].health.last_error or ""))
            reconnects = running.gateway.manager.members["polygon"].reconnects
            quotes = running.gateway.feeds["polygon"].accepted
            await running.until(lambda: running.gateway.feeds["polygon"].accepted >= quotes + 20)
            assert running.gateway.manager.members["polygon"].reconnects == reconnects
            assert second.feeds["polygon"].accepted == 0
            task.cancel()
            await asyncio.wait({task})

    play(body)


def test_a_ledger_is_asked_rarely_enough() -> None:
    async def body() -> None:
        async with scenario() as running:
            await both_healthy(running)
            desk = running.gateway.spending.desk
            counts = running.gateway.spending.counts["alphavantage"]
            await running.until(lambda: counts.asked >= 4)
            # A request is reserved, sent and settled in a transaction each; besides, it is looked once a second.
            before, asked_before, begun_ns = desk.transactions, counts.asked, SystemClock.monotonic_ns()
            await running.until(lambda: counts.asked >= asked_before + 3)
            seconds = (SystemClock.monotonic_ns() - begun_ns) / NS_PER_S
            assert desk.transactions - before <= 3 * (counts.asked - asked_before + 2) + seconds + 1

    play(body)
