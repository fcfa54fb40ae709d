"""Each request has an id: in the answer's header, in the log's lines, and in its span."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import httpx
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from tests.publish.fixed_safety import OneToken
from tests.publish.test_api import Fixed

from firmquote.model.status import ProviderStatus
from firmquote.publish import LOOPBACK_NAMES, bind, serving
from firmquote.publish.access_log import HEADER, Logged

pytestmark = pytest.mark.scenario
TOKEN = "operators-token"


class Defective(Fixed):
    def providers(self) -> Sequence[ProviderStatus]:
        raise ZeroDivisionError("a defect")


def ask(
    check: Callable[[httpx.AsyncClient], Awaitable[None]], *, logged: Logged = "changes"
) -> list[dict[str, object]]:
    """Serve, let `check` ask, and return what was logged."""

    async def body() -> None:
        listening = bind("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with (
            serving(Defective(), listening, access=OneToken(TOKEN), hosts=LOOPBACK_NAMES, access_log=logged),
            httpx.AsyncClient(base_url=url) as client,
        ):
            await check(client)

    with capture_logs(processors=[merge_contextvars]) as written:
        asyncio.run(body())
    return [dict(line) for line in written]


def test_every_answer_names_its_request_and_a_callers_own_id_is_kept_when_it_is_one() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        answers = [await client.get(path) for path in ("/healthz", "/nothing/here", "/app.css", "/v1/quotes/XYZ")]
        ids = {answer.headers[HEADER] for answer in answers}
        assert len(ids) == len(answers)
        kept = await client.get("/healthz", headers={HEADER: "from-my-script.1"})
        assert kept.headers[HEADER] == "from-my-script.1"
        for odd in ("two words", "x" * 65, ""):
            assert (await client.get("/healthz", headers={HEADER: odd})).headers[HEADER] not in (odd, "")

    ask(check)


def test_orders_and_refusals_are_logged_with_who_asked_and_reads_are_not() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        await client.get("/v1/quotes")
        await client.get(f"/v1/quotes/XYZ?token={TOKEN}")
        await client.post(
            "/v1/providers/b/activate",
            json={"reason": "test"}, headers={"authorization": f"Bearer {TOKEN}", HEADER: "my-order"},
        )  # fmt: skip

    written = ask(check)
    told = [(line["method"], line["path"], line["status"], line["who"]) for line in written]
    assert told == [
        ("GET", "/v1/quotes/XYZ", 404, None),
        ("POST", "/v1/providers/b/activate", 200, "operator"),
    ]
    assert written[1]["request_id"] == "my-order"
    assert written[1]["client"] == "127.0.0.1"
    assert TOKEN not in str(written)


def test_all_or_nothing_is_logged_where_the_configuration_says_so() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        await client.get("/v1/quotes")
        await client.get("/nothing/here")

    assert [line["status"] for line in ask(check, logged="all")] == [200, 404]
    assert ask(check, logged="off") == []


def test_a_defect_is_in_the_log_with_its_traceback_under_the_id_that_the_answer_names() -> None:
    ids: list[str] = []

    async def check(client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/providers")
        assert (answer.status_code, "X-Request-Id" in answer.json()["detail"]) == (500, True)
        ids.append(answer.headers[HEADER])

    defect = next(line for line in ask(check) if line["event"] == "defect")
    assert defect["request_id"] == ids[0]
    assert isinstance(defect["exc_info"], ZeroDivisionError)
