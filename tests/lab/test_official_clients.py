"""The providers' own clients are the judges of our simulators."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import date
from fractions import Fraction
from typing import TypeVar

import pytest
from alpha_vantage.alphavantage import AlphaVantage
from alpha_vantage.fundamentaldata import FundamentalData
from alpha_vantage.timeseries import TimeSeries
from massive import RESTClient, WebSocketClient
from massive.exceptions import AuthError, BadResponse
from massive.websocket.models import LimitUpLimitDown
from massive.websocket.models import Market as MassiveMarket
from tests.patience import PATIENCE_S
from tests.stopping import stopped

from firmquote.lab import LAB_KEY, Fault, Lab, LabConfig, SimulatorConfig, load_tape
from firmquote.runtime.clock import SystemClock
from firmquote.symbols import Dividend, SpinOff, Split, TickerChange, listing_of_changes

T = TypeVar("T")
TAPE = load_tape()


def with_lab(body: Callable[[Lab], Awaitable[T]], config: LabConfig | None = None) -> T:
    async def run() -> T:
        async with asyncio.timeout(PATIENCE_S), Lab(TAPE, SystemClock(), config) as lab:
            return await body(lab)

    return asyncio.run(run())


def rest(lab: Lab, key: str = LAB_KEY) -> RESTClient:
    return RESTClient(api_key=key, base=lab.polygon.url, retries=0)


def stream(lab: Lab, key: str = LAB_KEY, **options: object) -> WebSocketClient:
    return WebSocketClient(
        api_key=key,
        feed=lab.polygon.stream_url.removeprefix("ws://").removesuffix("/stocks"),
        secure=False,
        market=MassiveMarket.Stocks,
        subscriptions=["Q.AIG", "Q.BAC"],
        **options,
    )


def test_massive_rest_reads_the_last_nbbo_of_the_tape() -> None:
    async def body(lab: Lab) -> None:
        truth = lab.market.quotes
        last = await asyncio.to_thread(rest(lab).get_last_quote, "BAC")
        assert (last.ticker, last.sequence_number) >= ("BAC", 1)
        rows = {(q.bid, q.ask, q.bid_size_shares, q.ask_size_shares) for q in TAPE.quotes("BAC")}
        assert (last.bid_price, last.ask_price, last.bid_size, last.ask_size) in rows
        assert truth["BAC"].event_ns >= last.sip_timestamp

    with_lab(body)


def test_massive_rest_reads_trades_snapshots_history_and_the_market_status() -> None:
    async def body(lab: Lab) -> None:
        client = rest(lab)
        trade = await asyncio.to_thread(client.get_last_trade, "BAC")
        snapshots = await asyncio.to_thread(client.get_snapshot_all, "stocks", ["AIG", "BAC", "NOPE"])
        status = await asyncio.to_thread(client.get_market_status)
        history = await asyncio.to_thread(lambda: list(client.list_quotes("AIG", limit=50)))
        assert trade.price > 0
        assert {"AIG", "BAC"} == {snapshot.ticker for snapshot in snapshots}
        assert all(snapshot.last_quote.ask_price >= snapshot.last_quote.bid_price > 0 for snapshot in snapshots)
        assert status.market == "open"
        assert len(history) > 50, "pagination was followed"
        times = [quote.sip_timestamp for quote in history]
        assert sorted(times, reverse=True) == times

    with_lab(body)


def test_massive_rest_reads_splits_and_the_names_that_an_instrument_has_had() -> None:
    async def body(lab: Lab) -> None:
        book = lab.market.reference
        book.actions.append(Split(symbol="IBM", effective=date(2024, 6, 10), ratio=Fraction(3, 2)))
        changes = [TickerChange("FB", date(2012, 5, 18)), TickerChange("META", date(2022, 6, 9))]
        book.listings.append(listing_of_changes("meta", changes))
        client = rest(lab)
        (split,) = await asyncio.to_thread(lambda: list(client.list_splits(execution_date_gte="2024-06-01")))
        assert (split.ticker, split.execution_date, split.split_from, split.split_to) == ("IBM", "2024-06-10", 2, 3)
        details = await asyncio.to_thread(client.get_ticker_details, "FB", "2020-01-02")
        found = await asyncio.to_thread(client.get_ticker_events, details.composite_figi)
        assert [(event["date"], event["ticker_change"]["ticker"]) for event in found.events] == [
            ("2022-06-09", "META"),
            ("2012-05-18", "FB"),
        ]
        with pytest.raises(BadResponse, match="NOT_FOUND"):
            await asyncio.to_thread(client.get_ticker_events, "FB")

    with_lab(body)


@pytest.mark.parametrize(
    ("key", "ticker", "words"),
    [
        pytest.param("wrong", "BAC", "Unknown API Key", id="wrong key"),
        pytest.param(LAB_KEY, "NOPE", "NOT_FOUND", id="unknown ticker"),
    ],
)
def test_massive_rest_is_refused_in_the_providers_words(key: str, ticker: str, words: str) -> None:
    async def body(lab: Lab) -> None:
        with pytest.raises(BadResponse, match=words):
            await asyncio.to_thread(rest(lab, key).get_last_quote, ticker)

    with_lab(body)


def test_massive_websocket_receives_quotes_that_are_rows_of_the_tape() -> None:
    rows = {
        (q.symbol, q.bid, q.bid_size_shares, q.ask, q.ask_size_shares) for s in ("AIG", "BAC") for q in TAPE.quotes(s)
    }

    async def body(lab: Lab) -> None:
        client = stream(lab)
        enough = asyncio.Event()
        seen = []

        async def on_messages(messages: list[object]) -> None:
            seen.extend(messages)
            if len(seen) >= 20:
                enough.set()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(client.connect(on_messages))
            await enough.wait()
            await stopped(task)
        for m in seen:
            assert (m.symbol, m.bid_price, m.bid_size, m.ask_price, m.ask_size) in rows  # type: ignore[attr-defined]  # massive's own type

    with_lab(body)


def test_massive_websocket_reads_price_limits_and_halts() -> None:
    async def body(lab: Lab) -> None:
        client = stream(lab)
        client.subscribe("LULD.BAC")
        told: list[LimitUpLimitDown] = []
        began, enough = asyncio.Event(), asyncio.Event()

        async def on_messages(messages: list[object]) -> None:
            told.extend(message for message in messages if isinstance(message, LimitUpLimitDown))
            began.set()
            if len(told) >= 3:
                enough.set()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(client.connect(on_messages))
            await began.wait()
            lab.limit("BAC", 12.5, 15.5)
            lab.limit("AIG", 1.0, 2.0)
            lab.halt("BAC")
            lab.resume("BAC")
            await enough.wait()
            await stopped(task)
        band, *halts = told
        assert (band.symbol, band.low_price, band.high_price) == ("BAC", 12.5, 15.5)
        assert [halt.indicators for halt in halts] == [[17], [18]]

    with_lab(body)


def test_massive_websocket_is_told_that_its_key_is_wrong() -> None:
    async def body(lab: Lab) -> None:
        async def ignore(_: list[object]) -> None: ...

        with pytest.raises(AuthError):
            await stream(lab, "wrong").connect(ignore)

    with_lab(body)


def test_a_second_connection_with_the_same_key_evicts_the_first() -> None:
    async def body(lab: Lab) -> None:
        first, second = stream(lab, max_reconnects=0), stream(lab)
        arrived = asyncio.Event()

        async def note(_: list[object]) -> None:
            arrived.set()

        async with asyncio.TaskGroup() as group:
            one = group.create_task(_ended(first, note))
            await arrived.wait()
            arrived.clear()
            two = group.create_task(second.connect(note))
            await one
            await arrived.wait()
            await stopped(two)
        assert lab.polygon.streams is not None
        assert lab.polygon.streams.accepted == 2

    with_lab(body)


async def _ended(client: WebSocketClient, handler: Callable[[list[object]], Awaitable[None]]) -> None:
    with pytest.raises(Exception, match="1008"):
        await client.connect(handler)


def test_a_clean_close_ends_the_official_client_without_an_error() -> None:
    async def body(lab: Lab) -> None:
        arrived = asyncio.Event()

        async def note(_: list[object]) -> None:
            arrived.set()

        async with asyncio.TaskGroup() as group:
            running = group.create_task(stream(lab).connect(note))
            await arrived.wait()
            await lab.polygon.inject(Fault.CLOSE_CLEAN)
            await running

    with_lab(body)


@pytest.fixture
def series(monkeypatch: pytest.MonkeyPatch) -> Callable[[Lab], TimeSeries]:
    def make(lab: Lab) -> TimeSeries:
        # The client reads its address from its base class alone (dossier alpha-vantage.md section 8).
        monkeypatch.setattr(AlphaVantage, "_ALPHA_VANTAGE_API_URL", f"{lab.alphavantage.url}/query?")
        return TimeSeries(key=LAB_KEY)

    return make


def test_alpha_vantage_reads_splits_with_a_spin_off_among_them_and_dividends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(lab: Lab) -> None:
        kyndryl = SpinOff(
            symbol="IBM",
            effective=date(2021, 11, 4),
            child="KD",
            child_shares=Fraction(1, 5),
            price_factor=Fraction(1000, 1046),
        )
        split = Split(symbol="IBM", effective=date(1999, 5, 27), ratio=Fraction(2))
        dividend = Dividend(symbol="IBM", effective=date(2024, 8, 9), cash_usd=1.67)
        lab.market.reference.actions += [split, kyndryl, dividend]
        monkeypatch.setattr(AlphaVantage, "_ALPHA_VANTAGE_API_URL", f"{lab.alphavantage.url}/query?")
        client = FundamentalData(key=LAB_KEY, output_format="pandas")
        splits, _ = await asyncio.to_thread(client.get_splits, "IBM")
        assert splits.to_numpy().tolist() == [["2021-11-04", "1.0460"], ["1999-05-27", "2.0000"]]
        dividends, _ = await asyncio.to_thread(client.get_dividends, "IBM")
        assert dividends["amount"].tolist() == ["1.67"]

    with_lab(body)


def test_alpha_vantage_reads_the_last_price_of_the_tape(series: Callable[..., TimeSeries]) -> None:
    async def body(lab: Lab) -> None:
        data, _ = await asyncio.to_thread(series(lab).get_quote_endpoint, "BAC")
        assert data["01. symbol"] == "BAC"
        assert f"{lab.market.trades['BAC'][1].price:.4f}"[:2] == data["05. price"][:2]

    with_lab(body)


def test_alpha_vantage_gets_an_empty_quote_for_an_unknown_symbol(series: Callable[..., TimeSeries]) -> None:
    async def body(lab: Lab) -> None:
        assert await asyncio.to_thread(series(lab).get_quote_endpoint, "NOPE") == ({}, None)

    with_lab(body)


@pytest.mark.parametrize(
    ("config", "calls", "words"),
    [
        pytest.param(
            LabConfig(simulators={"alphavantage": SimulatorConfig(per_minute=2)}),
            3,
            "Minute-level rate limit",
            id="minute limit",
        ),
        pytest.param(
            LabConfig(simulators={"alphavantage": SimulatorConfig(free_plan=True)}),
            2,
            "spreading out",
            id="free plan: one a second",
        ),
    ],
)
def test_alpha_vantage_says_over_limit_with_http_200(
    series: Callable[..., TimeSeries], config: LabConfig, calls: int, words: str
) -> None:
    async def body(lab: Lab) -> None:
        client = series(lab)
        for _ in range(calls - 1):
            await asyncio.to_thread(client.get_quote_endpoint, "BAC")
        with pytest.raises(ValueError, match=words):
            await asyncio.to_thread(client.get_quote_endpoint, "BAC")

    with_lab(body, config)


def test_the_quota_notice_echoes_the_key_as_the_provider_does(series: Callable[..., TimeSeries]) -> None:
    async def body(lab: Lab) -> None:
        await lab.alphavantage.inject(Fault.HTTP_NOTE)
        with pytest.raises(ValueError, match=f"API key as {LAB_KEY} .* 25 requests per day"):
            await asyncio.to_thread(series(lab).get_quote_endpoint, "BAC")

    with_lab(body)


def test_two_labs_on_one_port_are_refused_with_what_to_do() -> None:
    from firmquote.errors import PortInUseError  # noqa: PLC0415 - only this test needs it

    async def body(lab: Lab) -> None:
        with pytest.raises(PortInUseError, match=r"port \d+ is taken\. Stop what listens there"):
            async with Lab(
                TAPE, SystemClock(), LabConfig(simulators={"polygon": SimulatorConfig(port=lab.polygon.port)})
            ):
                pass

    with_lab(body)


def test_no_thread_outlives_a_lab() -> None:
    async def body(_: Lab) -> int:
        return threading.active_count()

    assert threading.active_count() <= with_lab(body)
