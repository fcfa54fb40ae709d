"""The canonical form, and what people type instead of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import UnknownSymbolError
from firmquote.symbols import Kind, Symbol, parse_symbol, readings


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("IBM", Symbol("IBM")),
        ("C3", Symbol("C3")),
        ("BRK.B", Symbol("BRK", Kind.CLASS, "B")),
        ("MKC.V", Symbol("MKC", Kind.CLASS, "V")),
        ("XYZ.U", Symbol("XYZ", Kind.UNIT)),
        ("BAC.PRL", Symbol("BAC", Kind.PREFERRED, "L")),
        ("BAC.PR", Symbol("BAC", Kind.PREFERRED)),
        ("XYZ.WS", Symbol("XYZ", Kind.WARRANT)),
        ("XYZ.WS.A", Symbol("XYZ", Kind.WARRANT, "A")),
        ("XYZ.RT", Symbol("XYZ", Kind.RIGHT)),
        ("XYZ.WI", Symbol("XYZ", Kind.WHEN_ISSUED)),
        ("ZVZZT", Symbol("ZVZZT", Kind.TEST)),
        ("NTEST.A", Symbol("NTEST", Kind.TEST, "A")),
        ("FAKEPACA", Symbol("FAKEPACA", Kind.TEST)),
        ("BTC-USD", Symbol("BTC", Kind.CRYPTO, "USD")),
        ("USDT-USD", Symbol("USDT", Kind.CRYPTO, "USD")),
        ("I:SPX", Symbol("SPX", Kind.INDEX)),
    ],
)
def test_a_canonical_text_says_what_it_is(text: str, symbol: Symbol) -> None:
    assert symbol == parse_symbol(text)
    assert text == symbol.text


@given(st.one_of(st.text(max_size=12), st.text("ABWSPRTUI.:-", max_size=9)))
def test_a_text_that_is_read_is_written_back_unchanged(text: str) -> None:
    try:
        symbol = parse_symbol(text)
    except UnknownSymbolError:
        return
    assert text == symbol.text
    assert readings(text) == (symbol,)


@given(st.text("abcdpruwsBPRUWS./-_ +^#=:$123", max_size=10))
def test_every_reading_of_what_was_typed_is_canonical(text: str) -> None:
    for symbol in readings(text):
        assert symbol == parse_symbol(symbol.text)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param("ibm", "IBM", id="lower case"),
        pytest.param(" IBM ", "IBM", id="blanks around"),
        pytest.param("brk.b", "BRK.B", id="class in lower case"),
        pytest.param("BRK/B", "BRK.B", id="slash"),
        pytest.param("BRK B", "BRK.B", id="space"),
        pytest.param("brk_b", "BRK.B", id="underscore"),
        pytest.param("BACpL", "BAC.PRL", id="CQS preferred"),
        pytest.param("BACp", "BAC.PR", id="CQS preferred without a series"),
        pytest.param("BAC PRL", "BAC.PRL", id="CMS preferred"),
        pytest.param("bac-p-l", "BAC.PRL", id="dashed preferred"),
        pytest.param("BAC-PL", "BAC.PRL", id="Yahoo's preferred"),
        pytest.param("BAC.PR.L", "BAC.PRL", id="dotted preferred"),
        pytest.param("XYZ WS", "XYZ.WS", id="CMS warrant"),
        pytest.param("XYZ/WS/A", "XYZ.WS.A", id="CQS warrant of a series"),
        pytest.param("XYZ WSA", "XYZ.WS.A", id="CMS warrant of a series"),
        pytest.param("xyz-wt", "XYZ.WS", id="Yahoo's warrant"),
        pytest.param("XYZ+", "XYZ.WS", id="Nasdaq warrant"),
        pytest.param("XYZ+A", "XYZ.WS.A", id="Nasdaq warrant of a series"),
        pytest.param("XYZ/U", "XYZ.U", id="CQS unit"),
        pytest.param("xyz-un", "XYZ.U", id="Yahoo's unit"),
        pytest.param("XYZ=", "XYZ.U", id="Nasdaq unit"),
        pytest.param("XYZ RT", "XYZ.RT", id="CMS right"),
        pytest.param("XYZ^", "XYZ.RT", id="Nasdaq right"),
        pytest.param("XYZ#", "XYZ.WI", id="Nasdaq when issued"),
        pytest.param("btc/usd", "BTC-USD", id="slashed pair"),
        pytest.param("BTCUSD", "BTC-USD", id="joined pair"),
        pytest.param("X:ETHUSDT", "ETH-USDT", id="Polygon's pair"),
        pytest.param("^GSPC", "I:GSPC", id="Yahoo's index"),
        pytest.param("$SPX", "I:SPX", id="dollar index"),
        pytest.param("zvzzt", "ZVZZT", id="test symbol"),
    ],
)
def test_what_people_type_is_answered_with_its_canonical_spelling(typed: str, meant: str) -> None:
    with pytest.raises(UnknownSymbolError, match=r"is not a canonical symbol\. Write") as caught:
        parse_symbol(typed)
    assert str(caught.value).endswith(f"Write {meant!r}.")


@pytest.mark.parametrize("typed", ["BRK-B", "brk-b"])
def test_a_dash_before_one_letter_is_a_class_to_some_and_a_preferred_to_others(typed: str) -> None:
    with pytest.raises(UnknownSymbolError) as caught:
        parse_symbol(typed)
    assert str(caught.value).endswith("Write BRK.B (class B) or BRK.PRB (preferred B).")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "THIS IS NOT",
        "ABCDEF",
        "1A",
        "IBM\n\n.",
        "\N{LATIN SMALL LETTER DOTLESS I}bm",
        "BRK..B",
        "O:SPY",
        "brk.b.c",
    ],
)
def test_what_means_nothing_is_answered_with_the_rules(typed: str) -> None:
    with pytest.raises(UnknownSymbolError, match="Write the root in capitals"):
        parse_symbol(typed)
