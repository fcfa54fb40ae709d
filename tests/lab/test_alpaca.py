"""Alpaca's own client, alpaca-py, is the judge of its simulator."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeVar

import aiohttp
import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.enums import CorporateActionsType, DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.live import StockDataStream
from alpaca.data.models import Quote, TradingStatus
from alpaca.data.models.corporate_actions import CorporateActionsSet, ForwardSplit
from alpaca.data.requests import (
    CorporateActionsRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
)
from tests.patience import PATIENCE_S
from tests.stopping import stopped

from firmquote.lab import LAB_KEY, Fault, Lab, LabConfig, SimulatorConfig, load_tape
from firmquote.model import NS_PER_S
from firmquote.runtime.clock import SystemClock
from firmquote.symbols import Acquisition, CorporateAction, Delisting, Dividend, Rename, SpinOff, Split

T = TypeVar("T")
TAPE = load_tape()
KEY_ID, _, SECRET = LAB_KEY.partition(":")
FREE = SimulatorConfig(free_plan=True)
HEADERS = {"APCA-API-KEY-ID": KEY_ID, "APCA-API-SECRET-KEY": SECRET}
DAY = date(2024, 6, 10)


def with_lab(body: Callable[[Lab], Awaitable[T]], config: SimulatorConfig | None = None, *, speed: float = 1.0) -> T:
    async def run() -> T:
        simulators = LabConfig(speed=speed, simulators={"alpaca": config or SimulatorConfig()})
        async with asyncio.timeout(PATIENCE_S), Lab(TAPE, SystemClock(), simulators) as lab:
            return await body(lab)

    return asyncio.run(run())


def rest(lab: Lab, secret: str = SECRET) -> StockHistoricalDataClient:
    return StockHistoricalDataClient(KEY_ID, secret, url_override=lab.alpaca.url)


def stream(lab: Lab, *, secret: str = SECRET, feed: str = "iex") -> StockDataStream:
    client = StockDataStream(KEY_ID, secret, url_override=f"{lab.alpaca.stream_url}/{feed}")
    client._reconnect_min_backoff = client._reconnect_max_backoff = 0.01
    return client


def rows(symbol: str) -> set[tuple[float, int, float, int]]:
    return {(q.bid, q.bid_size_shares, q.ask, q.ask_size_shares) for q in TAPE.quotes(symbol)}


def test_the_latest_quotes_are_rows_of_the_tape_and_an_unknown_symbol_is_absent() -> None:
    async def body(lab: Lab) -> None:
        wanted = StockLatestQuoteRequest(symbol_or_symbols=["BAC", "IBM", "NOPE"], feed=DataFeed.SIP)
        found = await asyncio.to_thread(rest(lab).get_stock_latest_quote, wanted)
        assert sorted(found) == ["BAC", "IBM"]
        for symbol, quote in found.items():
            assert (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size) in rows(symbol)
            assert quote.timestamp.timestamp() <= SystemClock.now_ns() / 1e9

    with_lab(body)


def test_snapshots_trades_and_history_read() -> None:
    async def body(lab: Lab) -> None:
        client = rest(lab)
        snapshots = await asyncio.to_thread(
            client.get_stock_snapshot, StockSnapshotRequest(symbol_or_symbols=["AIG", "BAC"])
        )
        trades = await asyncio.to_thread(
            client.get_stock_latest_trade, StockLatestTradeRequest(symbol_or_symbols=["BAC"])
        )
        history = await asyncio.to_thread(
            client.get_stock_quotes,
            StockQuotesRequest(symbol_or_symbols=["AIG", "BAC"], start=datetime(2013, 1, 1, tzinfo=UTC), limit=700),
        )
        assert sorted(snapshots) == ["AIG", "BAC"]
        trade, quote = snapshots["BAC"].latest_trade, snapshots["AIG"].latest_quote
        assert trade is not None
        assert quote is not None
        assert trade.price == trades["BAC"].price > 0
        assert quote.ask_price >= quote.bid_price > 0
        assert not isinstance(history, dict)
        times = [quote.timestamp for quote in history.data["AIG"]]
        assert sorted(times) == times
        assert len(times) > 1

    with_lab(body)


ACTIONS: list[CorporateAction] = [
    Split(symbol="IBM", effective=DAY, ratio=Fraction(3, 2)),
    Split(symbol="BAC", effective=DAY, ratio=Fraction(1, 30)),
    Dividend(symbol="IBM", effective=DAY, cash_usd=1.67),
    SpinOff(symbol="IBM", effective=DAY, child="KD", child_shares=Fraction(1, 5)),
    Acquisition(symbol="AIG", effective=DAY, cash_usd=54.2),
    Acquisition(symbol="SPY", effective=DAY, cash_usd=7.0, acquirer="IBM", acquirer_shares=Fraction(2, 5)),
    Acquisition(symbol="SPY", effective=DAY, acquirer="IBM", acquirer_shares=Fraction(2, 5)),
    Rename(symbol="IBM", effective=DAY, new_symbol="BIG"),
    Delisting(symbol="AIG", effective=DAY),
]


def test_the_official_client_reads_every_kind_of_corporate_action_page_by_page() -> None:
    async def body(lab: Lab) -> None:
        lab.market.reference.actions += ACTIONS
        client = CorporateActionsClient(KEY_ID, SECRET, url_override=lab.alpaca.url)
        wanted = CorporateActionsRequest(start=DAY, end=DAY + timedelta(days=40))
        found = await asyncio.to_thread(client.get_corporate_actions, wanted)
        assert isinstance(found, CorporateActionsSet)
        assert {kind: len(rows) for kind, rows in found.data.items()} == {
            "forward_splits": 1,
            "reverse_splits": 1,
            "cash_dividends": 1,
            "spin_offs": 1,
            "cash_mergers": 1,
            "stock_and_cash_mergers": 1,
            "stock_mergers": 1,
            "name_changes": 1,
            "worthless_removals": 1,
        }
        (split,) = found.data["forward_splits"]
        assert isinstance(split, ForwardSplit)
        assert (split.symbol, split.new_rate, split.old_rate, split.ex_date) == ("IBM", 3.0, 2.0, DAY)
        wanted.symbols, wanted.types = ["IBM"], [CorporateActionsType.FORWARD_SPLIT]
        found = await asyncio.to_thread(client.get_corporate_actions, wanted)
        assert isinstance(found, CorporateActionsSet)
        assert list(found.data) == ["forward_splits"]
        async with aiohttp.ClientSession(headers=HEADERS) as session:
            url = f"{lab.alpaca.url}/v1/corporate-actions?start={DAY}&end={DAY}&limit=5"
            pages = [await (await session.get(url)).json()]
            pages.append(await (await session.get(f"{url}&page_token={pages[0]['next_page_token']}")).json())
        assert [sum(map(len, page["corporate_actions"].values())) for page in pages] == [5, 3]
        assert pages[1]["next_page_token"] is None

    with_lab(body)


@pytest.mark.parametrize(
    ("secret", "symbol", "feed", "words"),
    [
        pytest.param("wrong", "BAC", None, "unauthorized", id="wrong key"),
        pytest.param(SECRET, "bad symbol", None, "invalid symbol: bad symbol!", id="invalid symbol"),
        pytest.param(SECRET, "BAC", DataFeed.SIP, "does not permit querying recent SIP data", id="not in the plan"),
    ],
)
def test_rest_is_refused_in_the_providers_words(secret: str, symbol: str, feed: DataFeed | None, words: str) -> None:
    async def body(lab: Lab) -> None:
        wanted = StockLatestQuoteRequest(symbol_or_symbols=[symbol], feed=feed)
        with pytest.raises(APIError, match=words):
            await asyncio.to_thread(rest(lab, secret).get_stock_latest_quote, wanted)

    with_lab(body, FREE)


def test_the_minute_has_an_end_and_the_headers_name_it() -> None:
    async def body(lab: Lab) -> None:
        url = f"{lab.alpaca.url}/v2/stocks/quotes/latest?symbols=IBM"
        statuses: list[int] = []
        ends: set[int] = set()
        async with aiohttp.ClientSession(headers=HEADERS) as client:
            minute = -1
            while len(statuses) < 5 or minute != SystemClock.now_ns() // (60 * NS_PER_S):
                if minute != (minute := SystemClock.now_ns() // (60 * NS_PER_S)):
                    statuses.clear()  # another minute has begun: all over again
                    ends.clear()
                async with client.get(url) as answer:
                    statuses.append(answer.status)
                    ends.add(int(answer.headers["X-RateLimit-Reset"]))
        assert ends == {(minute + 1) * 60}
        assert 429 in statuses
        assert statuses == sorted(statuses)

    with_lab(body, SimulatorConfig(per_minute=2))


async def first_quotes(client: StockDataStream, count: int, *symbols: str) -> list[Quote]:
    """Run the client until it has seen `count` quotes."""
    seen: list[Quote] = []
    enough = asyncio.Event()

    async def note(quote: Quote | dict[Any, Any]) -> None:
        assert isinstance(quote, Quote)
        seen.append(quote)
        if len(seen) >= count:
            enough.set()

    client.subscribe_quotes(note, *symbols)
    running = asyncio.create_task(client._run_forever())
    await enough.wait()
    await stopped(running)
    await client.close()
    return seen


def test_the_official_stream_receives_quotes_that_are_rows_of_the_tape() -> None:
    async def body(lab: Lab) -> None:
        subscribed_s = SystemClock.now_ns() / 1e9
        quotes = await first_quotes(stream(lab), 20, "AIG", "BAC")
        ended_s = SystemClock.now_ns() / 1e9
        for quote in quotes:
            assert (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size) in rows(quote.symbol)
            assert subscribed_s <= quote.timestamp.timestamp() <= ended_s, "a quote's time is when it is sent"

    with_lab(body, speed=5)


def test_lots_are_hundreds_of_shares() -> None:
    async def body(lab: Lab) -> None:
        for quote in await first_quotes(stream(lab), 3, "*"):
            assert (quote.bid_price, quote.bid_size) in {(bid, size // 100) for bid, size, _, _ in rows(quote.symbol)}

    with_lab(body, SimulatorConfig(lots=True))


def test_the_official_stream_comes_back_after_a_cut() -> None:
    async def body(lab: Lab) -> None:
        client = stream(lab)
        cut = asyncio.Event()
        back = asyncio.Event()

        async def note(_: Quote | dict[Any, Any]) -> None:
            (back if cut.is_set() else started).set()

        started = asyncio.Event()
        client.subscribe_quotes(note, "*")
        running = asyncio.create_task(client._run_forever())
        await started.wait()
        cut.set()
        await lab.alpaca.inject(Fault.DISCONNECT, for_s=0.05)
        await back.wait()
        assert lab.alpaca.streams is not None
        assert lab.alpaca.streams.accepted >= 2
        await stopped(running)
        await client.close()

    with_lab(body)


def test_price_limits_a_halt_and_its_end_reach_the_official_stream_and_no_quote_comes_between() -> None:
    async def body(lab: Lab) -> None:
        statuses: list[str] = []
        quotes: list[str] = []
        bands: list[tuple[str, float, float]] = []
        client = stream(lab)

        async def note_status(status: TradingStatus | dict[Any, Any]) -> None:
            assert isinstance(status, TradingStatus)
            statuses.append(f"{status.symbol} {status.status_message}")

        async def note_quote(quote: Quote | dict[Any, Any]) -> None:
            assert isinstance(quote, Quote)
            quotes.append(quote.symbol)

        async def note_band(band: dict[Any, Any]) -> None:
            bands.append((band["S"], band["d"], band["u"]))

        client.subscribe_trading_statuses(note_status, "BAC")
        client._subscribe(note_band, ("BAC",), client._handlers["lulds"])  # it dispatches them, and has no face for it
        client.subscribe_quotes(note_quote, "*")
        running = asyncio.create_task(client._run_forever())
        await until(lambda: "BAC" in quotes)
        lab.limit("BAC", 12.5, 15.5)
        lab.limit("AIG", 40.0, 60.0)
        await until(lambda: bands == [("BAC", 12.5, 15.5)])
        lab.halt("BAC")
        lab.halt("AIG")
        await until(lambda: statuses == ["BAC Trading Halt"])
        quotes.clear()
        await until(lambda: quotes.count("IBM") > 10)
        assert set(quotes) == {"IBM", "SPY"}
        lab.resume("BAC")
        await until(lambda: statuses == ["BAC Trading Halt", "BAC Trading Resumption"])
        await until(lambda: "BAC" in quotes)
        await stopped(running)
        await client.close()

    with_lab(body, speed=20)


def test_a_connection_that_broke_holds_its_place_until_the_provider_notices() -> None:
    async def body(lab: Lab) -> None:
        first, second = stream(lab), stream(lab)
        await first._start_ws()
        await lab.alpaca.inject(Fault.DISCONNECT)
        await first.close()
        lab.alpaca.clear()
        with pytest.raises(ValueError, match="connection limit exceeded"):
            await second._start_ws()
        await second.close()
        assert lab.alpaca.streams is not None
        ((until_ns, _),) = lab.alpaca.streams._lingering
        assert 0 < until_ns - SystemClock.now_ns() <= 60 * NS_PER_S
        lab.alpaca.streams._lingering.clear()  # a minute later
        await second._start_ws()
        await second.close()

    with_lab(body, SimulatorConfig(slot_linger_s=60))


async def pause(seconds: float) -> None:
    await SystemClock().sleep_until(SystemClock.monotonic_ns() + int(seconds * 1e9))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await pause(0.005)


@pytest.mark.parametrize(
    ("secret", "feed", "config", "words"),
    [
        pytest.param("wrong", "iex", FREE, "auth failed", id="wrong key"),
        pytest.param(SECRET, "sip", FREE, "insufficient subscription", id="not in the plan"),
    ],
)
def test_the_official_stream_is_refused_in_the_providers_words(
    secret: str, feed: str, config: SimulatorConfig, words: str
) -> None:
    async def body(lab: Lab) -> None:
        client = stream(lab, secret=secret, feed=feed)
        with pytest.raises(ValueError, match=words):
            await client._start_ws()
        await client.close()

    with_lab(body, config)


def test_a_second_connection_is_refused_while_the_first_lives() -> None:
    async def body(lab: Lab) -> None:
        first, second = stream(lab), stream(lab)
        await first._start_ws()
        with pytest.raises(ValueError, match="connection limit exceeded"):
            await second._start_ws()
        await second.close()
        await first.close()
        await second._start_ws()
        await second.close()

    with_lab(body)


class Plain:
    """A client that speaks JSON, as ours does."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def ask(self, **message: object) -> dict[str, object]:
        await self._socket.send_json(message)
        return await self.hear()

    async def hear(self) -> dict[str, object]:
        while True:
            (first, *_) = json.loads((await self._socket.receive()).data)
            if first["T"] != "q":
                assert isinstance(first, dict)
                return first


