"""SymbolNormalizer: overrides, aliases, what people type, and explanations."""

from datetime import date

import pytest

from firmquote.errors import ConfigError, UnknownSymbolError
from firmquote.providers.alphavantage.symbols import CODEC as ALPHAVANTAGE
from firmquote.providers.polygon.symbols import CODEC as POLYGON
from firmquote.symbols import SymbolNormalizer, TickerChange, TickerHistory, listing_of_changes

META = listing_of_changes("META", [TickerChange("FB", date(2012, 5, 18)), TickerChange("META", date(2022, 6, 9))])
TIME_WARNER = listing_of_changes(
    "TWX", [TickerChange("AOL", date(1998, 1, 2)), TickerChange("TWX", date(2003, 10, 16))], date(2018, 6, 15)
)
BERKSHIRE = listing_of_changes("BRK.B", [TickerChange("BRK.B", date(1996, 5, 9))])


def normalizer(**overrides: dict[str, str]) -> SymbolNormalizer:
    return SymbolNormalizer(
        {"polygon": POLYGON, "alphavantage": ALPHAVANTAGE},
        overrides,
        aliases={"spx": "I:SPX", "Berkshire": "BRK.B"},
        history=TickerHistory([META, TIME_WARNER, BERKSHIRE]),
    )


def test_an_override_wins_in_both_directions() -> None:
    overridden = normalizer(polygon={"XYZ.WS": "XYZW"})
    assert overridden.to_provider("polygon", "XYZ.WS") == "XYZW"
    assert overridden.from_provider("polygon", "XYZW") == "XYZ.WS"
    assert overridden.table("polygon", ["XYZ.WS", "IBM"]) == {"XYZW": "XYZ.WS", "IBM": "IBM"}
    assert overridden.to_provider("alphavantage", "XYZ.WS") == "XYZ-WS"


def test_a_spelling_that_an_override_gave_away_is_not_used_for_its_former_owner() -> None:
    overridden = normalizer(polygon={"XYZ.WS": "XYZW"})
    with pytest.raises(UnknownSymbolError, match=r"XYZW and XYZ\.WS alike: XYZW"):
        overridden.to_provider("polygon", "XYZW")
    with pytest.raises(UnknownSymbolError, match=r"writes XYZ\.WS as 'XYZW'"):
        overridden.from_provider("polygon", "XYZ.WS")


def test_two_symbols_under_one_spelling_are_refused() -> None:
    with pytest.raises(UnknownSymbolError, match="alike"):
        normalizer(polygon={"XYZ.WS": "IBM"}).table("polygon", ["XYZ.WS", "IBM"])
    with pytest.raises(ConfigError, match="one spelling"):
        normalizer(polygon={"A": "X", "B": "X"})


def test_configured_symbols_must_be_canonical() -> None:
    with pytest.raises(ConfigError, match=r"symbols\.overrides\.polygon: 'brk/b' is not.*Write 'BRK\.B'"):
        normalizer(polygon={"brk/b": "X"})
    with pytest.raises(ConfigError, match=r"symbols\.aliases: 'spx'"):
        SymbolNormalizer(aliases={"S&P": "spx"})


def test_a_provider_is_registered_once() -> None:
    empty = SymbolNormalizer()
    with pytest.raises(UnknownSymbolError, match="polygon: no spelling is known"):
        empty.to_provider("polygon", "IBM")
    empty.register("polygon", POLYGON)
    assert empty.to_provider("polygon", "BAC.PRL") == "BACpL"
    with pytest.raises(ConfigError, match="two providers have this name"):
        empty.register("polygon", POLYGON)


def test_a_typed_text_is_resolved_by_alias_canonical_form_or_its_only_reading() -> None:
    assert normalizer().resolve(" SPX ") == "I:SPX"
    assert normalizer().resolve("berkshire") == "BRK.B"
    assert normalizer().resolve("BRK.B") == "BRK.B"
    assert normalizer().resolve("brk/b") == "BRK.B"
    assert normalizer().resolve("BACpL") == "BAC.PRL"


def test_of_two_readings_the_one_that_is_served_is_meant() -> None:
    assert normalizer().resolve("brk-b", served={"BRK.B", "IBM"}) == "BRK.B"
    assert normalizer().resolve("bac-l", served={"BAC.PRL"}) == "BAC.PRL"
    for served in (None, {"IBM"}, {"BRK.B", "BRK.PRB"}):
        with pytest.raises(UnknownSymbolError, match=r"Write BRK\.B \(class B\) or BRK\.PRB \(preferred B\)\."):
            normalizer().resolve("brk-b", served=served)


def test_an_old_name_is_resolved_as_of_its_day_only() -> None:
    assert normalizer().resolve("FB", as_of=date(2020, 1, 2)) == "META"
    assert normalizer().resolve("fb", as_of=date(2022, 6, 9)) == "FB"
    assert normalizer().resolve("FB") == "FB"
    assert normalizer().resolve("AOL", as_of=date(2000, 1, 3)) == "TWX"


def test_an_explanation_of_an_old_name_has_todays_spellings_and_all_names() -> None:
    explained = normalizer().explain("FB", date(2020, 1, 2))
    assert (explained.canonical, explained.kind, explained.current) == ("FB", "common", "META")
    assert explained.spellings == {"alphavantage": "META", "polygon": "META"}
    assert [span.name for span in explained.names] == ["FB", "META"]
    assert explained.last_day is None
    assert explained.notes == ()


def test_an_explanation_warns_of_a_name_that_another_instrument_had() -> None:
    assert normalizer().explain("FB").notes == (
        "From 2012-05-18 until 2022-06-08, FB was the name of what is now META.",
    )
    gone = normalizer().explain("AOL", date(2012, 1, 3))
    assert (gone.current, gone.names) == ("AOL", ())
    assert gone.notes == ("From 1998-01-02 until 2003-10-15, AOL was the name of TWX, listed until 2018-06-15.",)
    assert normalizer().explain("AOL", date(2000, 1, 3)).last_day == date(2018, 6, 15)


def test_an_explanation_says_which_provider_cannot_write_a_symbol_and_why() -> None:
    explained = normalizer().explain("$SPX", date(2024, 1, 2))
    assert (explained.canonical, explained.kind) == ("I:SPX", "index")
    assert explained.spellings == {"polygon": "I:SPX"}
    assert "no known spelling" in explained.refusals["alphavantage"]
    assert normalizer().explain("BRK.B", date(2024, 1, 2)).notes == ()
    assert normalizer().explain("BRK.B").notes == ()
