"""Each provider's spelling, both ways, from the dossiers read on 2026-11-24."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import UnknownSymbolError
from firmquote.providers.alphavantage.symbols import CODEC as ALPHAVANTAGE
from firmquote.providers.mock.symbols import CODEC as MOCK
from firmquote.providers.polygon.symbols import CODEC as POLYGON
from firmquote.symbols import Case, Kind, Spelling, Symbol, parse_symbol

# Providers that have no folder yet, as their dossiers write them. None: the dossier names no form.
ALPACA = Spelling(
    provider="alpaca",
    klass="{root}.{series}",
    preferred="{root}.PR{series}",
    preferred_bare="{root}.PR",
    warrant="{root}.WS",
    warrant_series="{root}.WS.{series}",
    unit="{root}.U",
    right="{root}.RT",
    crypto="{root}/{series}",
)
FINNHUB = Spelling(provider="finnhub", klass="{root}.{series}", crypto="BINANCE:{root}{series}")
TIINGO = Spelling(
    provider="tiingo",
    case=Case.LOWER,
    klass="{root}-{series}",
    class_letters="ABCDEFGHIJKLMNOQRSTVWXYZ",
    preferred="{root}-P-{series}",
    preferred_bare="{root}-P",
    warrant="{root}-WS",
    warrant_series="{root}-WS-{series}",
    unit="{root}-U",
)
TWELVEDATA = Spelling(provider="twelvedata", klass="{root}.{series}", crypto="{root}/{series}")

PROVIDERS = (POLYGON, ALPHAVANTAGE, ALPACA, FINNHUB, TIINGO, TWELVEDATA)
NO = None
TABLE: tuple[tuple[str, tuple[str | None, ...]], ...] = (
    # canonical     Polygon, Alpha Vantage, Alpaca, Finnhub, Tiingo, Twelve Data
    ("IBM", ("IBM", "IBM", "IBM", "IBM", "ibm", "IBM")),
    ("A", ("A", "A", "A", "A", "a", "A")),
    ("F", ("F", "F", "F", "F", "f", "F")),
    ("SPY", ("SPY", "SPY", "SPY", "SPY", "spy", "SPY")),
    ("AMPB", ("AMPB", "AMPB", "AMPB", "AMPB", "ampb", "AMPB")),
    ("BCPC", ("BCPC", "BCPC", "BCPC", "BCPC", "bcpc", "BCPC")),
    ("GOOGL", ("GOOGL", "GOOGL", "GOOGL", "GOOGL", "googl", "GOOGL")),
    ("AACIW", ("AACIW", "AACIW", "AACIW", "AACIW", "aaciw", "AACIW")),
    ("U", ("U", "U", "U", "U", "u", "U")),
    ("BRK.A", ("BRK.A", "BRK-A", "BRK.A", "BRK.A", "brk-a", "BRK.A")),
    ("BRK.B", ("BRK.B", "BRK-B", "BRK.B", "BRK.B", "brk-b", "BRK.B")),
    ("BF.B", ("BF.B", "BF-B", "BF.B", "BF.B", "bf-b", "BF.B")),
    ("HEI.A", ("HEI.A", "HEI-A", "HEI.A", "HEI.A", "hei-a", "HEI.A")),
    ("LEN.B", ("LEN.B", "LEN-B", "LEN.B", "LEN.B", "len-b", "LEN.B")),
    ("MKC.V", ("MKC.V", "MKC-V", "MKC.V", "MKC.V", "mkc-v", "MKC.V")),
    ("MOG.A", ("MOG.A", "MOG-A", "MOG.A", "MOG.A", "mog-a", "MOG.A")),
    ("TAP.A", ("TAP.A", "TAP-A", "TAP.A", "TAP.A", "tap-a", "TAP.A")),
    ("XYZ.P", ("XYZ.P", NO, "XYZ.P", "XYZ.P", NO, "XYZ.P")),
    ("AM.PRB", ("AMpB", "AM-P-B", "AM.PRB", NO, "am-p-b", NO)),
    ("BAC.PRL", ("BACpL", "BAC-P-L", "BAC.PRL", NO, "bac-p-l", NO)),
    ("BAC.PRM", ("BACpM", "BAC-P-M", "BAC.PRM", NO, "bac-p-m", NO)),
    ("BC.PRC", ("BCpC", "BC-P-C", "BC.PRC", NO, "bc-p-c", NO)),
    ("F.PRB", ("FpB", "F-P-B", "F.PRB", NO, "f-p-b", NO)),
    ("NEE.PRU", ("NEEpU", "NEE-P-U", "NEE.PRU", NO, "nee-p-u", NO)),
    ("MTB.PR", ("MTBp", "MTB-P", "MTB.PR", NO, "mtb-p", NO)),
    ("IONQ.WS", ("IONQ.WS", "IONQ-WS", "IONQ.WS", NO, "ionq-ws", NO)),
    ("XYZ.WS.A", ("XYZ.WS.A", "XYZ-WS-A", "XYZ.WS.A", NO, "xyz-ws-a", NO)),
    ("XYZ.WS.B", ("XYZ.WS.B", "XYZ-WS-B", "XYZ.WS.B", NO, "xyz-ws-b", NO)),
    ("XYZ.U", ("XYZ.U", "XYZ-U", "XYZ.U", NO, "xyz-u", NO)),
    ("AAC.U", ("AAC.U", "AAC-U", "AAC.U", NO, "aac-u", NO)),
    ("BKT.RT", ("BKTr", "BKT-R", "BKT.RT", NO, NO, NO)),
    ("SEM.WI", ("SEMw", NO, NO, NO, NO, NO)),
    ("ZVZZT", ("ZVZZT", "ZVZZT", "ZVZZT", "ZVZZT", "zvzzt", "ZVZZT")),
    ("NTEST.A", ("NTEST.A", "NTEST-A", "NTEST.A", "NTEST.A", "ntest-a", "NTEST.A")),
    ("I:SPX", ("I:SPX", NO, NO, NO, NO, NO)),
    ("BTC-USD", ("X:BTCUSD", NO, "BTC/USD", "BINANCE:BTCUSD", NO, "BTC/USD")),
    ("ETH-USDT", ("X:ETHUSDT", NO, "ETH/USDT", "BINANCE:ETHUSDT", NO, "ETH/USDT")),
    ("ETH-BTC", ("X:ETHBTC", NO, "ETH/BTC", "BINANCE:ETHBTC", NO, "ETH/BTC")),
)
CASES = [
    pytest.param(codec, canonical, spelling, id=f"{canonical}-{codec.provider}")
    for canonical, spellings in TABLE
    for codec, spelling in zip(PROVIDERS, spellings, strict=True)
]


def test_the_table_has_at_least_150_spellings_of_at_least_five_providers() -> None:
    assert sum(spelling is not None for _, spellings in TABLE for spelling in spellings) >= 150
    assert len(PROVIDERS) >= 5


@pytest.mark.parametrize(("codec", "canonical", "spelling"), CASES)
def test_each_symbol_is_spelled_as_the_provider_spells_it_and_read_back(
    codec: Spelling, canonical: str, spelling: str | None
) -> None:
    if spelling is None:
        with pytest.raises(UnknownSymbolError, match=f"{codec.provider} has no known spelling for {canonical}"):
            codec.to_provider(canonical)
    else:
        assert spelling == codec.to_provider(canonical)
        assert canonical == codec.from_provider(spelling)


roots = st.from_regex(r"[A-Z][A-Z0-9]{0,4}", fullmatch=True)
series = st.sampled_from("ABCDEFGHIJKLMNOPQRSTVWXYZ")
symbols = st.one_of(
    st.builds(Symbol, roots),
    st.builds(Symbol, roots, st.just(Kind.CLASS), series),
    st.builds(Symbol, roots, st.just(Kind.PREFERRED), st.one_of(st.just(""), series)),
    st.builds(Symbol, roots, st.just(Kind.WARRANT), st.one_of(st.just(""), series)),
    st.builds(Symbol, roots, st.sampled_from([Kind.UNIT, Kind.RIGHT, Kind.WHEN_ISSUED, Kind.INDEX])),
    st.builds(Symbol, roots, st.just(Kind.CRYPTO), st.sampled_from(["USD", "USDT", "BTC"])),
).map(lambda symbol: parse_symbol(symbol.text))
codecs = st.sampled_from([*PROVIDERS, MOCK])
suffixes = st.sampled_from(
    ["", "p", "pA", "r", "w", ".A", ".U", ".WS", ".WS.A", ".PR", ".PRA", ".RT", ".WI", "-A", "-P", "-P-A", "-WS", "-U"]
)
texts = st.one_of(st.builds(str.__add__, roots, suffixes), st.text("ABCPRUWpw.-/:I", max_size=8), st.text(max_size=8))


@given(codecs, symbols)
def test_whatever_a_codec_writes_it_reads_back_as_the_same_symbol(codec: Spelling, symbol: Symbol) -> None:
    try:
        spelling = codec.to_provider(symbol.text)
    except UnknownSymbolError:
        return
    assert symbol.text == codec.from_provider(spelling)


@given(codecs, texts)
def test_whatever_a_codec_reads_it_writes_back_the_same_but_for_case_where_that_means_nothing(
    codec: Spelling, text: str
) -> None:
    try:
        canonical = codec.from_provider(text)
    except UnknownSymbolError:
        return
    assert (text.lower() if codec.case is Case.LOWER else text) == codec.to_provider(canonical)


@given(symbols)
def test_the_mock_spells_everything_canonically(symbol: Symbol) -> None:
    assert symbol.text == MOCK.to_provider(symbol.text)


@pytest.mark.parametrize(
    ("codec", "spelling"),
    [
        pytest.param(POLYGON, "ibm", id="Polygon in lower case"),
        pytest.param(POLYGON, "BRK-B", id="a dash at Polygon"),
        pytest.param(POLYGON, "BACPL1", id="too long"),
        pytest.param(POLYGON, "BACpl", id="series in lower case"),
        pytest.param(POLYGON, "XYZ.CL", id="called"),
        pytest.param(POLYGON, "O:SPY241220C00600000", id="option"),
        pytest.param(POLYGON, "IBM\n", id="line end"),
        pytest.param(ALPHAVANTAGE, "TSCO.LON", id="London"),
        pytest.param(ALPHAVANTAGE, "IBM (delayed)", id="decorated"),
        pytest.param(FINNHUB, "aapl", id="Finnhub in lower case"),
        pytest.param(TIINGO, "\N{LATIN SMALL LETTER DOTLESS I}bm", id="a foreign letter that upper-cases to I"),
        pytest.param(TWELVEDATA, "BRK/A", id="a slash at Twelve Data"),
        pytest.param(TWELVEDATA, "", id="nothing"),
    ],
)
def test_a_spelling_that_the_provider_does_not_use_is_refused(codec: Spelling, spelling: str) -> None:
    with pytest.raises(UnknownSymbolError, match="is not how"):
        codec.from_provider(spelling)


def test_case_is_never_folded_where_it_carries_meaning() -> None:
    assert POLYGON.from_provider("AMPB") == "AMPB"
    assert POLYGON.from_provider("AMpB") == "AM.PRB"
    assert POLYGON.from_provider("TSLAw") == "TSLA.WI"
    assert POLYGON.from_provider("TSLAW") == "TSLAW"


def test_a_spelling_with_two_readings_is_an_error_in_both_directions_and_not_a_guess() -> None:
    dashes = Spelling(provider="dashes", klass="{root}-{series}", preferred_bare="{root}-P")
    assert dashes.to_provider("XYZ.A") == "XYZ-A"
    for canonical in ("XYZ.P", "XYZ.PR"):
        with pytest.raises(UnknownSymbolError, match=r"XYZ\.P or XYZ\.PR at dashes.*symbols\.overrides\.dashes"):
            dashes.to_provider(canonical)
    with pytest.raises(UnknownSymbolError, match="can mean"):
        dashes.from_provider("XYZ-P")


def test_class_letters_settle_what_a_letter_after_the_dash_means() -> None:
    assert ALPHAVANTAGE.from_provider("BKT-R") == "BKT.RT"
    assert ALPHAVANTAGE.from_provider("MTB-P") == "MTB.PR"
    assert ALPHAVANTAGE.from_provider("MKC-V") == "MKC.V"
