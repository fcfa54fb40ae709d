"""Kill switches on a running gateway, over its real API, file and signal."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.scenarios.gateway import Scenario, play, scenario, with_roles, with_state_dir

from firmquote.runtime import Config

pytestmark = pytest.mark.scenario


class Operator:
    """Talks to the gateway as an operator does."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    async def order(self, name: str, *, engaged: bool, reason: str = "test") -> dict[str, object]:
        found: dict[str, object] = await self.give(f"/v1/switches/{name}", {"engaged": engaged, "reason": reason})
        return found

    async def give(self, path: str, body: dict[str, object]) -> Any:
        answer = await self._client.post(path, json=body, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def quotes(self) -> dict[str, dict[str, object]]:
        return {quote["symbol"]: quote for quote in (await self._client.get("/v1/quotes")).json()}

    async def held(self, name: str) -> list[dict[str, object]]:
        held: list[dict[str, object]] = (await self._client.get(f"/v1/switches/{name}")).json()["held"]
        return held

    async def audit(self) -> list[tuple[str, str]]:
        page = (await self._client.get("/v1/audit", headers=self._headers)).json()
        return [(e["record"]["what"], e["record"]["target"]) for e in page["entries"]]


def read_token(directory: Path) -> str:
    (token,) = directory.glob("operator-*.token")
    return token.read_text()


def write_switch_file(directory: Path, text: str) -> None:
    (state,) = directory.glob("gateway-*")
    (state / "switches").write_text(text)


@asynccontextmanager
async def operated(directory: Path) -> AsyncIterator[tuple[Scenario, Operator]]:
    def change(config: Config) -> Config:
        return with_state_dir(directory)(with_roles("polygon", "alphavantage")(config))

    async with scenario(change=change) as running, running.gateway.serve() as url:
        feeds = [running.gateway.feeds[name] for name in ("polygon", "alphavantage")]
        await running.until(lambda: all(line.has_price for feed in feeds for line in feed.lines.values()))
        await running.until(lambda: {q.provider for q in running.gateway.report.quotes()} == {"polygon"})
        async with httpx.AsyncClient(base_url=url) as client:
            yield running, Operator(client, read_token(directory))


def test_each_switch_takes_its_quotes_off_the_board_before_the_answer_and_gives_them_back(tmp_path: Path) -> None:
    async def body() -> None:
        async with operated(tmp_path) as (running, operator):
            for name, provider, grades in [
                ("all", {None}, {"none"}),
                ("quotes", {"mock"}, {"mock"}),
                ("force_mock", {"mock"}, {"mock"}),
                ("provider:polygon", {"alphavantage"}, {"indicative"}),
            ]:
                outcome = await operator.order(name, engaged=True)
                shown = await operator.quotes()
                assert (name, provider) == (name, {q["provider"] for q in shown.values()})
                assert (name, grades) == (name, {q["grade"] for q in shown.values()})
                assert outcome["persisted"] is True
                await operator.order(name, engaged=False)
            await running.until(lambda: {q.provider for q in running.gateway.report.quotes()} == {"polygon"})

    play(body)


def test_one_symbol_is_switched_off_and_the_others_stay(tmp_path: Path) -> None:
    async def body() -> None:
        async with operated(tmp_path) as (_, operator):
            await operator.order("symbol:IBM", engaged=True)
            shown = await operator.quotes()
            assert (shown["IBM"]["grade"], shown["IBM"]["reasons"]) == ("none", ["switched_off", "no_quote"])
            assert {shown[symbol]["provider"] for symbol in ("AIG", "BAC", "SPY")} == {"polygon"}

    play(body)


def test_with_halts_off_no_quote_is_firm_and_with_decisions_off_nothing_is_decided(tmp_path: Path) -> None:
    async def body() -> None:
        async with operated(tmp_path) as (running, operator):
            await operator.order("halts", engaged=True)
            shown = await operator.quotes()
            assert {q["grade"] for q in shown.values()} <= {"indicative", "stale"}
            assert all("halts_off" in q["reasons"] for q in shown.values())  # type: ignore[operator]  # JSON
            await operator.order("decisions", engaged=True)
            assert not running.gateway.safety.permit("IBM").may_reduce

    play(body)


def test_a_signal_and_the_file_stop_what_they_say(tmp_path: Path) -> None:
    async def body() -> None:
        async with operated(tmp_path) as (running, operator):
            gateway = running.gateway
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, gateway.safety.stop_everything, "SIGUSR1")
            os.kill(os.getpid(), signal.SIGUSR1)
            await running.until(lambda: {q.grade for q in gateway.report.quotes()} == {"none"})
            assert [h["source"] for h in await operator.held("all")] == ["signal"]
            await operator.order("all", engaged=False)
            await operator.give("/v1/providers/alphavantage/activate", {"reason": "test"})
            await operator.give("/v1/decisions/resume", {"reason": "test"})
            write_switch_file(tmp_path, "force_mock\n")
            await running.until(lambda: {q.grade for q in gateway.report.quotes()} == {"mock"})
            assert {
                ("switch engaged", "force_mock"),
                ("provider activated", "alphavantage"),
                ("decisions resumed", "decisions"),
            } <= set(await operator.audit())

    play(body)


def test_it_survives_a_restart_and_is_in_the_event_log(tmp_path: Path) -> None:
    async def body() -> None:
        def change(config: Config) -> Config:
            return with_state_dir(tmp_path)(config)

        async with scenario(change=change, environ={"DISABLE_LIVE_QUOTES": "true"}) as running:
            with running.gateway.safety.keeping(tmp_path / "state"):
                assert {q.grade for q in running.gateway.report.quotes()} <= {"mock", "none"}
                running.gateway.conductor.advance()
                assert [
                    (e.kind, e.provider, e.after) for e in running.gateway.report.events(0) if e.kind == "switch"
                ] == [("switch", "quotes", "engaged")]
        async with scenario(change=change) as again:
            with again.gateway.safety.keeping(tmp_path / "state"):
                assert again.gateway.safety.restrictions.quotes_off

    play(body)
