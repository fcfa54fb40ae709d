"""Decisions, receipts and paper orders in a whole gateway on real ticks, and what a restart finds."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from msgspec import json, structs
from tests.crash.trader import build
from tests.runtime.test_ledgers import decided, opened, write
from tests.scenarios.gateway import play, scenario, with_roles, with_state_dir

from firmquote.decision import PaperPolicy
from firmquote.history import days_in, read_day
from firmquote.model.trading import AdviceInput
from firmquote.runtime import Config
from firmquote.runtime.ledgers import CHAIN_NAME, find_receipt
from firmquote.store import Chain

pytestmark = pytest.mark.scenario
QUICK = PaperPolicy(latency_ms_min=0, latency_ms_max=10)


def with_state(state: Path, **decision: object) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        config = with_roles("polygon", "alphavantage")(with_state_dir(state)(config))
        wanted = {"paper": QUICK, "strategies": {}, "cooldown_s": 0.5, **decision}
        return structs.replace(config, decision=structs.replace(config.decision, **wanted))

    return change


def test_advice_becomes_an_order_a_fill_and_a_receipt_that_is_decided_alike_again(tmp_path: Path) -> None:
    async def body() -> None:
        async with scenario(change=with_state(tmp_path)) as running:
            gateway, trading = running.gateway, running.gateway.report.trading
            lines = gateway.board.entries["IBM"].lines
            await running.until(lambda: running.shown("IBM") == "polygon" and lines["alphavantage"].has_price)
            trading.advise(AdviceInput(symbol="ibm", score=1.0, source="test"))
            await running.until(lambda: any(position.shares for position in trading.account().positions))
            await running.until(lambda: bool(trading.orders("IBM")) and bool(trading.orders("IBM")[-1].fills))
            order = trading.orders("IBM")[-1]
            assert order.order.intent == "BUY_5X"
            receipt = await trading.receipt(order.order.decision)
            assert receipt.identical
            assert receipt.order == order.order.key
            others = [seen.quote.provider for seen in receipt.quotes if not seen.used]
            assert "alphavantage" in others
            what_if = await trading.what_if(order.order.decision, "alphavantage")
            assert (what_if.was.intent, what_if.would_be.intent) == ("BUY_5X", "REJECT")
            assert {block.gate for block in what_if.would_be.gates_blocked} >= {"grade"}
            trading.advise(AdviceInput(symbol="IBM", score=-1.0, source="test"))
            await running.until(lambda: not any(position.shares for position in trading.account().positions))
            assert gateway.trading.engine.pauses == {}

    play(body)


def test_a_restart_finds_positions_orders_and_receipts_and_goes_on_counting(tmp_path: Path) -> None:
    async def body() -> None:
        async with scenario(change=with_state(tmp_path)) as running:
            trading = running.gateway.report.trading
            await running.until(lambda: running.shown("IBM") == "polygon")
            trading.advise(AdviceInput(symbol="IBM", score=0.4, source="test"))
            await running.until(lambda: any(position.shares for position in trading.account().positions))
        before = trading.account()
        async with scenario(change=with_state(tmp_path)) as running:
            trading = running.gateway.report.trading
            await running.until(lambda: running.gateway.trading.ledgers is not None)
            (position,) = [each for each in trading.account().positions if each.shares]
            assert (position.symbol, position.shares) == ("IBM", before.positions[0].shares)
            assert trading.account().cash_usd == before.cash_usd
            assert trading.account().orders_today >= 1
            await running.until(lambda: running.shown("IBM") == "polygon")
            await running.until(lambda: bool(trading.receipts(None, 1)))
            old = trading.orders("IBM")[-1].order.decision
            assert trading.receipts(None, 1)[0].id > old
            assert (await trading.receipt(old)).identical, "from the disk, under the rules of then"
        receipt, _ = find_receipt(tmp_path / "trading-demo", old)
        assert receipt.decision.symbol == "IBM"

    play(body)


def test_an_order_that_a_crash_kept_from_being_made_is_told_of_where_its_receipt_is(tmp_path: Path) -> None:
    before = build(tmp_path / "trading-demo")
    crashed = opened(before, 1)
    made, cut = decided(before, "A"), decided(before, "B")
    write(crashed, made, 2)
    write(crashed, cut, 3, cut=True)
    crashed.close()

    async def body() -> None:
        async with scenario(change=with_state(tmp_path)) as running, running.gateway.serve() as url:
            trading = running.gateway.report.trading
            await running.until(lambda: running.gateway.trading.ledgers is not None)
            assert not (await trading.receipt(made.orders[0].decision)).unmade
            number = cut.orders[0].decision
            receipt = await trading.receipt(number)
            assert (receipt.order, receipt.unmade) == (cut.orders[0].key, True)
            assert "never made: the gateway ended before it was stored" in await cli(
                "decisions", "why", str(number), "--url", url
            )

    play(body)


def test_while_another_process_has_the_files_nothing_is_opened_and_it_goes_on_when_they_are_free(
    tmp_path: Path,
) -> None:
    async def body() -> None:
        other = Chain(tmp_path / "trading-demo", CHAIN_NAME)
        async with scenario(change=with_state(tmp_path)) as running:
            trading = running.gateway.report.trading
            await running.until(lambda: bool(trading.account().paused) and bool(running.gateway.report.decisions()))
            trading.advise(AdviceInput(symbol="IBM", score=1.0, source="test"))
            (why,) = trading.account().paused
            assert "another process writes this log" in why
            await running.until(lambda: getattr(trading.decision("IBM"), "intent", "") == "REJECT")
            assert trading.orders(None) == []
            other.close()
            await running.until(lambda: trading.account().paused == ())
            await running.until(lambda: bool(trading.orders("IBM")))

    play(body)


def test_advice_is_read_from_its_file_when_that_changes(tmp_path: Path) -> None:
    advice = tmp_path / "advice.json"

    async def body() -> None:
        change = with_state(tmp_path / "state", advice_file=str(advice))
        async with scenario(change=change) as running:
            trading = running.gateway.report.trading
            await running.until(lambda: bool(trading.receipts("SPY", 1)))
            advice.write_bytes(json.encode([AdviceInput(symbol="SPY", score=0.4, source="file", ttl_s=600)]))
            await running.until(lambda: "file" in getattr(trading.decision("SPY"), "per_strategy", {}))
            advice.write_text("{")  # what was read before stays in force
            await running.turn()
            assert "file" in getattr(trading.decision("SPY"), "per_strategy", {})

    play(body)


def test_the_board_is_recorded_and_can_be_read_again(tmp_path: Path) -> None:
    def change(config: Config) -> Config:
        config = with_state(tmp_path)(config)
        return structs.replace(config, history=structs.replace(config.history, record=True))

    async def body() -> None:
        async with scenario(change=change) as running:
            await running.until(lambda: running.shown("IBM") == "polygon")
            feed = running.gateway.feeds["polygon"]
            await running.until(lambda: feed.accepted > 50)
        (day,) = days_in(tmp_path / "history")
        rows = list(read_day(tmp_path / "history", day))
        assert {row.provider for row in rows} <= {"polygon", "alphavantage"}
        assert len(rows) > 10
        assert [row.ts_ns for row in rows] == sorted(row.ts_ns for row in rows)

    play(body)


def test_the_command_line_tells_decisions_and_their_reasons(tmp_path: Path) -> None:
    async def body() -> None:
        async with scenario(change=with_state(tmp_path)) as running, running.gateway.serve() as url:
            trading = running.gateway.report.trading
            lines = running.gateway.board.entries["IBM"].lines
            await running.until(lambda: running.shown("IBM") == "polygon" and lines["alphavantage"].has_price)
            trading.advise(AdviceInput(symbol="IBM", score=0.4, source="desk"))
            await running.until(lambda: bool(trading.orders("IBM")))
            number = trading.orders("IBM")[-1].order.decision
            assert "IBM" in await cli("decisions", "--url", url)
            told = await cli("decisions", "IBM", "--why", "--url", url)
            assert "desk +0.40" in told
            assert "would change it" in told
            assert '"intent"' in await cli("decisions", "IBM", "--json", "--url", url)
            why = await cli("decisions", "why", str(number), "--url", url)
            assert "BUY_1X" in why
            assert "the same, byte for byte" in why
            otherwise = await cli("decisions", "what-if", str(number), "--active", "alphavantage", "--url", url)
            assert "With alphavantage it would have been" in otherwise
            assert "not known   frozen: how long alphavantage's prices" in otherwise
            async with httpx.AsyncClient(base_url=url) as client:
                assert (await client.get(f"/v1/receipts/{number}")).json()["identical"] is True

    play(body)


async def cli(*arguments: str) -> str:
    """Run the command line against the running gateway and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "firmquote", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()
