"""Polygon's reference API, on recorded answers."""

from datetime import date
from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import LineState, LineStatus, Opening, Request, Response, Secret, Unparsed
from firmquote.providers.polygon import PROVIDER
from firmquote.providers.polygon.config import PolygonConfig
from firmquote.providers.polygon.reference import PolygonReference
from firmquote.symbols import Rename, Split, TickerChange, agree, listing_of_changes

FRAMES = Path(__file__).parent / "frames"
SINCE = date(2022, 6, 1)
SYMBOLS = ("GOOGL", "AMZN", "SHOP", "CIG.C", "META")


def reference() -> PolygonReference:
    return PolygonReference(Opening(config=PolygonConfig(), key=Secret("the-key"), codec=PROVIDER.codec()))


def answer(body: bytes, status: int = 200) -> Response:
    return Response(status=status, body=body, received_ns=1)


def test_splits_of_the_served_symbols_are_new_shares_for_each_old_one() -> None:
    api = reference()
    splits, *_ = api.plan_actions(SYMBOLS, since=SINCE)
    found = api.on_actions(splits, answer((FRAMES / "splits.json").read_bytes()), since=SINCE)
    assert [(each.symbol, each.effective.isoformat(), each.ratio) for each in found if isinstance(each, Split)] == [
        ("GOOGL", "2022-07-18", Fraction(20)),
        ("SHOP", "2022-06-29", Fraction(10)),
        ("SHOP", "2022-06-22", Fraction(10)),
        ("AMZN", "2022-06-06", Fraction(20)),
    ]
    agreed = agree({"polygon": [each for each in found if isinstance(each, Split)]})
    assert {action.symbol for action in agreed.actions} == {"GOOGL", "AMZN"}
    assert "SHOP: sources disagree" in str(agreed.conflicts[0]), "one split under two days is withheld"


def test_ticker_changes_are_renames_from_the_next_weekday_on_and_a_history_of_names() -> None:
    api = reference()
    *_, request = api.plan_actions(["META"], since=SINCE)
    body = (FRAMES / "ticker_events.json").read_bytes()
    assert list(api.on_actions(request, answer(body), since=SINCE)) == [
        Rename(symbol="FB", effective=date(2022, 6, 13), new_symbol="META")
    ]
    assert list(api.on_actions(request, answer(body), since=date(2023, 1, 1))) == []


def test_who_had_a_name_on_a_day_is_asked_first_and_then_all_names_of_that_instrument() -> None:
    api = reference()
    (who,) = api.plan_names("FB", day=date(2020, 1, 2))
    assert (who.path, who.query) == ("/v3/reference/tickers/FB", (("date", "2020-01-02"),))
    (names,) = api.on_names(who, answer(b'{"results":{"ticker":"FB","composite_figi":"BBG000MM2P62"},"status":"OK"}'))
    assert isinstance(names, Request)
    assert (names.path, names.symbols) == ("/vX/reference/tickers/BBG000MM2P62/events", ("FB",))
    changes = [
        each
        for each in api.on_names(names, answer((FRAMES / "ticker_events.json").read_bytes()))
        if isinstance(each, TickerChange)
    ]
    assert changes == [TickerChange("FB", date(2012, 5, 18)), TickerChange("META", date(2022, 6, 11))]
    assert listing_of_changes("meta", changes).name_on(date(2020, 1, 2)) == "FB"
    (by_ticker,) = api.on_names(who, answer(b'{"results":{"ticker":"FB"}}'))
    assert isinstance(by_ticker, Request)
    assert by_ticker.path == "/vX/reference/tickers/FB/events", "without an identifier the name must do"
    assert api.on_names(who, answer(b"{}", 404)) == ()


def test_requests_ask_for_all_splits_at_once_and_hide_the_key() -> None:
    requests = reference().plan_actions(SYMBOLS, since=SINCE)
    assert len(requests) == 1 + len(SYMBOLS)
    assert requests[0].query == (("execution_date.gte", "2022-06-01"), ("limit", "1000"))
    assert requests[4].path == "/vX/reference/tickers/CIG.C/events"
    assert "the-key" not in repr(requests)


def test_refusals_say_so_and_a_ticker_without_events_says_nothing() -> None:
    api = reference()
    *_, request = api.plan_actions(["IBM"], since=SINCE)
    assert list(api.on_actions(request, answer(b"", 404), since=SINCE)) == []
    (status,) = api.on_actions(request, answer(b"", 429), since=SINCE)
    assert isinstance(status, LineStatus)
    assert status.state is LineState.LIMITED


@given(st.binary(max_size=60) | st.sampled_from([b'{"results": [{}]}', b'{"results": {"events": [1]}}', b"[]"]))
def test_no_bytes_raise(body: bytes) -> None:
    api = reference()
    for request in api.plan_actions(["IBM"], since=SINCE):
        for each in api.on_actions(request, answer(body), since=SINCE):
            assert isinstance(each, Split | Rename | Unparsed)
    for request in api.plan_names("IBM", day=SINCE):
        for told in api.on_names(request, answer(body)):
            assert isinstance(told, TickerChange | Request | Unparsed)
