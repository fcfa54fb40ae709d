"""Decisions, receipts, orders and advice over HTTP."""

import httpx
import pytest
from tests.publish.test_api import AUTH, Fixed, ask

pytestmark = pytest.mark.scenario


def test_the_account_and_the_orders_are_the_contract() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        account = (await client.get("/v1/positions")).json()
        assert {"broker", "nav_usd", "cash_usd", "gross_usd", "net_usd", "paused", "positions"} <= set(account)
        (order,) = (await client.get("/v1/orders", params={"symbol": "IBM"})).json()
        assert (order["order"]["key"], order["order"]["state"], order["fills"]) == ("IBM-3-20261124", "pending", [])
        assert (await client.get("/v1/orders", params={"symbol": "BAC"})).json() == []

    ask(body)


def test_a_receipt_says_what_it_rests_on_and_whether_it_is_decided_alike_again() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        receipt = (await client.get("/v1/receipts/3")).json()
        assert (receipt["decision"]["intent"], receipt["identical"], receipt["order"]) == (
            "BUY_1X",
            True,
            "IBM-3-20261124",
        )
        what_if = (await client.get("/v1/receipts/3/what-if", params={"active": "b"})).json()
        assert (what_if["active"], what_if["was"]["id"]) == ("b", 3)
        assert [each["id"] for each in (await client.get("/v1/receipts", params={"limit": 1})).json()] == [3]
        missing = await client.get("/v1/receipts/4")
        assert (missing.status_code, "no receipt" in missing.json()["detail"]) == (400, True)

    ask(body)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/advice", {"symbol": "IBM", "score": 0.5, "source": "desk"}),
        ("/v1/news", {"symbol": "IBM", "text": "a lawsuit"}),
        ("/v1/decisions/resume", {"reason": "looked at it"}),
    ],
)
def test_what_changes_decisions_needs_the_token(path: str, body: dict[str, object]) -> None:
    view = Fixed()

    async def main(client: httpx.AsyncClient) -> None:
        assert (await client.post(path, json=body)).status_code == 401
        assert (view.trading.advice, view.trading.news, view.trading.reasons) == ([], [], [])
        assert (await client.post(path, json=body, headers=AUTH)).status_code in (200, 202)
        assert len(view.trading.advice + view.trading.news + view.trading.reasons) == 1

    ask(main, view)


@pytest.mark.parametrize(
    "advice",
    [
        {"symbol": "IBM", "score": 1.01, "source": "desk"},
        {"symbol": "IBM", "score": 0.5, "source": "desk", "confidence": -0.1},
        {"symbol": "IBM", "score": 0.5, "source": ""},
        {"symbol": "IBM", "score": 0.5, "source": "desk", "ttl_s": 0},
        {"symbol": "IBM", "score": 0.5, "source": "desk", "as_of": "2026-11-24T12:00:00"},
        {"symbol": "IBM", "score": 0.5, "source": "desk", "colour": "red"},
        {"score": 0.5, "source": "desk"},
    ],
    ids=["above one", "below zero", "nobody", "no time", "no zone", "unknown key", "no symbol"],
)
def test_advice_that_cannot_be_meant_is_refused(advice: dict[str, object]) -> None:
    async def body(client: httpx.AsyncClient) -> None:
        assert (await client.post("/v1/advice", json=advice, headers=AUTH)).status_code == 400

    ask(body)


def test_advice_on_what_is_not_served_is_not_found() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        advice = {"symbol": "NOPE", "score": 0.5, "source": "desk"}
        assert (await client.post("/v1/advice", json=advice, headers=AUTH)).status_code == 404

    ask(body)
