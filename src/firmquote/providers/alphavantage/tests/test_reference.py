"""Alpha Vantage's splits and dividends, in the shapes of the dossier."""

import json
from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from firmquote.model import LineState, LineStatus, Opening, Response, Secret, Unparsed
from firmquote.providers.alphavantage import PROVIDER
from firmquote.providers.alphavantage.config import AlphaVantageConfig
from firmquote.providers.alphavantage.reference import AlphaVantageReference
from firmquote.symbols import Dividend, Doubtful, Split

SINCE = date(2021, 11, 1)
KEY = "SECRETKEY"


def api(*, asks: bool = True) -> AlphaVantageReference:
    config = AlphaVantageConfig(corporate_actions=asks)
    return AlphaVantageReference(Opening(config=config, key=Secret(KEY), codec=PROVIDER.codec()))


def told(function: int, body: object, status: int = 200) -> list[object]:
    request = api().plan_actions(["BRK.B"], since=SINCE)[function]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(api().on_actions(request, Response(status=status, body=raw, received_ns=1), since=SINCE))


def test_each_symbol_is_asked_for_splits_and_dividends_when_that_is_wanted() -> None:
    splits, dividends = api().plan_actions(["BRK.B"], since=SINCE)
    assert splits.query == (("function", "SPLITS"), ("symbol", "BRK-B"))
    assert dividends.query == (("function", "DIVIDENDS"), ("symbol", "BRK-B"))
    assert KEY not in repr(splits)
    assert list(api(asks=False).plan_actions(["BRK.B"], since=SINCE)) == []


def test_a_factor_that_no_split_has_is_told_and_never_applied() -> None:
    rows = [
        {"effective_date": "2022-07-18", "split_factor": "20.0000"},
        {"effective_date": "2022-01-03", "split_factor": "0.0333"},
        {"effective_date": "2021-11-04", "split_factor": "1.0460"},
        {"effective_date": "2021-11-03", "split_factor": None},
        {"effective_date": "1999-05-27", "split_factor": "2.0000"},
    ]
    *splits, spin_off, broken = told(0, {"symbol": "BRK-B", "data": rows})
    assert splits == [
        Split(symbol="BRK.B", effective=date(2022, 7, 18), ratio=Fraction(20)),
        Split(symbol="BRK.B", effective=date(2022, 1, 3), ratio=Fraction(1, 30)),
    ]
    assert isinstance(spin_off, Doubtful)
    assert "BRK.B" in str(spin_off)
    assert "1.0460" in str(spin_off)
    assert isinstance(broken, Doubtful)


def test_dividends_are_those_with_an_ex_date_and_an_amount() -> None:
    none = dict.fromkeys(("declaration_date", "record_date", "payment_date"), "None")
    rows = [
        {"ex_dividend_date": "2024-08-09", "amount": "1.67", **none},
        {"ex_dividend_date": "2024-08-09", "amount": "0.33", **none},
        {"ex_dividend_date": "None", "amount": "1.67", **none},
        {"ex_dividend_date": "2021-10-29", "amount": "1.64", **none},
        {"ex_dividend_date": "2024-05-09", "amount": "None", **none},
        {"ex_dividend_date": "2024-05-08", "amount": "nan", **none},
    ]
    dividend, *doubts = told(1, {"symbol": "BRK-B", "data": rows})
    assert dividend == Dividend(symbol="BRK.B", effective=date(2024, 8, 9), cash_usd=2.0)
    assert [type(each) for each in doubts] == [Doubtful, Doubtful]


def test_a_symbol_that_it_does_not_know_has_no_actions_and_a_notice_is_a_refusal() -> None:
    assert told(0, {}) == told(0, {"symbol": "BRK-B", "data": []}) == []
    assert told(0, {"Error Message": "Invalid API call. Please retry or visit the documentation for SPLITS."}) == []
    (limited,) = told(0, {"Information": f"We have detected your API key as {KEY} and our rate limit is 25 requests per day."})  # fmt: skip
    assert isinstance(limited, LineStatus)
    assert limited.state is LineState.LIMITED
    assert KEY not in limited.detail
    (error,) = told(0, b"<html>", 503)
    assert isinstance(error, LineStatus)


@given(st.binary(max_size=60) | st.sampled_from([b'{"data":[1,{}]}', b'{"data":{}}', b"[]", b'{"data":"x"}']))
def test_no_bytes_raise(body: bytes) -> None:
    for function in (0, 1):
        for each in told(function, body):
            assert isinstance(each, Doubtful | Unparsed)