def as_plain(body: Callable[[Plain, Lab], Awaitable[None]], config: SimulatorConfig | None = None) -> None:
    async def run(lab: Lab) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(lab.alpaca.stream_url + "/iex") as socket:
            client = Plain(socket)
            assert await client.hear() == {"T": "success", "msg": "connected"}
            await body(client, lab)

    with_lab(run, config)


def test_manners_of_login() -> None:
    async def body(client: Plain, _: Lab) -> None:
        assert (await client.ask(action="subscribe", quotes=["IBM"]))["code"] == 401
        assert await client.ask(action="auth", key=KEY_ID, secret=SECRET) == {"T": "success", "msg": "authenticated"}
        assert (await client.ask(action="auth", key=KEY_ID, secret=SECRET))["code"] == 403
        assert (await client.ask(action="sing"))["code"] == 400

    as_plain(body)


def test_the_acknowledgement_lists_everything_and_one_bad_symbol_fails_the_whole_request() -> None:
    async def body(client: Plain, _: Lab) -> None:
        await client.ask(action="auth", key=KEY_ID, secret=SECRET)
        first = await client.ask(action="subscribe", quotes=["IBM"], trades=["BAC"])
        assert (first["quotes"], first["trades"], first["corrections"]) == (["IBM"], ["BAC"], ["BAC"])
        assert (await client.ask(action="subscribe", quotes=["SPY", "BTC/USD"]))["code"] == 400
        second = await client.ask(action="subscribe", quotes=["AIG"])
        assert second["quotes"] == ["AIG", "IBM"]
        third = await client.ask(action="unsubscribe", quotes=["IBM"])
        assert third["quotes"] == ["AIG"]

    as_plain(body)


def test_the_free_plan_has_room_for_30_symbols() -> None:
    async def body(client: Plain, _: Lab) -> None:
        await client.ask(action="auth", key=KEY_ID, secret=SECRET)
        names = [f"S{number}" for number in range(31)]
        assert (await client.ask(action="subscribe", quotes=names))["code"] == 405
        assert len((await client.ask(action="subscribe", quotes=names[:30]))["quotes"]) == 30  # type: ignore[arg-type]  # JSON

    as_plain(body, FREE)


def test_a_login_that_does_not_come_is_timed_out() -> None:
    async def body(client: Plain, lab: Lab) -> None:
        assert lab.alpaca.streams is not None
        lab.alpaca.streams.tick(SystemClock.now_ns() + 10_000_000_000)
        assert (await client.hear())["code"] == 404

    as_plain(body)
