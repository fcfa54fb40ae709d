"""Old names, from real map files (QuantConnect Lean, Apache-2.0) and from a provider's name changes."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmquote.errors import ConfigError
from firmquote.symbols import (
    Listing,
    NameSpan,
    TickerChange,
    TickerHistory,
    decode_map_file,
    listing_of_changes,
)

DATA = Path(__file__).parent / "data"
TODAY = date(2026, 11, 24)
# A Polygon `ticker_change` pair, newest first as it comes; the rename took effect on Thursday, 9 June 2022.
META = listing_of_changes("META", [TickerChange("META", date(2022, 6, 9)), TickerChange("FB", date(2012, 5, 18))])


def map_files() -> list[Listing]:
    return [
        decode_map_file(path.name.removeprefix("map_files-").removesuffix(".csv"), path.read_bytes())
        for path in sorted(DATA.glob("map_files-*.csv"))
    ]


HISTORY = TickerHistory([*map_files(), META])


@pytest.mark.parametrize(
    ("name", "then", "now", "expected"),
    [
        pytest.param("AOL", date(2000, 1, 3), date(2010, 1, 4), "TWX", id="AOL became TWX"),
        pytest.param("AOL", date(2003, 10, 15), date(2003, 10, 16), "TWX", id="on the last day of AOL"),
        pytest.param("AOL", date(2003, 10, 16), date(2010, 1, 4), None, id="AOL after it was TWX"),
        pytest.param("TWX", date(2000, 1, 3), date(2001, 1, 11), "TWX", id="the old Time Warner"),
        pytest.param("TWX", date(2000, 1, 3), date(2010, 1, 4), None, id="the old Time Warner is not the new one"),
        pytest.param("TWX", date(2002, 1, 3), date(2010, 1, 4), None, id="nobody was TWX in 2002"),
        pytest.param("TWX", date(2010, 1, 4), TODAY, None, id="TWX is gone"),
        pytest.param("FB", date(2020, 1, 2), TODAY, "META", id="FB became META"),
        pytest.param("FB", date(2022, 6, 8), TODAY, "META", id="FB on its last day"),
        pytest.param("FB", date(2022, 6, 9), TODAY, None, id="FB a day later"),
        pytest.param("META", TODAY, date(2020, 1, 2), "FB", id="META looked back"),
        pytest.param("GOOG", date(2014, 4, 2), date(2014, 4, 3), "GOOGL", id="GOOG became GOOGL"),
        pytest.param("GOOG", date(2014, 4, 3), TODAY, "GOOG", id="the new GOOG"),
        pytest.param("GOOCV", date(2014, 4, 2), TODAY, "GOOG", id="when issued became GOOG"),
        pytest.param("NB", date(1998, 9, 30), TODAY, "BAC", id="NationsBank became Bank of America"),
        pytest.param("QQQQ", date(2010, 1, 4), TODAY, "QQQ", id="a name that came back"),
        pytest.param("QQQ", date(2004, 1, 2), date(2010, 1, 4), "QQQQ", id="before it left"),
        pytest.param("WMI", date(2005, 1, 3), TODAY, "WM", id="second of three names"),
        pytest.param("UW", date(1998, 2, 2), TODAY, "WM", id="first of three names"),
        pytest.param("TAPA", date(2010, 1, 4), TODAY, "TAP.A", id="to a class share"),
        pytest.param("VXX", date(2010, 1, 4), TODAY, None, id="the note that matured"),
        pytest.param("VXX", date(2020, 1, 2), TODAY, "VXX", id="the note that took its name"),
        pytest.param("VXXB", date(2018, 6, 1), TODAY, "VXX", id="under its first name"),
        pytest.param("NWSA", date(2010, 1, 4), date(2019, 3, 18), "FOXA", id="News Corp became Fox"),
        pytest.param("AAPL", date(2000, 1, 3), TODAY, "AAPL", id="never renamed"),
        pytest.param("XYZ", date(2000, 1, 3), TODAY, None, id="not known"),
    ],
)
def test_an_old_name_is_followed_from_the_day_on_which_it_was_meant(
    name: str, then: date, now: date, expected: str | None
) -> None:
    assert expected == HISTORY.rename(name, then=then, now=now)


def test_all_that_ever_had_a_name_are_told_apart() -> None:
    assert [(span.first_day, listing.key) for span, listing in HISTORY.carriers("TWX")] == [
        (date(1998, 1, 2), "twx.1"),
        (date(2003, 10, 16), "twx"),
    ]


def test_two_instruments_with_one_name_on_one_day_are_refused() -> None:
    other = Listing("other", (NameSpan("FB", date(2022, 6, 8)),))
    with pytest.raises(ConfigError, match="META and other were both called FB on 2022-06-08"):
        TickerHistory([META, other])
    TickerHistory([META, Listing("other", (NameSpan("FB", date(2022, 6, 9)),))])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "needs a line for the first day", id="empty"),
        pytest.param(b"19980102,aapl,Q\n", "needs a line", id="one line"),
        pytest.param(b"19980102,aapl\n2050,aapl\n", "'2050,aapl' is not YYYYMMDD", id="bad day"),
        pytest.param(b"19980102,aapl\n20501231,a apl\n", "is not YYYYMMDD", id="bad ticker"),
        pytest.param(b"19980102,aapl\n20501231\n", "is not YYYYMMDD", id="no ticker"),
        pytest.param(b"19980102,aapl\n19970102,aapl\n", "1997-01-02 is out of order", id="out of order"),
        pytest.param(b"\xff\xfe\x00\n\x00,\n", "is not YYYYMMDD", id="binary"),
    ],
)
def test_a_map_file_that_is_none_is_refused_with_its_line(data: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        decode_map_file("aapl", data)


@pytest.mark.parametrize(
    ("changes", "last_day"),
    [
        pytest.param([], None, id="none"),
        pytest.param([TickerChange("A", TODAY), TickerChange("B", TODAY)], None, id="two names from one day on"),
        pytest.param([TickerChange("A", TODAY)], TODAY - timedelta(days=1), id="named after its end"),
    ],
)
def test_changes_that_give_no_single_name_a_day_are_refused(changes: list[TickerChange], last_day: date | None) -> None:
    with pytest.raises(ConfigError, match="do not give one name a day"):
        listing_of_changes("X", changes, last_day)


days = st.dates(date(2000, 1, 1), date(2020, 1, 1))
changes = st.lists(
    st.builds(TickerChange, st.sampled_from(["A", "B", "C"]), days),
    min_size=1,
    unique_by=lambda change: change.effective,
)


@given(changes, days)
def test_a_listing_has_the_name_of_its_newest_change_on_every_day(changes: list[TickerChange], day: date) -> None:
    before = [change for change in changes if change.effective <= day]
    expected = max(before, key=lambda change: change.effective).name if before else None
    assert expected == listing_of_changes("X", changes).name_on(day)
