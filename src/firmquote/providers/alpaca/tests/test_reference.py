"""Alpaca's corporate actions, in the shapes of the dossier and of alpaca-py's models."""

import json
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import LineState, LineStatus, Opening, Request, Response, Secret, Unparsed
from firmquote.providers.alpaca import PROVIDER
from firmquote.providers.alpaca.config import AlpacaConfig
from firmquote.providers.alpaca.reference import AlpacaReference
from firmquote.symbols import (
    Acquisition,
    CorporateAction,
    Delisting,
    Dividend,
    Doubtful,
    Rename,
    SpinOff,
    Split,
)

SINCE, DAY = date(2024, 6, 1), date(2024, 6, 10)
OURS = ("X", "BRK.B")


def api() -> AlpacaReference:
    return AlpacaReference(Opening(config=AlpacaConfig(), key=Secret("the-id:the-secret"), codec=PROVIDER.codec()))


def told(kind: str, *rows: dict[str, object], token: str | None = None) -> list[object]:
    body = json.dumps({"corporate_actions": {kind: rows}, "next_page_token": token}).encode()
    return read(body)


def read(body: bytes, status: int = 200) -> list[object]:
    (request,) = api().plan_actions(OURS, since=SINCE)
    return list(api().on_actions(request, Response(status=status, body=body, received_ns=1), since=SINCE))


def row(**fields: object) -> dict[str, object]:
    days = dict.fromkeys(("ex_date", "process_date", "effective_date"), DAY.isoformat())
    return {"id": "1", "cusip": "000000000", "symbol": "X", **days, **fields}


@pytest.mark.parametrize(
    ("kind", "fields", "action"),
    [
        ("forward_splits", {"new_rate": 3, "old_rate": 2}, Split(symbol="X", effective=DAY, ratio=Fraction(3, 2))),
        ("reverse_splits", {"new_rate": 1, "old_rate": 30}, Split(symbol="X", effective=DAY, ratio=Fraction(1, 30))),
        ("stock_dividends", {"rate": 0.05}, Split(symbol="X", effective=DAY, ratio=Fraction(21, 20))),
        (
            "cash_dividends",
            {"rate": 0.24, "process_date": "2024-07-15", "symbol": "BRK.B"},
            Dividend(symbol="BRK.B", effective=DAY, cash_usd=0.24),
        ),
        (
            "spin_offs",
            {"source_symbol": "X", "source_rate": 5, "new_symbol": "KD", "new_rate": 1},
            SpinOff(symbol="X", effective=DAY, child="KD", child_shares=Fraction(1, 5)),
        ),
        (
            "cash_mergers",
            {"acquiree_symbol": "X", "rate": 54.2},
            Acquisition(symbol="X", effective=DAY, cash_usd=54.2),
        ),
        (
            "stock_mergers",
            {"acquirer_symbol": "Y", "acquirer_rate": 0.4, "acquiree_symbol": "X", "acquiree_rate": 1},
            Acquisition(symbol="X", effective=DAY, acquirer="Y", acquirer_shares=Fraction(2, 5)),
        ),
        (
            "stock_and_cash_mergers",
            {"acquirer_symbol": "Y", "acquirer_rate": 2, "acquiree_symbol": "X", "acquiree_rate": 1, "cash_rate": 7},
            Acquisition(symbol="X", effective=DAY, cash_usd=7.0, acquirer="Y", acquirer_shares=Fraction(2)),
        ),
        (
            "name_changes",
            {"old_symbol": "X", "new_symbol": "BRK.A"},
            Rename(symbol="X", effective=DAY, new_symbol="BRK.A"),
        ),
        ("worthless_removals", {}, Delisting(symbol="X", effective=DAY)),
    ],
)
def test_each_kind_is_the_action_that_it_means(kind: str, fields: dict[str, object], action: CorporateAction) -> None:
    assert told(kind, row(**fields)) == [action]


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("forward_splits", {"new_rate": 1, "old_rate": 10}, "the other kind"),
        ("reverse_splits", {"new_rate": 10, "old_rate": 1}, "the other kind"),
        ("forward_splits", {"new_rate": 2, "old_rate": 0}, "a rate of 0"),
        ("forward_splits", {"new_rate": 2, "old_rate": 2}, "is no split"),
        ("forward_splits", {"new_rate": "2", "old_rate": 1}, "Expected `float`"),
        ("forward_splits", {"new_rate": 2, "old_rate": 1, "ex_date": "soon"}, "Invalid"),
        ("forward_splits", {"new_rate": 2, "old_rate": 1, "symbol": "b@d"}, "b@d"),
        ("cash_dividends", {"rate": -1}, "positive dollars"),
        ("rights_distributions", {"rate": 1}, "this kind is not applied"),
        ("something_new", {}, "this kind is not applied"),
        (
            "stock_and_cash_mergers",
            {"acquirer_symbol": "Y", "acquirer_rate": 2, "acquiree_symbol": "X", "acquiree_rate": 3, "cash_rate": 7},
            "whether the cash is for one share",
        ),
    ],
)
def test_a_row_that_cannot_be_sure_is_told_and_costs_itself_alone(
    kind: str, fields: dict[str, object], words: str
) -> None:
    good = row(new_rate=2, old_rate=1, rate=0.1) | {"symbol": "BRK.B"}
    doubts = [each for each in told(kind, row(**fields), good) if isinstance(each, Doubtful)]
    assert words in str(doubts[0])
    assert kind in str(doubts[0])
    if kind == "forward_splits":
        assert Split(symbol="BRK.B", effective=DAY, ratio=Fraction(2)) in told(kind, row(**fields), good)


def test_two_dividends_of_one_day_are_one_and_what_is_past_or_of_others_is_left_out() -> None:
    rows = [row(rate=0.5), row(rate=1.5, special=True), row(rate=9, ex_date="2024-05-31"), row(rate=9, symbol="OTHER")]
    assert told("cash_dividends", *rows) == [Dividend(symbol="X", effective=DAY, cash_usd=2.0)]
    assert told("name_changes", row(old_symbol="X", new_symbol="X")) == [], "a new CUSIP is no new name"


def test_a_page_asks_for_the_next_one_and_the_range_reaches_to_the_day_of_payment() -> None:
    (request,) = api().plan_actions(OURS, since=SINCE)
    assert request.query == (("symbols", "X,BRK.B"), ("start", "2024-06-01"), ("end", "2024-09-29"), ("limit", "1000"))
    assert "the-secret" not in repr(request)
    (more,) = told("forward_splits", token="abc")
    assert isinstance(more, Request)
    assert more.query == (*request.query, ("page_token", "abc"))
    (last,) = api().on_actions(more, Response(status=200, body=b'{"corporate_actions":{},"next_page_token":"def"}', received_ns=1), since=SINCE)  # fmt: skip
    assert isinstance(last, Request)
    assert last.query == (*request.query, ("page_token", "def"))
    assert [len(one.symbols) for one in api().plan_actions([f"S{n}" for n in range(150)], since=SINCE)] == [100, 50]


def test_a_refusal_says_so() -> None:
    (status,) = read(b'{"message":"too many requests."}', 429)
    assert isinstance(status, LineStatus)
    assert (status.state, status.detail) == (LineState.LIMITED, "HTTP 429 too many requests.")


@given(
    st.binary(max_size=80) | st.sampled_from([b'{"corporate_actions":{"spin_offs":[1]}}', b'{"corporate_actions":[]}'])
)
def test_no_bytes_raise(body: bytes) -> None:
    for each in read(body):
        assert isinstance(each, Doubtful | Unparsed)
