"""Quality, halts and corporate actions as an operator sees and orders them, over the real API of a real gateway."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import httpx
import pytest
from msgspec import structs
from tests.patience import PATIENCE_S

from firmquote.model import NS_PER_MS, NS_PER_S, Quote
from firmquote.runtime import Gateway, load_config
from firmquote.runtime.turns import at_once
from firmquote.testing import ManualClock

DEMO = Path(__file__).parents[2] / "config" / "demo.yaml"


class Operator:
    """A gateway whose lines are fed by hand, and a client with the operator's token."""

    def __init__(self, gateway: Gateway, client: httpx.AsyncClient, clock: ManualClock) -> None:
        self.gateway = gateway
        self.client = client
        self.clock = clock

    def say(self, mid: float, provider: str = "polygon") -> None:
        """One quote of IBM, a second after the last one."""
        for _ in range(20):
            self.clock.advance(50 * NS_PER_MS)
            at_once(self.gateway.quality.look(self.gateway.session))
        now_ns = self.clock.now_ns()
        quote = Quote("IBM", provider, mid - 0.01, mid + 0.01, 100, 100, now_ns, now_ns, 0)
        self.gateway.board.apply(self.gateway.feeds[provider], [quote], now_ns)
        self.gateway.conductor.advance()

    async def order(self, path: str, body: object) -> httpx.Response:
        return await self.client.post(path, json=body)

    async def grade(self) -> tuple[str, list[str]]:
        answer = (await self.client.get("/v1/quotes/IBM")).json()
        return answer["grade"], answer["reasons"]


def read_token(directory: Path) -> str:
    (file,) = directory.glob("operator-*.token")
    return file.read_text()


def operate(tmp_path: Path, body: Callable[[Operator], Awaitable[None]]) -> None:
    async def main() -> None:
        config = load_config(DEMO)
        quotes = structs.replace(config.feeds.quotes, provider_active="polygon", provider_warm="alphavantage")
        config = structs.replace(
            config,
            feeds=structs.replace(config.feeds, quotes=quotes),
            serve=structs.replace(config.serve, port=0, state_dir=str(tmp_path)),
        )
        keys = {"FIRMQUOTE_POLYGON_API_KEY": "k", "FIRMQUOTE_ALPHAVANTAGE_API_KEY": "k"}
        clock = ManualClock()
        gateway = Gateway(config, keys, clock, Random(1))
        async with asyncio.timeout(PATIENCE_S), gateway.serve() as url:
            headers = {"Authorization": f"Bearer {read_token(tmp_path)}"}
            async with httpx.AsyncClient(base_url=url, headers=headers) as client:
                await body(Operator(gateway, client, clock))

    asyncio.run(main())


def test_an_operator_halts_a_symbol_and_lets_it_go_on_with_the_next_quote(tmp_path: Path) -> None:
    async def body(operator: Operator) -> None:
        operator.say(180.0)
        assert await operator.grade() == ("firm", [])
        answer = await operator.order("/v1/halts/ibm", {"halted": True, "reason": "news pending"})
        assert answer.json() == {"symbol": "IBM", "causes": {"operator": "news pending"}}
        assert await operator.grade() == ("indicative", ["halted"])
        assert (await operator.client.get("/v1/halts")).json() == [answer.json()]
        operator.clock.advance(NS_PER_S)
        await operator.order("/v1/halts/IBM", {"halted": False, "reason": "it is out"})
        assert (await operator.grade())[1][0] == "awaiting_first_quote"
        operator.say(181.0)
        assert await operator.grade() == ("firm", [])
        events = (await operator.client.get("/v1/events")).json()
        assert [event["after"] for event in events if event["kind"] == "halt"] == ["halted", "resumed"]
        audit = (await operator.client.get("/v1/audit")).json()
        assert {entry["record"]["what"] for entry in audit["entries"]} >= {"halt", "resume"}

    operate(tmp_path, body)


def test_a_factor_that_nobody_confirms_is_a_quarantine_that_ends_when_the_operator_believes_it(tmp_path: Path) -> None:
    async def body(operator: Operator) -> None:
        operator.say(180.0)
        for _ in range(8):
            operator.say(18.0)
        assert await operator.grade() == ("none", ["split_mismatch"])
        quality = (await operator.client.get("/v1/quality")).json()
        (verdict,) = quality["verdicts"]
        assert (verdict["provider"], verdict["reason"], verdict["quarantined"]) == ("polygon", "split_mismatch", True)
        polygon = next(one for one in quality["providers"] if one["provider"] == "polygon")
        assert polygon["refused_by_reason"] == {"jump": 8}
        refused = await operator.order("/v1/quality/IBM/believe", {"provider": "alphavantage", "reason": "?"})
        assert (refused.status_code, "polygon" in refused.json()["detail"]) == (409, True)
        await operator.order("/v1/quality/IBM/believe", {"provider": "polygon", "reason": "the exchange says so"})
        operator.say(18.01)
        assert await operator.grade() == ("firm", [])

    operate(tmp_path, body)


def test_a_told_split_ends_the_quarantine_too(tmp_path: Path) -> None:
    async def body(operator: Operator) -> None:
        operator.say(180.0)
        for _ in range(8):
            operator.say(18.0)
        assert await operator.grade() == ("none", ["split_mismatch"])
        split = {"type": "split", "symbol": "IBM", "effective": "2023-11-14", "ratio": 10}
        answer = await operator.order("/v1/actions", {"action": split, "reason": "exchange notice"})
        (told,) = answer.json()["actions"]
        assert (told["id"], told["state"], told["sources"]) == ("split:IBM:2023-11-14", "in_effect", ["operator"])
        for _ in range(8):
            operator.say(18.0)
        assert await operator.grade() == ("firm", [])

    operate(tmp_path, body)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"type": "merger", "symbol": "IBM", "effective": "2023-11-14"}, "merger"),
        ({"type": "split", "symbol": "IBM", "effective": "soon", "ratio": 2}, "effective"),
        ({"type": "split", "symbol": "IBM", "effective": "2023-11-14", "ratio": 0}, "is no split"),
    ],
)
def test_what_is_no_action_is_refused_with_the_reason(tmp_path: Path, action: object, words: str) -> None:
    async def body(operator: Operator) -> None:
        answer = await operator.order("/v1/actions", {"action": action, "reason": "test"})
        assert (answer.status_code, words in answer.json()["detail"]) == (409, True)

    operate(tmp_path, body)
