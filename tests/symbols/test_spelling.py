"""Each provider's spelling, both ways, from the dossiers read on 2026-11-24."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import ConfigError, UnknownSymbolError
from firmquote.providers.alphavantage.symbols import CODEC as ALPHAVANTAGE
from firmquote.providers.mock.symbols import CODEC as MOCK
from firmquote.providers.polygon.symbols import CODEC as POLYGON
from firmquote.symbols import Kind, Spelling, Symbol, SymbolNormalizer, parse_symbol

CASES = [
    # canonical, Polygon, Alpha Vantage
    ("IBM", "IBM", "IBM"),
    ("A", "A", "A"),
    ("SPY", "SPY", "SPY"),
    ("BRK.A", "BRK.A", "BRK-A"),
    ("BRK.B", "BRK.B", "BRK-B"),
    ("BF.B", "BF.B", "BF-B"),
    ("HEI.A", "HEI.A", "HEI-A"),
    ("BAC.PRL", "BACpL", "BAC-P-L"),
    ("BC.PRC", "BCpC", "BC-P-C"),
    ("AM.PRB", "AMpB", "AM-P-B"),
    ("AMPB", "AMPB", "AMPB"),
    ("F.PRB", "FpB", "F-P-B"),
    ("XYZ.PR", "XYZp", "XYZ-P"),
    ("XYZ.WS", "XYZ.WS", "XYZ-WS"),
    ("XYZ.WS.A", "XYZ.WS.A", "XYZ-WS-A"),
    ("XYZ.U", "XYZ.U", "XYZ-U"),
    ("XYZ.RT", "XYZr", "XYZ-R"),
    ("XYZ.WI", "XYZw", None),
    ("I:SPX", "I:SPX", None),
    ("BTC-USD", "X:BTCUSD", None),
    ("ETH-USDT", "X:ETHUSDT", None),
]


@pytest.mark.parametrize(("canonical", "polygon", "alphavantage"), CASES, ids=[case[0] for case in CASES])
def test_each_symbol_is_spelled_as_the_provider_spells_it_and_read_back(
    canonical: str, polygon: str, alphavantage: str | None
) -> None:
    assert polygon == POLYGON.to_provider(canonical)
    assert canonical == POLYGON.from_provider(polygon)
    if alphavantage is None:
        with pytest.raises(UnknownSymbolError, match="no known spelling"):
            ALPHAVANTAGE.to_provider(canonical)
    else:
        assert alphavantage == ALPHAVANTAGE.to_provider(canonical)
        assert canonical == ALPHAVANTAGE.from_provider(alphavantage)


roots = st.from_regex(r"[A-Z][A-Z0-9]{0,5}", fullmatch=True)
symbols = st.one_of(
    st.builds(Symbol, roots),
    st.builds(Symbol, roots, st.just(Kind.CLASS), st.sampled_from("ABCKPRVZ")),
    st.builds(Symbol, roots, st.just(Kind.PREFERRED), st.sampled_from(["", "A", "L"])),
    st.builds(Symbol, roots, st.just(Kind.WARRANT), st.sampled_from(["", "A"])),
    st.builds(Symbol, roots, st.sampled_from([Kind.UNIT, Kind.RIGHT, Kind.WHEN_ISSUED, Kind.INDEX])),
    st.builds(Symbol, roots, st.just(Kind.CRYPTO), st.sampled_from(["USD", "USDT"])),
)


@given(symbols)
def test_canonical_text_round_trips(symbol: Symbol) -> None:
    assert symbol == parse_symbol(symbol.text)


@given(st.sampled_from([POLYGON, ALPHAVANTAGE, MOCK]), symbols)
def test_whatever_a_codec_writes_it_reads_back_as_the_same_symbol(codec: Spelling, symbol: Symbol) -> None:
    try:
        spelling = codec.to_provider(symbol.text)
    except UnknownSymbolError:
        return
    assert symbol.text == codec.from_provider(spelling)


def test_a_spelling_that_could_mean_two_symbols_is_an_error_and_not_a_guess() -> None:
    assert ALPHAVANTAGE.to_provider("XYZ.PR") == "XYZ-P"
    with pytest.raises(UnknownSymbolError, match=r"XYZ\.P.*also uses for XYZ\.PR.*symbols\.overrides"):
        ALPHAVANTAGE.to_provider("XYZ.P")


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        pytest.param("brk.b", "Write 'BRK.B'.", id="lower case"),
        pytest.param("BRK/B", "Write 'BRK.B'.", id="slash"),
        pytest.param("BRK B", "Write 'BRK.B'.", id="space"),
        pytest.param("BRK-B", "Write 'BRK.B'.", id="dash"),
        pytest.param("", "Write the root in capitals", id="empty"),
        pytest.param("THIS IS NOT", "Write the root in capitals", id="prose"),
    ],
)
def test_what_people_type_is_answered_with_the_canonical_spelling(typed: str, advice: str) -> None:
    with pytest.raises(UnknownSymbolError, match="not a canonical symbol") as caught:
        parse_symbol(typed)
    assert advice in str(caught.value)


def test_an_override_wins_in_both_directions() -> None:
    normalizer = SymbolNormalizer({"polygon": POLYGON}, {"polygon": {"XYZ.WS": "XYZW"}})
    assert normalizer.to_provider("polygon", "XYZ.WS") == "XYZW"
    assert normalizer.from_provider("polygon", "XYZW") == "XYZ.WS"
    assert normalizer.table("polygon", ["XYZ.WS", "IBM"]) == {"XYZW": "XYZ.WS", "IBM": "IBM"}


def test_two_symbols_under_one_spelling_are_refused() -> None:
    with pytest.raises(UnknownSymbolError, match="alike"):
        SymbolNormalizer({"polygon": POLYGON}, {"polygon": {"XYZ.WS": "IBM"}}).table("polygon", ["XYZ.WS", "IBM"])
    with pytest.raises(ConfigError, match="one spelling"):
        SymbolNormalizer({"polygon": POLYGON}, {"polygon": {"A": "X", "B": "X"}})
