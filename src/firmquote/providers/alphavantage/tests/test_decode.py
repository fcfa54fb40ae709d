"""Alpha Vantage's answers → our events, on recorded answers and sentences of the dossier."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import Event, LastPrice, LineState, LineStatus, Opening, Response, Secret, UnknownSymbol, Unparsed
from firmquote.providers.alphavantage import PROVIDER
from firmquote.providers.alphavantage.config import AlphaVantageConfig, Entitlement
from firmquote.providers.alphavantage.decode import eastern_ns
from firmquote.providers.alphavantage.protocol import AlphaVantagePoll

FRAMES = Path(__file__).parent / "frames"
RECEIVED_NS = 1_730_332_799_000_000_000
KEY = "SECRETKEY"


def poll(**settings: object) -> AlphaVantagePoll:
    config = AlphaVantageConfig(**settings)  # type: ignore[arg-type]  # the test's own settings
    return AlphaVantagePoll(Opening(config=config, key=Secret(KEY), codec=PROVIDER.codec()))


def said(body: object, *symbols: str, status: int = 200, **settings: object) -> Event:
    line = poll(**settings)
    request = line.plan(symbols or ["MSFT"])[0]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (event,) = line.on_response(request, Response(status=status, body=raw, received_ns=RECEIVED_NS))
    return event


def test_the_recorded_global_quote_is_a_last_price_without_a_time_of_day() -> None:
    expected = LastPrice(
        symbol="MSFT",
        provider="alphavantage",
        price=112.13,
        received_ns=RECEIVED_NS,
        trading_day="2018-10-05",
        volume_shares=29_062_853,
        previous_close=112.79,
    )
    assert expected == said((FRAMES / "global_quote.json").read_bytes())


def test_the_decorated_key_of_delayed_data_is_read_and_the_delay_kept() -> None:
    fields = json.loads((FRAMES / "global_quote.json").read_bytes())["Global Quote"]
    event = said({"Global Quote - DATA DELAYED BY 15 MINUTES": fields})
    assert isinstance(event, LastPrice)
    assert event.delay_ns == 900_000_000_000


def test_a_class_share_is_asked_for_with_a_dash_and_comes_back_canonical() -> None:
    (request,) = poll().plan(["BRK.B"])
    assert ("symbol", "BRK-B") in request.query
    event = said({"Global Quote": {"01. symbol": "BRK-B", "05. price": "412.5000"}}, "BRK.B")
    assert isinstance(event, LastPrice)
    assert event.symbol == "BRK.B"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"Global Quote": {}}, id="empty quote"),
        pytest.param({"Global Quote": {"01. symbol": "MSFT", "05. price": "None"}}, id="price None"),
        pytest.param({"Error Message": "Invalid API call. Please retry for GLOBAL_QUOTE."}, id="invalid call"),
    ],
)
def test_an_unknown_symbol_is_named(body: object) -> None:
    assert UnknownSymbol(provider="alphavantage", spelling="MSFT", received_ns=RECEIVED_NS) == said(body)


@pytest.mark.parametrize(
    ("body", "state", "retry_after_s"),
    [
        ({"Error Message": "the parameter apikey is invalid or missing."}, LineState.REFUSED_KEY, None),
        ({"Information": "The **demo** API key is for demo purposes only."}, LineState.REFUSED_KEY, None),
        ({"Information": "Thank you! This is a premium endpoint."}, LineState.NOT_ENTITLED, None),
        (
            {"Information": "Please consider spreading out your free API requests more sparingly (1 request per second). … (25 requests per day)"},
            LineState.LIMITED,
            2.0,
        ),
        ({"Information": f"API key as {KEY} and our rate limit is 25 requests per day."}, LineState.LIMITED, 86_400.0),
        ({"Information": "Burst pattern detected."}, LineState.LIMITED, 2.0),
        ({"Information": "Minute-level rate limit exceed."}, LineState.LIMITED, 60.0),
        ({"Note": "Our standard API call frequency is 5 calls per minute."}, LineState.LIMITED, 60.0),
        ({"Information": "Something that nobody has ever read."}, LineState.SERVER_ERROR, None),
    ],
)  # fmt: skip
def test_http_200_notices_mean_what_the_dossier_says(
    body: object, state: LineState, retry_after_s: float | None
) -> None:
    event = said(body)
    assert isinstance(event, LineStatus)
    assert (state, retry_after_s) == (event.state, event.retry_after_s)
    assert KEY not in event.detail


def test_a_real_503_is_a_server_error() -> None:
    event = said(b"<html>Service Unavailable</html>", status=503)
    assert isinstance(event, LineStatus)
    assert LineState.SERVER_ERROR is event.state


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"<html>", b'{"Global Quote":[]}', b'{"Global Quote":{"01. symbol":3}}']
)
def test_anything_else_is_unparsed(body: bytes) -> None:
    assert isinstance(said(body), Unparsed)


BULK = {
    "endpoint": "Realtime Bulk Quotes",
    "message": "success",
    "data": [
        {
            "symbol": "MSFT",
            "timestamp": "2024-10-30 19:59:57.644",
            "close": "432.53",
            "volume": "20592520",
            "previous_close": "431.95",
            "extended_hours_quote": "430.9",
        }
    ],
}


def test_a_bulk_row_has_a_time_of_day_and_after_hours_its_extended_price() -> None:
    event = said(BULK, bulk=True)
    moment = datetime(2024, 10, 30, 23, 59, 57, 644_000, tzinfo=UTC)
    assert isinstance(event, LastPrice)
    assert (430.9, int(moment.timestamp() * 1_000) * 1_000_000) == (event.price, event.event_ns)


def test_the_made_up_sample_that_a_free_key_gets_is_never_a_price() -> None:
    event = said({**BULK, "message": "This is a premium endpoint, sample data"}, bulk=True)
    assert isinstance(event, LineStatus)
    assert LineState.NOT_ENTITLED is event.state


def test_bulk_requests_are_batches_of_a_hundred() -> None:
    requests = poll(bulk=True).plan([f"S{n}" for n in range(250)])
    assert [len(request.symbols) for request in requests] == [100, 100, 50]


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        pytest.param(datetime(2024, 11, 3, 5, 30, tzinfo=UTC), 5, id="first half past one, summer time"),
        pytest.param(datetime(2024, 11, 3, 6, 30, tzinfo=UTC), 6, id="second half past one, winter time"),
    ],
)
def test_the_hour_that_happens_twice_is_read_as_the_one_nearest_to_now(received: datetime, expected: int) -> None:
    found = eastern_ns("2024-11-03 01:30:00.000", int(received.timestamp()) * 1_000_000_000)
    assert int(datetime(2024, 11, 3, expected, 30, tzinfo=UTC).timestamp()) * 1_000_000_000 == found


def test_the_plan_decides_the_pace_and_the_words() -> None:
    assert poll(requests_per_minute=75).request_interval_ns == 800_000_000
    (request,) = poll(entitlement=Entitlement.DELAYED).plan(["IBM"])
    assert ("entitlement", "delayed") in request.query


@given(st.sampled_from([200, 404, 500]), st.binary(max_size=200), st.booleans())
def test_any_answer_gives_events_and_never_an_exception(status: int, body: bytes, bulk: bool) -> None:
    line = poll(bulk=bulk)
    (request,) = line.plan(["IBM"])
    line.on_response(request, Response(status=status, body=body, received_ns=RECEIVED_NS))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Global Quote", "Note", "data", "message", "Information", "01. symbol", "05. price"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(json_values)
def test_any_json_gives_events_and_never_an_exception(document: object) -> None:
    line = poll()
    (request,) = line.plan(["IBM"])
    line.on_response(request, Response(status=200, body=json.dumps(document).encode(), received_ns=RECEIVED_NS))


def test_the_key_shows_in_no_repr() -> None:
    assert KEY not in repr(poll().plan(["IBM"]))
