"""The HTTP API over a real server, with a gateway that is a plain class."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

import httpx
import pytest
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families
from tests.patience import PATIENCE_S
from tests.publish.fixed_quality import FixedQuality
from tests.publish.fixed_safety import FixedSafety, OneToken
from tests.publish.fixed_trading import FixedTrading

from firmquote.errors import BudgetError, ConfigError, PortInUseError, UnknownSymbolError
from firmquote.model.alerts import AlertReport, AlertView
from firmquote.model.budget import BudgetView
from firmquote.model.metric import Metric
from firmquote.model.safety import Caller
from firmquote.model.status import EventView, HealthReport, LineHealth, ProviderStatus, QuoteView
from firmquote.publish import LOOPBACK_NAMES, bind, serving
from firmquote.publish.exposition import SAMPLES_AT_ONCE
from firmquote.publish.live import READERS_MAX

pytestmark = pytest.mark.scenario
T = TypeVar("T")
TOKEN = "operators-token"
EVENT = EventView(sequence=1, at_ns=1, kind="role", provider="b", before="a", after="b", cause="test")


class Verdict(Struct):
    symbol: str
    intent: str


class Fixed:
    """A gateway that always says the same."""

    def __init__(self, status: str = "healthy", missing: str | None = None) -> None:
        self.status = status
        self.missing = missing
        self.activated: list[tuple[str, str]] = []
        self.trading = FixedTrading()
        self.data = FixedQuality()

    @property
    def safety(self) -> FixedSafety:
        return FixedSafety()

    async def all_quotes(self) -> Sequence[QuoteView]:
        return [self.quote("IBM")]

    def quote(self, symbol: str) -> QuoteView:
        if symbol not in ("IBM", "BRK.B"):
            raise UnknownSymbolError(f"{symbol}: not served here.")
        return QuoteView(
            symbol=symbol, grade="firm", reasons=(), provider="a", bid=1.0, ask=1.1, mid=1.05, spread_bps=952.4,
            bid_size_shares=1, ask_size_shares=2, last=None, event_ns=1, received_ns=2, age_ms=0.5, sequence=3,
            halted=False, as_of_ns=4,
        )  # fmt: skip

    def providers(self) -> Sequence[ProviderStatus]:
        return []

    def lines(self, provider: str) -> Sequence[LineHealth]:
        if provider != "a":
            raise ConfigError(f"{provider}: no such provider here. Choose one of: a.")
        return [
            LineHealth(symbol="IBM", serving=True, unfit=None, staleness_ms=1.0, usual_gap_ms=None, peer_updates=None)
        ]

    async def all_health(self, quotes: Sequence[QuoteView]) -> HealthReport:
        del quotes
        return HealthReport(
            status=self.status, session="regular", expansion_state="full", can_promote_to_live=False, active_provider="a",
            last_role_change=None, providers=(), promotion_gates={}, quality_metrics={}, cost_summary={}, as_of_ns=1,
        )  # fmt: skip

    def budget(self) -> BudgetView:
        return BudgetView(ledger="/l", trouble=None, clock_doubt_s=0, providers=(), as_of_ns=0)

    async def refresh(self, symbol: str) -> QuoteView:
        if symbol == "SPENT":
            raise BudgetError("SPENT: not asked for")
        return self.quote(symbol)

    def not_ready(self, quotes: Sequence[QuoteView]) -> str | None:
        del quotes
        return self.missing

    async def all_decisions(self) -> Sequence[Struct]:
        return [Verdict("IBM", "HOLD")]

    def decision(self, symbol: str) -> Struct:
        self.quote(symbol)
        return Verdict(symbol, "HOLD")

    def activate(self, name: str, reason: str, caller: Caller) -> EventView:
        del caller
        if name == "down":
            raise ConfigError("down is failed, so it cannot serve.")
        self.activated.append((name, reason))
        return EVENT

    def events(self, after: int) -> Sequence[EventView]:
        return [EVENT] if after < 1 else []

    def alerts(self) -> AlertReport:
        return AlertReport(alerts=(), channels={}, sent=0, undelivered=0, as_of_ns=1)

    def acknowledge(self, number: int, who: str, reason: str) -> AlertView:
        raise ConfigError(f"alert {number} does not fire, {who}: {reason}")

    def test_alerts(self, reason: str) -> None:
        self.activated.append(("test", reason))

    async def all_metrics(self) -> Sequence[Metric]:
        odd = (("provider", 'a"b\\c\nd'),)
        many = tuple(((("symbol", f"S{number}"),), float(number)) for number in range(2 * SAMPLES_AT_ONCE + 1))
        return [
            Metric(name="firmquote_x_total", help="Xs.", kind="counter", samples=((odd, 2.0),)),
            Metric(name="firmquote_many", help="Many.", kind="gauge", samples=many),
            Metric(name="firmquote_none", help="None.", kind="gauge", samples=()),
        ]

    async def in_parts(self, parts: Iterator[Sequence[T]]) -> Sequence[T]:
        return list(chain.from_iterable(parts))


def ask(body: Callable[[httpx.AsyncClient], Awaitable[None]], view: Fixed | None = None) -> None:
    async def main() -> None:
        listening = bind("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with (
            asyncio.timeout(PATIENCE_S),
            serving(view or Fixed(), listening, access=OneToken(TOKEN), hosts=LOOPBACK_NAMES),
            httpx.AsyncClient(base_url=url) as client,
        ):
            await body(client)

    asyncio.run(main())


PATHS = ["/healthz", "/readyz", "/healthz/providers", "/metrics", "/v1/quotes", "/v1/quotes/BRK.B", "/v1/providers", "/v1/providers/a/lines",
         "/v1/decisions", "/v1/decisions/IBM", "/v1/events", "/schema/openapi.json", "/", "/app.js", "/app.css",
         "/live.js", "/plotly.js"]  # fmt: skip


def test_every_page_answers_with_the_security_headers() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        for path in PATHS:
            answer = await client.get(path)
            assert (path, 200) == (path, answer.status_code)
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "server" not in answer.headers

    ask(body)


def test_a_quote_is_the_contract() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        quote = (await client.get("/v1/quotes/BRK.B")).json()
        assert tuple(quote[key] for key in ("symbol", "grade", "reasons", "provider", "bid", "ask")) == (
            "BRK.B",
            "firm",
            [],
            "a",
            1.0,
            1.1,
        )

    ask(body)


@pytest.mark.parametrize(("status", "code"), [("healthy", 200), ("degraded", 206), ("failed", 503)])
def test_the_health_page_tells_by_its_code(status: str, code: int) -> None:
    async def body(client: httpx.AsyncClient) -> None:
        answer = await client.get("/healthz/providers")
        assert (code, status) == (answer.status_code, answer.json()["status"])

    ask(body, Fixed(status))


def test_readiness_says_what_is_missing() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["why"]) == (503, "no quote yet of IBM")

    ask(body, Fixed(missing="no quote yet of IBM"))


@pytest.mark.parametrize(
    ("method", "path", "code", "words"),
    [
        ("GET", "/v1/quotes/NOPE", 404, "NOPE: not served here"),
        ("GET", "/nowhere", 404, "/nowhere is no page here"),
        ("GET", "/../../etc/passwd", 404, "is no page here"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404, "is no page here"),
        ("DELETE", "/v1/quotes", 405, "Method Not Allowed"),
        ("GET", "/v1/events?after=soon", 400, "after=soon"),
    ],
)
def test_what_cannot_be_served_is_a_problem_detail(method: str, path: str, code: int, words: str) -> None:
    async def body(client: httpx.AsyncClient) -> None:
        answer = await client.request(method, path)
        problem = answer.json()
        assert (code, code) == (answer.status_code, problem["status"])
        assert answer.headers["content-type"] == "application/problem+json"
        assert words in problem["detail"]

    ask(body)


AUTH = {"Authorization": f"Bearer {TOKEN}"}


def test_activation_needs_the_token_and_a_reason() -> None:
    view = Fixed()

    async def body(client: httpx.AsyncClient) -> None:
        path, reason = "/v1/providers/b/activate", {"reason": "test"}
        assert (await client.post(path, json=reason)).status_code == 401
        assert (await client.post(path, json=reason, headers={"Authorization": "Bearer wrong"})).status_code == 401
        assert (await client.post(path, json={}, headers=AUTH)).status_code == 400
        assert (await client.post(path, json={"reason": ""}, headers=AUTH)).status_code == 400
        assert (await client.post(path, json={**reason, "x": 1}, headers=AUTH)).status_code == 400
        assert view.activated == []
        answer = await client.post(path, json=reason, headers=AUTH)
        assert (answer.status_code, answer.json()["after"]) == (200, "b")
        refused = await client.post("/v1/providers/down/activate", json=reason, headers=AUTH)
        assert (refused.status_code, refused.json()["detail"]) == (409, "down is failed, so it cannot serve.")
        assert view.activated == [("b", "test")]

    ask(body, view)


def test_a_page_from_elsewhere_changes_nothing_even_with_the_token() -> None:
    view = Fixed()

    async def body(client: httpx.AsyncClient) -> None:
        headers = {**AUTH, "Origin": "https://evil.example"}
        answer = await client.post("/v1/providers/b/activate", json={"reason": "x"}, headers=headers)
        assert answer.status_code == 403
        own = {**AUTH, "Origin": str(client.base_url).rstrip("/")}
        assert (await client.post("/v1/providers/b/activate", json={"reason": "x"}, headers=own)).status_code == 200

    ask(body, view)


def test_a_name_that_is_not_ours_is_refused() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1:1"):
            assert (await client.get("/v1/quotes", headers={"Host": host})).status_code == 400
        port = client.base_url.port
        assert (await client.get("/v1/quotes", headers={"Host": f"localhost:{port}"})).status_code == 200

    ask(body)


def test_a_body_above_the_limit_is_refused() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        reason = {"reason": "x" * 70_000}
        assert (await client.post("/v1/providers/b/activate", json=reason, headers=AUTH)).status_code == 413

    ask(body)


def test_the_metrics_are_read_by_the_official_parser() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        answer = await client.get("/metrics")
        odd, many, none = text_string_to_metric_families(answer.text)
        assert (odd.name, odd.documentation, odd.type) == ("firmquote_x", "Xs.", "counter")
        assert odd.samples[0].labels["provider"] == 'a"b\\c\nd'
        assert answer.text.count("# HELP firmquote_many Many.") == 1
        assert [sample.labels["symbol"] for sample in many.samples] == [
            f"S{number}" for number in range(2 * SAMPLES_AT_ONCE + 1)
        ]
        assert (none.name, none.samples) == ("firmquote_none", [])

    ask(body)


def test_the_schema_lists_every_route() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        paths = (await client.get("/schema/openapi.json")).json()["paths"]
        assert {"/healthz", "/readyz", "/healthz/providers", "/metrics", "/v1/quotes", "/v1/quotes/{symbol}",
                "/v1/providers", "/v1/providers/{name}/activate", "/v1/providers/{name}/lines", "/v1/decisions", "/v1/decisions/{symbol}",
                "/v1/events", "/v1/events/stream", "/v1/switches", "/v1/switches/{name}", "/v1/lease", "/v1/audit", "/v1/rollout", "/v1/rollout/promote",
                "/v1/rollout/rollback", "/v1/rollout/hold", "/v1/rollout/readmit", "/v1/reload", "/v1/restart",
                "/v1/positions", "/v1/orders", "/v1/receipts", "/v1/receipts/{number}", "/v1/receipts/{number}/what-if",
                "/v1/advice", "/v1/news", "/v1/decisions/resume",
                "/v1/budget", "/v1/quotes/{symbol}/refresh",
                "/v1/quality", "/v1/quality/{symbol}/believe", "/v1/halts", "/v1/halts/{symbol}", "/v1/actions",
                "/v1/alerts", "/v1/alerts/{number}/acknowledge", "/v1/alerts/test",
                "/runbook", "/runbook/{name}"} == set(paths)  # fmt: skip

    ask(body)


def test_the_chart_library_may_be_kept_by_the_browser_and_nothing_else() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        kept = {
            path: (await client.get(path)).headers["cache-control"] for path in ("/plotly.js", "/app.js", "/v1/quotes")
        }
        assert kept == {"/plotly.js": "private, max-age=86400", "/app.js": "no-store", "/v1/quotes": "no-store"}

    ask(body)


async def first_messages(client: httpx.AsyncClient, wanted: int, headers: dict[str, str] | None = None) -> list[str]:
    """Return the first messages of the pushed events, without the one that sets the pause before a new try."""
    async with client.stream("GET", "/v1/events/stream", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = ""
        async for part in answer.aiter_text():
            text += part
            if text.count("\n\n") > wanted:
                break
    return text.split("\n\n")[1 : wanted + 1]


def test_pushed_events_begin_with_what_changed_and_go_on_with_the_state() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        change, state = await first_messages(client, 2)
        assert change.splitlines()[:2] == ["id: 1", "event: change"]
        kind, data = state.splitlines()
        assert kind == "event: state"
        assert json.loads(data.removeprefix("data: "))["quotes"][0]["symbol"] == "IBM"

    ask(body)


def test_a_browser_that_comes_back_gets_only_the_changes_it_missed() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        (first,) = await first_messages(client, 1, {"Last-Event-ID": "1"})
        assert first.startswith("event: state")

    ask(body)


def test_more_streams_than_the_limit_are_refused_and_a_place_is_free_again_after_one_ends() -> None:
    async def body(client: httpx.AsyncClient) -> None:
        open_streams = []
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(READERS_MAX):
                answer = await stack.enter_async_context(client.stream("GET", "/v1/events/stream"))
                open_streams.append(answer.aiter_raw())  # one that is forgotten is closed
                await anext(open_streams[-1])
            refused = await client.get("/v1/events/stream")
            assert refused.status_code == 503
            assert "Close a page that nobody looks at" in refused.json()["detail"]
        status = 503
        while status == 503:  # the deadline of `ask` bounds it
            async with client.stream("GET", "/v1/events/stream") as answer:
                status = answer.status_code
        assert status == 200

    ask(body)


def test_a_port_that_is_taken_is_refused_with_what_to_do() -> None:
    with bind("127.0.0.1", 0) as listening:
        listening.listen()
        with pytest.raises(PortInUseError, match=r"port \d+ on 127.0.0.1 is taken. Stop what listens there"):
            bind("127.0.0.1", listening.getsockname()[1])


def test_a_defect_is_a_500_that_shows_nothing_of_its_inside() -> None:
    class Broken(Fixed):
        async def all_quotes(self) -> Sequence[QuoteView]:
            raise ZeroDivisionError("a secret of the inside")

    async def body(client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/quotes")
        assert answer.status_code == 500
        assert answer.json()["detail"].startswith("A defect in Firmquote; its log has it")
        assert "secret" not in answer.text

    ask(body, Broken())


def test_quality_halts_and_actions_are_read_by_anybody_and_ordered_with_a_token() -> None:
    view = Fixed()

    async def body(client: httpx.AsyncClient) -> None:
        assert (await client.get("/v1/quality")).json()["own_clock_steps"] == 0
        assert (await client.get("/v1/halts")).json() == [{"symbol": "IBM", "causes": {"operator": "news"}}]
        assert (await client.get("/v1/actions")).json()["today"] == "2026-11-24"
        orders: dict[str, dict[str, object]] = {
            "/v1/halts/IBM": {"halted": True, "reason": "news"},
            "/v1/quality/IBM/believe": {"provider": "a", "reason": "checked"},
            "/v1/actions": {"action": {"type": "split"}, "reason": "notice"},
        }
        for path, order in orders.items():
            assert (await client.post(path, json=order)).status_code == 401
            headers = {"Authorization": f"Bearer {TOKEN}"}
            assert (await client.post(path, json={**order, "reason": ""}, headers=headers)).status_code == 400
            assert (await client.post(path, json=order, headers=headers)).status_code == 200

    ask(body, view)
    assert view.data.ordered == [
        ("IBM", True, "operator", "news"),
        ("IBM", "a", "operator", "checked"),
        ({"type": "split"}, "operator", "notice"),
    ]
